//! What a native binary is built for. In: the bytes of a `.node` file or a shared library. Out: system,
//! architecture, C library, and the versions that it needs; or why a target cannot load it (spec:
//! tracing.md section 6). Never runs it.

use object::read::elf::{ElfFile, FileHeader, SectionTable};
use object::{Architecture, BinaryFormat, Endianness, Object, ObjectSection};

use crate::function::Platform;
use crate::function::platform::{Libc, System};
use crate::path::AbsPath;

/// Major, minor, patch.
type Version = (u32, u32, u32);

/// What a binary is built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    system: System,
    /// As Node calls it; none if it has several, or one that Node does not run on.
    arch: Option<&'static str>,
    /// The C library that it names; none where the system is not Linux.
    libc: Option<Libc>,
    /// The newest versions that it needs.
    needs: Needs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Needs {
    glibc: Option<Version>,
    glibcxx: Option<Version>,
}

/// What functions run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Target {
    /// The machine.
    pub platform: Platform,
    /// The major version of Node.
    pub node: u32,
}

/// Why a target cannot load a binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It is for something else; what, and what the target is.
    Foreign(String),
    /// It needs something newer than the target has.
    TooNew(String),
}

impl Target {
    /// `linux-x64`.
    pub fn name(self) -> String {
        self.platform.name()
    }

    /// As Node calls the processor.
    pub fn arch(self) -> &'static str {
        self.platform.arch.as_str()
    }

    /// As Node calls the system.
    pub fn system(self) -> &'static str {
        self.platform.system.as_str()
    }

    /// As npm calls the C library.
    pub fn libc(self) -> &'static str {
        self.platform.libc.as_str()
    }

    /// The flags by which npm installs for it.
    pub fn npm_flags(self) -> String {
        let [os, cpu, libc] = self.as_managers_say().map(|(key, value)| format!("--{key}={value}"));
        if self.platform.system == System::Linux { format!("{os} {cpu} {libc}") } else { format!("{os} {cpu}") }
    }

    /// The value of `supportedArchitectures` by which Yarn installs for it.
    pub fn yarn_setting(self) -> String {
        let [os, cpu, libc] = self.as_managers_say().map(|(key, value)| format!("{key}: [{value}]"));
        if self.platform.system == System::Linux {
            format!("{{{os}, {cpu}, {libc}}}")
        } else {
            format!("{{{os}, {cpu}}}")
        }
    }

    fn as_managers_say(self) -> [(&'static str, &'static str); 3] {
        [("os", self.system()), ("cpu", self.arch()), ("libc", self.libc())]
    }

    /// The version of Node's binary interface (NODE_MODULE_VERSION).
    pub fn abi(self) -> u32 {
        match self.node {
            ..=18 => 108,
            19..=20 => 115,
            21..=22 => 127,
            _ => 137,
        }
    }

    /// Node 18 is deployed to Amazon Linux 2, later ones to 2023: their name, and what their C and C++
    /// libraries have. None of the machine that builds: a binary that was installed there loads there.
    fn libraries(self) -> Option<(&'static str, Version, Version)> {
        if self.platform.is_host {
            None
        } else if self.node <= 18 {
            Some(("Amazon Linux 2", (2, 26, 0), (3, 4, 24)))
        } else {
            Some(("Amazon Linux 2023", (2, 34, 0), (3, 4, 29)))
        }
    }
}

/// Reads the headers; none if it is no binary that any system loads.
pub fn read(bytes: &[u8]) -> Option<Binary> {
    if let Ok(object::FileKind::MachOFat32 | object::FileKind::MachOFat64) = object::FileKind::parse(bytes) {
        return Some(Binary { system: System::MacOs, arch: None, libc: None, needs: Needs::default() });
    }
    let Ok(file) = object::File::parse(bytes) else {
        let is_windows = bytes.starts_with(b"MZ");
        return is_windows.then(|| Binary { system: System::Windows, arch: None, libc: None, needs: Needs::default() });
    };
    let system = match file.format() {
        BinaryFormat::Elf => System::Linux,
        BinaryFormat::MachO => System::MacOs,
        BinaryFormat::Pe => System::Windows,
        _ => return None,
    };
    let arch = match file.architecture() {
        Architecture::X86_64 => Some("x64"),
        Architecture::Aarch64 => Some("arm64"),
        Architecture::I386 => Some("ia32"),
        Architecture::Arm => Some("arm"),
        _ => None,
    };
    let names = file.section_by_name(".dynstr").and_then(|section| section.data().ok()).unwrap_or_default();
    let needs = match &file {
        object::File::Elf64(elf) => needs(elf, bytes),
        object::File::Elf32(elf) => needs(elf, bytes),
        _ => Needs::default(),
    };
    let libc = if names.windows(b"libc.musl".len()).any(|part| part == b"libc.musl") {
        Some(Libc::Musl)
    } else {
        needs.glibc.map(|_| Libc::Glibc)
    };
    Some(Binary { system, arch, libc, needs })
}

