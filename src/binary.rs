//! What a native binary is built for. In: the bytes of a program, a library or an addon. Out: system,
//! architecture, C library, the versions that it needs, and the language it is written in. Never runs
//! it, and never says whether that fits.

use object::read::elf::{ElfFile, FileHeader, SectionTable};
use object::{Architecture, BinaryFormat, Endianness, Object, ObjectSection};

/// Major, minor, patch.
pub type Version = (u32, u32, u32);

/// Operating systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum System {
    /// What functions are deployed to.
    #[default]
    Linux,
    /// A developer's machine.
    MacOs,
    /// A developer's machine.
    Windows,
}

/// The C libraries of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Libc {
    /// That of most distributions, and of the platform.
    #[default]
    Glibc,
    /// That of Alpine.
    Musl,
}

impl System {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
        }
    }

    /// As Go calls it (`GOOS`).
    pub fn in_go(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "darwin",
            Self::Windows => "windows",
        }
    }

    /// As Node calls it (`process.platform`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "darwin",
            Self::Windows => "win32",
        }
    }
}

impl Libc {
    /// As npm calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

/// The languages whose compiled programs are functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Go, which writes what went in into every program.
    Go,
    /// Rust.
    Rust,
}

/// The system or the processor that a binary is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltFor<T> {
    /// One of ours.
    Known(T),
    /// Many in one file, or it does not say.
    Several,
    /// One that no function runs on, by its name.
    Other(&'static str),
}

impl<T: PartialEq> BuiltFor<T> {
    /// Can this one take it?
    pub fn fits(&self, one: &T) -> bool {
        match self {
            Self::Known(known) => known == one,
            Self::Several => true,
            Self::Other(_) => false,
        }
    }
}

impl BuiltFor<System> {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(system) => system.name(),
            Self::Several => "several systems",
            Self::Other(name) => name,
        }
    }
}

impl BuiltFor<&'static str> {
    /// As Node calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(name) | Self::Other(name) => name,
            Self::Several => "several processors",
        }
    }
}

/// What a binary is built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The system that loads it.
    pub system: BuiltFor<System>,
    /// The processor, as Node calls it.
    pub arch: BuiltFor<&'static str>,
    /// The C library that it names; none where the system is not Linux.
    pub libc: Option<Libc>,
    /// The newest versions that it needs.
    pub needs: Needs,
    /// The language it is written in, if it is one of ours.
    pub language: Option<Language>,
}

/// The newest versions of symbols that a binary needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Of the C library.
    pub glibc: Option<Version>,
    /// Of the C++ library.
    pub glibcxx: Option<Version>,
}

/// So many bytes tell whether a file can be a binary at all.
pub const MAGIC: usize = 4;

