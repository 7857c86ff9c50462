//! Can the target run it? In: an archive and the modules that are reached in it. Out: programs, native binaries, syntax
//! and formats of modules that the platform and its Node cannot take.

use super::Shipped;
use super::complete::Complete;
use crate::binary;
use crate::built::Entry;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{NodeVersion, Platform};
use crate::js::binary::{Misfit, Target, is_binary};
use crate::js::graph::{Edge, Graph};
use crate::js::newer::newer;
use crate::js::package::package_at;
use crate::js::scan::Form;
use crate::path::AbsPath;
use crate::plan::ModuleFormat;
use crate::runtime::{PROGRAM, program_misfit};

pub(super) fn findings(shipped: &Shipped<'_>, complete: &Complete, platform: Platform) -> Vec<Diagnostic> {
    let mut findings = match &shipped.entry {
        Some(Entry::Program) => program(shipped, platform),
        _ => Vec::new(),
    };
    findings.extend(unreached_binaries(shipped, complete, platform));
    findings.extend(of_other_nodes(shipped, complete, platform));
    if let Some(graph) = &complete.graph {
        let walk = Walk { graph, complete, node: shipped.node };
        findings.extend(complete.modules.iter().flat_map(|path| walk.module(path)));
    }
    findings
}

/// What the platform starts must be a program of its own kind that may be executed. It may be a script.
fn program(shipped: &Shipped<'_>, platform: Platform) -> Vec<Diagnostic> {
    let at = shipped.at(PROGRAM);
    let Some(entry) = shipped.files.entries().get(PROGRAM) else { return Vec::new() };
    let mut findings = Vec::new();
    if !entry.executable {
        let said = Diagnostic::error(Code::BadArchive, "cannot be executed: its mode has no `x`");
        findings.push(said.at(&at).hint("`chmod 755 bootstrap` before packing"));
    }
    let bytes = shipped.bytes(PROGRAM);
    let target = Target { platform, node: NodeVersion::DEFAULT.major };
    let foreign = |read: &binary::Binary| match read.misfit(target) {
        Some(Misfit::Foreign(why)) => Some(why),
        _ => None,
    };
    let misfit = match binary::read(&bytes) {
        Some(read) => foreign(&read).or_else(|| program_misfit(&read, platform)),
        None if bytes.starts_with(b"#!") => None,
        None => Some("it is neither a program nor a script".to_owned()),
    };
    findings.extend(misfit.map(|why| Diagnostic::error(Code::ForeignBinary, why).at(&at)));
    findings
}

/// Binaries that no module is seen to ask for: what is reached, the trace has looked at.
fn unreached_binaries(shipped: &Shipped<'_>, complete: &Complete, platform: Platform) -> Vec<Diagnostic> {
    let target = Target { platform, node: shipped.node.major };
    let names = shipped.files.entries().keys().map(|name| (name, shipped.at(name)));
    let names = names.filter(|(_, at)| is_binary(at) && !complete.reached.contains(at));
    let misfit = |(name, at): (&String, AbsPath)| {
        let (Misfit::Foreign(why) | Misfit::TooNew(why)) = binary::read(&shipped.bytes(name))?.misfit(target)?;
        Some(Diagnostic::note(Code::ForeignBinary, why).at(&at))
    };
    names.filter_map(misfit).collect()
}

/// Addons that are built for the inside of another Node, and not for its stable interface (Node-API). A package may have
/// one for each Node, of which its loader takes what fits.
fn of_other_nodes(shipped: &Shipped<'_>, complete: &Complete, platform: Platform) -> Vec<Diagnostic> {
    let target = Target { platform, node: shipped.node.major };
    let addons = shipped.files.entries().keys().filter(|name| name.ends_with(".node"));
    let addons: Vec<(&String, Option<u32>)> = addons.map(|name| (name, interface(&shipped.bytes(name)))).collect();
    let fits = |abi: Option<u32>| abi.is_none_or(|abi| abi == target.abi());
    let finding = |(name, abi): &(&String, Option<u32>)| {
        let abi = abi.filter(|abi| *abi != target.abi())?;
        let is_choice = addons.iter().any(|(other, abi)| package_at(other) == package_at(name) && fits(*abi));
        let at = shipped.at(name);
        let severity = if is_choice || !complete.reached.contains(&at) { Severity::Note } else { Severity::Error };
        let (node, needed) = (shipped.node.major, target.abi());
        let message = format!("it is built for the ABI {abi} of Node, and Node {node} has {needed}");
        let hint = format!("install, or rebuild, the package with Node {node}");
        Some(Diagnostic::new(severity, Code::ForeignBinary, message).at(&at).hint(hint))
    };
    addons.iter().filter_map(finding).collect()
}

/// The version of Node's interface (NODE_MODULE_VERSION) in the name of the function by which Node registers an addon.
fn interface(addon: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"node_register_module_v";
    let at = memchr::memmem::find(addon, NAME)? + NAME.len();
    let digits = addon[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&addon[at..at + digits]).ok()?.parse().ok()
}

