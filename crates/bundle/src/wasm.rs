//! WebAssembly and other bytes as ES modules. Bytes go in, JavaScript comes out; nothing is run.
//!
//! A module of WebAssembly is what Node's own integration makes of it: its imports are imported from the modules they
//! name, it is instantiated, and its exports are exported. Who only takes `default` gets the compiled module instead,
//! and then nothing is instantiated.

use rolldown_utils::base64::to_standard_base64;
use serde_json::Value;

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// The sections of a module that matter here.
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const START: u8 = 8;

/// A module whose default export is the bytes.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let text = to_standard_base64(bytes);
    format!("export default /* @__PURE__ */ (() => new Uint8Array(Buffer.from(\"{text}\", \"base64\")))();\n")
}

/// A module whose exports are those of the instance.
pub(crate) fn instance(bytes: &[u8]) -> Result<String, String> {
    let names = names(bytes).ok_or("this is no module of WebAssembly, or a damaged one")?;
    // An instance that runs something when it starts is wanted for what it does.
    let pure = if names.starts { "" } else { "/* @__PURE__ */ " };
    let mut code = String::new();
    let mut imports = Vec::new();
    for (index, module) in names.imports.iter().enumerate() {
        let module = quoted(module);
        code.push_str(&format!("import * as import{index} from {module};\n"));
        imports.push(format!("{module}: import{index}"));
    }
    let text = to_standard_base64(bytes);
    code.push_str(&format!(
        "const compiled = /* @__PURE__ */ (() => new WebAssembly.Module(Buffer.from(\"{text}\", \"base64\")))();\n\
         const instance = {pure}(() => new WebAssembly.Instance(compiled, {{ {} }}))();\n",
        imports.join(", "),
    ));
    for (index, name) in names.exports.iter().enumerate() {
        let name = quoted(name);
        code.push_str(&format!(
            "const export{index} = /* @__PURE__ */ (() => instance.exports[{name}])();\nexport {{ export{index} as {name} }};\n"
        ));
    }
    if !names.exports.iter().any(|name| name == "default") {
        code.push_str("export default compiled;\n");
    }
    Ok(code)
}

fn quoted(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The modules that are imported from, each once, and the names that are exported, in the module's order.
#[derive(Debug, Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
    starts: bool,
}

fn names(bytes: &[u8]) -> Option<Names> {
    let mut reader = Reader(bytes.strip_prefix(MAGIC)?);
    let mut names = Names::default();
    while !reader.0.is_empty() {
        let kind = reader.byte()?;
        let length = reader.number()?;
        let mut section = Reader(reader.take(length)?);
        match kind {
            IMPORTS => {
                for _ in 0..section.number()? {
                    let module = section.name()?;
                    section.name()?;
                    section.import_type()?;
                    if !names.imports.contains(&module) {
                        names.imports.push(module);
                    }
                }
            }
            EXPORTS => {
                for _ in 0..section.number()? {
                    let name = section.name()?;
                    section.byte()?;
                    section.number()?;
                    names.exports.push(name);
                }
            }
            START => names.starts = true,
            _ => {}
        }
    }
    Some(names)
}

/// Reads WebAssembly's binary format, as far as names are concerned.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// LEB128. Limits of 64-bit memories may be longer than 32 bits; what is cut off is not needed.
    fn number(&mut self) -> Option<u32> {
        let mut value = 0_u64;
        for shift in (0..).step_by(7).take(10) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some((value & u64::from(u32::MAX)) as u32);
            }
        }
        None
    }

    fn name(&mut self) -> Option<String> {
        let length = self.number()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn import_type(&mut self) -> Option<()> {
        match self.byte()? {
            0 => drop(self.number()?),
            1 => {
                self.value_type()?;
                self.limits()?;
            }
            2 => self.limits()?,
            3 => {
                self.value_type()?;
                self.byte()?;
            }
            4 => {
                self.byte()?;
                self.number()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn value_type(&mut self) -> Option<()> {
        // A reference to a type of its own has that type after it.
        if matches!(self.byte()?, 0x63 | 0x64) {
            self.number()?;
        }
        Some(())
    }

    fn limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 == 1 {
            self.number()?;
        }
        Some(())
    }
}