/// The versions of symbols that an ELF file wants from others.
fn needs<'data, Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'data, Elf>, bytes: &'data [u8]) -> Needs {
    let mut needs = Needs::default();
    let endian = file.endian();
    let sections: &SectionTable<'data, Elf> = file.elf_section_table();
    let Ok(Some((verneeds, link))) = sections.gnu_verneed(endian, bytes) else { return needs };
    let Ok(strings) = sections.strings(endian, bytes, link) else { return needs };
    for (_, versions) in verneeds.filter_map(Result::ok) {
        for version in versions.filter_map(Result::ok) {
            let Ok(name) = version.name(endian, strings) else { continue };
            let name = String::from_utf8_lossy(name);
            let most = |known: &mut Option<Version>, prefix: &str| {
                let found = name.strip_prefix(prefix).and_then(numbers);
                *known = (*known).max(found);
            };
            most(&mut needs.glibc, "GLIBC_");
            most(&mut needs.glibcxx, "GLIBCXX_");
        }
    }
    needs
}

fn numbers(version: &str) -> Option<Version> {
    let mut parts = version.split('.').map(str::parse);
    let mut next = || parts.next().map_or(Some(0), Result::ok);
    Some((next()?, next()?, next()?))
}

impl Binary {
    /// Why the target cannot load it; none if it can.
    pub fn misfit(&self, target: Target) -> Option<Misfit> {
        let foreign =
            |it: &str, here: &str| Some(Misfit::Foreign(format!("it is for {it}, and the function runs on {here}")));
        if self.system != target.platform.system {
            return foreign(self.system.name(), target.platform.system.name());
        }
        // One file of macOS may be for many; Linux says what it is for, or loads nothing.
        if self.arch != Some(target.arch()) && (self.system == System::Linux || self.arch.is_some()) {
            return foreign(self.arch.unwrap_or("another processor"), target.arch());
        }
        if let Some(libc) = self.libc.filter(|libc| *libc != target.platform.libc) {
            return foreign(libc.as_str(), target.libc());
        }
        let (system, glibc, glibcxx) = target.libraries()?;
        let node = target.node;
        if let Some(needed) = self.needs.glibc.filter(|needed| *needed > glibc) {
            let has = format!("Node {node} runs on {system} with glibc {}.{}", glibc.0, glibc.1);
            return Some(Misfit::TooNew(format!("it needs GLIBC_{}, and {has}", shown(needed))));
        }
        let needed = self.needs.glibcxx.filter(|needed| *needed > glibcxx)?;
        let message = format!("it needs GLIBCXX_{}, which Node {node}'s {system} does not have", shown(needed));
        Some(Misfit::TooNew(message))
    }
}

fn shown((major, minor, patch): Version) -> String {
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

/// Is it, by its name, what a loader of native code takes?
pub fn is_binary(path: &AbsPath) -> bool {
    matches!(path.extension(), "node" | "so" | "dylib" | "dll") || path.name().contains(".so.")
}

/// Does a file or package say by its name that it is for another platform: `a.darwin-arm64.node`,
/// `@img/sharp-linuxmusl-x64`?
pub fn names_another(name: &str, target: Target) -> bool {
    const SYSTEMS: [&str; 5] = ["linux", "darwin", "win32", "android", "freebsd"];
    const PROCESSORS: [&str; 11] =
        ["x64", "arm64", "ia32", "arm", "armv7", "gnueabihf", "musleabihf", "riscv64", "s390x", "ppc64", "ppc64le"];
    let libcs: &[&str] = match (target.platform.system, target.platform.libc) {
        (System::Linux, Libc::Glibc) => &["musl", "linuxmusl", "universal"],
        (System::Linux, Libc::Musl) => &["gnu", "glibc", "universal"],
        (System::MacOs, _) => &["linuxmusl"],
        (System::Windows, _) => &["linuxmusl", "universal"],
    };
    let others = SYSTEMS.iter().chain(&PROCESSORS).filter(|word| **word != target.system() && **word != target.arch());
    let parts: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    others.chain(libcs).chain(&["wasm32"]).any(|other| parts.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_platforms() {
        let target = Target { node: 24, ..Target::default() };
        for name in ["a.darwin-arm64.node", "sharp-linuxmusl-x64", "x-linux-arm64-gnu", "win32.node"] {
            assert!(names_another(name, target), "{name}");
        }
        for name in ["a.linux-x64-gnu.node", "sharp-linux-x64", "charm.node", "a.node"] {
            assert!(!names_another(name, target), "{name}");
        }
    }

    #[test]
    fn what_is_no_binary_is_none() {
        assert_eq!(read(b"not a binary"), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x7fELF"), None);
    }
}