struct Walk<'a> {
    graph: &'a Graph,
    complete: &'a Complete,
    node: NodeVersion,
}

impl Walk<'_> {
    fn module(&self, path: &AbsPath) -> Vec<Diagnostic> {
        let module = self.graph.module(path);
        if module.failure.is_some() || matches!(path.extension(), "json" | "node" | "wasm") {
            return Vec::new();
        }
        let is_eager = self.complete.eager.contains(path);
        // Whoever loads it only now and then may do without.
        let severity = if is_eager { Severity::Error } else { Severity::Note };
        let mut findings: Vec<Diagnostic> = Vec::new();
        if let Err((message, hint)) = self.format(path) {
            findings.push(Diagnostic::new(severity, Code::ModuleFormat, message).at(path).hint(hint));
        }
        if let Ok(bytes) = self.graph.store().read(path) {
            let found = newer(path.extension(), &String::from_utf8_lossy(&bytes), self.node.major);
            findings.extend(found.into_iter().map(|newer| {
                let since = match newer.since {
                    Some(since) => format!("Node {since} is the first that has it"),
                    None => "no Node has it".to_owned(),
                };
                let message = format!("uses {}, which Node {} cannot parse: {since}", newer.what, self.node.major);
                Diagnostic::new(severity, Code::Syntax, message).at(path).span(newer.span)
            }));
        }
        let required = module.edges.iter().filter(|edge| edge.request.form == Form::Require && !edge.request.guarded);
        findings.extend(required.filter_map(|edge| self.required_module(path, is_eager, edge)));
        findings
    }

    /// What Node takes a file for (ESM_FILE_FORMAT of esm.html), or why it cannot load it.
    fn format(&self, path: &AbsPath) -> Result<ModuleFormat, (String, &'static str)> {
        let module = self.graph.module(path);
        let is_esm = module.analysis.is_esm;
        let hint = "call the file `.mjs`, or say `\"type\": \"module\"` in its package.json";
        let by_name = match path.extension() {
            "mjs" => Some((ModuleFormat::Esm, "its name")),
            "cjs" => Some((ModuleFormat::Cjs, "its name")),
            "js" | "" if module.is_called_module() => Some((ModuleFormat::Esm, "the `type` of its package.json")),
            "js" if module.is_called_commonjs() => Some((ModuleFormat::Cjs, "the `type` of its package.json")),
            _ => None,
        };
        match by_name {
            Some((ModuleFormat::Cjs, by)) if is_esm => {
                Err((format!("is CommonJS by {by}, which has no `import` and `export` statements"), hint))
            }
            Some((format, _)) => Ok(format),
            None if !is_esm => Ok(ModuleFormat::Cjs),
            None if self.node >= NodeVersion::DETECTS_MODULES => Ok(ModuleFormat::Esm),
            None => {
                let message =
                    format!("is an ES module only by its syntax, which Node {} does not look at", self.node.major);
                Err((message, hint))
            }
        }
    }

    /// An ES module that is loaded by `require()`.
    fn required_module(&self, importer: &AbsPath, is_eager: bool, edge: &Edge) -> Option<Diagnostic> {
        let targets = edge.outcome.as_ref().ok().filter(|targets| !targets.synced)?;
        let target = &targets.modules.first()?.path;
        let is_code = !matches!(target.extension(), "json" | "node" | "wasm");
        if !is_code || self.format(target) != Ok(ModuleFormat::Esm) {
            return None;
        }
        let specifier = &edge.request.specifier;
        let (message, hint) = if self.node < NodeVersion::REQUIRES_MODULES {
            let message = format!("'{specifier}' is an ES module, which Node {} cannot `require()`", self.node.major);
            (message, "load it by `import()`, or have the function bundled")
        } else if self.waits(target) {
            let message = format!("'{specifier}' has `await` at its top, for which `require()` cannot wait");
            (message, "load it by `import()`")
        } else {
            return None;
        };
        let severity = if is_eager && edge.request.eager { Severity::Error } else { Severity::Note };
        let span = self.graph.place_of(importer, target);
        let said = Diagnostic::new(severity, Code::ModuleFormat, message).at(importer).hint(hint);
        Some(Diagnostic { span, ..said })
    }

    /// Has a module, or one that it imports, an `await` at its top?
    fn waits(&self, path: &AbsPath) -> bool {
        let mut seen = std::collections::BTreeSet::from([path.clone()]);
        let mut ahead = vec![path.clone()];
        while let Some(path) = ahead.pop() {
            let module = self.graph.module(&path);
            if module.analysis.waits.is_some() {
                return true;
            }
            let imports = module.edges.iter().filter(|edge| edge.request.form == Form::Import);
            let targets = imports.filter_map(|edge| edge.outcome.as_ref().ok()?.modules.first());
            ahead.extend(targets.map(|real| real.path.clone()).filter(|target| seen.insert(target.clone())));
        }
        false
    }
}