/// Do these first bytes of a file look like those of a binary?
pub fn may_be(head: &[u8]) -> bool {
    is_elf(head)
        || head.starts_with(b"MZ")
        || [b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"]
            .iter()
            .any(|magic| head.starts_with(*magic))
}

/// Is it, by its first bytes, an ELF file?
pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// Reads the headers; none if it is no binary that any system loads.
pub fn read(bytes: &[u8]) -> Option<Binary> {
    let bare = |system| Binary {
        system: BuiltFor::Known(system),
        arch: BuiltFor::Several,
        libc: None,
        needs: Needs::default(),
        language: None,
    };
    if let Ok(object::FileKind::MachOFat32 | object::FileKind::MachOFat64) = object::FileKind::parse(bytes) {
        return Some(bare(System::MacOs));
    }
    let Ok(file) = object::File::parse(bytes) else {
        return bytes.starts_with(b"MZ").then(|| bare(System::Windows));
    };
    let system = match file.format() {
        BinaryFormat::Elf => system_of_elf(&file),
        BinaryFormat::MachO => BuiltFor::Known(System::MacOs),
        BinaryFormat::Pe => BuiltFor::Known(System::Windows),
        _ => return None,
    };
    let arch = match file.architecture() {
        Architecture::X86_64 => BuiltFor::Known("x64"),
        Architecture::Aarch64 => BuiltFor::Known("arm64"),
        Architecture::I386 => BuiltFor::Known("ia32"),
        Architecture::Arm => BuiltFor::Known("arm"),
        Architecture::Riscv64 => BuiltFor::Other("riscv64"),
        Architecture::PowerPc64 => BuiltFor::Other("ppc64"),
        Architecture::S390x => BuiltFor::Other("s390x"),
        Architecture::LoongArch64 => BuiltFor::Other("loong64"),
        _ => BuiltFor::Other("another processor"),
    };
    let names = file.section_by_name(".dynstr").and_then(|section| section.data().ok()).unwrap_or_default();
    let needs = match &file {
        object::File::Elf64(elf) => needs(elf, bytes),
        object::File::Elf32(elf) => needs(elf, bytes),
        _ => Needs::default(),
    };
    let libc = if contains(names, b"libc.musl") { Some(Libc::Musl) } else { needs.glibc.map(|_| Libc::Glibc) };
    Some(Binary { system, arch, libc, needs, language: None })
}

/// The same for a program that may be a function: its language as well, which takes a look at all of it.
pub fn read_program(bytes: &[u8]) -> Option<Binary> {
    let binary = read(bytes)?;
    let language = object::File::parse(bytes).ok().and_then(|file| language(&file, bytes));
    // Not every system has a number of its own in the header, but Go writes down its name.
    let is_linux = binary.system == BuiltFor::Known(System::Linux);
    let other = (language == Some(Language::Go) && is_linux).then(|| go_system(bytes)).flatten();
    Some(Binary { language, system: other.unwrap_or(binary.system), ..binary })
}

/// The system of an ELF file, by the number in its header; with none it is Linux.
fn system_of_elf(file: &object::File<'_>) -> BuiltFor<System> {
    use object::elf;
    let object::FileFlags::Elf { os_abi, .. } = file.flags() else { return BuiltFor::Known(System::Linux) };
    match os_abi {
        elf::ELFOSABI_SYSV | elf::ELFOSABI_GNU => BuiltFor::Known(System::Linux),
        elf::ELFOSABI_FREEBSD => BuiltFor::Other("FreeBSD"),
        elf::ELFOSABI_NETBSD => BuiltFor::Other("NetBSD"),
        elf::ELFOSABI_OPENBSD => BuiltFor::Other("OpenBSD"),
        elf::ELFOSABI_SOLARIS => BuiltFor::Other("Solaris"),
        _ => BuiltFor::Other("another system"),
    }
}

/// The system that a program in Go was built for, if that is another than Linux (runtime/debug.BuildInfo).
fn go_system(bytes: &[u8]) -> Option<BuiltFor<System>> {
    const KEY: &[u8] = b"build\tGOOS=";
    let rest = &bytes[memchr::memmem::find(bytes, KEY)? + KEY.len()..];
    let name = rest.split(|byte| *byte == b'\n').next()?;
    match name {
        b"linux" => None,
        b"android" => Some(BuiltFor::Other("Android")),
        b"dragonfly" => Some(BuiltFor::Other("DragonFly BSD")),
        b"illumos" => Some(BuiltFor::Other("illumos")),
        b"solaris" => Some(BuiltFor::Other("Solaris")),
        _ => Some(BuiltFor::Other("another system")),
    }
}

/// Go leaves the build information, in a section of its own but on Windows; Rust the compiler's name, or
/// the places of its library in messages of panics.
fn language(file: &object::File<'_>, bytes: &[u8]) -> Option<Language> {
    const GO_SECTIONS: [&str; 3] = [".go.buildinfo", "__go_buildinfo", ".note.go.buildid"];
    const GO_MAGIC: &[u8] = b"\xff Go buildinf:";
    // Libraries begin nowhere.
    if file.entry() == 0 {
        return None;
    }
    let has_go_section = file.sections().any(|section| section.name().is_ok_and(|name| GO_SECTIONS.contains(&name)));
    if has_go_section || file.format() == BinaryFormat::Pe && contains(bytes, GO_MAGIC) {
        return Some(Language::Go);
    }
    let comment = file.section_by_name(".comment").and_then(|section| section.data().ok()).unwrap_or_default();
    let is_rust =
        contains(comment, b"rustc version") || contains(bytes, b"/rustc/") || contains(bytes, b"RUST_BACKTRACE");
    is_rust.then_some(Language::Rust)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// So many bytes of names of versions are read, and no table of a real file has more: lists in a table
/// can overlap, so that a small file would keep us busy for hours.
const MOST_OF_VERSIONS: usize = 1 << 20;

/// The versions of symbols that an ELF file wants from others. What it can do without is no need.
fn needs<'data, Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'data, Elf>, bytes: &'data [u8]) -> Needs {
    let mut needs = Needs::default();
    let endian = file.endian();
    let sections: &SectionTable<'data, Elf> = file.elf_section_table();
    let Ok(Some((verneeds, link))) = sections.gnu_verneed(endian, bytes) else { return needs };
    let Ok(strings) = sections.strings(endian, bytes, link) else { return needs };
    let mut left = MOST_OF_VERSIONS;
    for version in verneeds.filter_map(Result::ok).flat_map(|(_, versions)| versions.filter_map(Result::ok)) {
        // A name without an end is a damaged table.
        let Ok(name) = version.name(endian, strings) else { break };
        let Some(rest) = left.checked_sub(name.len() + 1) else { break };
        left = rest;
        if version.vna_flags.get(endian).0 & object::elf::VER_FLG_WEAK.0 != 0 {
            continue;
        }
        let name = String::from_utf8_lossy(name);
        let most = |known: &mut Option<Version>, prefix: &str| {
            let found = name.strip_prefix(prefix).and_then(numbers);
            *known = (*known).max(found);
        };
        most(&mut needs.glibc, "GLIBC_");
        most(&mut needs.glibcxx, "GLIBCXX_");
        if name == "GLIBC_ABI_DT_RELR" {
            // The first that takes relocations in this form.
            needs.glibc = needs.glibc.max(Some((2, 36, 0)));
        }
    }
    needs
}

fn numbers(version: &str) -> Option<Version> {
    let mut parts = version.split('.').map(str::parse);
    let mut next = || parts.next().map_or(Some(0), Result::ok);
    Some((next()?, next()?, next()?))
}

/// A version as people write it.
pub fn shown((major, minor, patch): Version) -> String {
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_binary_is_none() {
        assert_eq!(read(b"not a binary"), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x7fELF"), None);
        assert_eq!(read_program(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn the_first_bytes_tell() {
        for head in [&b"\x7fELF"[..], b"MZ\x90\0", b"\xcf\xfa\xed\xfe"] {
            assert!(may_be(head), "{head:?}");
        }
        assert!(!may_be(b"#!/b") && !may_be(b"") && !may_be(b"PK\x03\x04"));
    }
}
