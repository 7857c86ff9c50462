//! Tiny ELF files: headers and sections as compilers leave them, and no code.

/// What an ELF file is for, and says of itself.
#[derive(Clone, Copy)]
pub(crate) struct Elf {
    /// As the header calls the processor.
    pub(crate) machine: u16,
    /// A section, and what it holds.
    pub(crate) section: (&'static str, &'static [u8]),
    /// A version of the C library that it needs.
    pub(crate) glibc: Option<&'static str>,
}

pub(crate) const X64: u16 = 62;
pub(crate) const ARM64: u16 = 183;
pub(crate) const GO: (&str, &[u8]) = (".go.buildinfo", b"\xff Go buildinf:");
pub(crate) const RUST: (&str, &[u8]) = (".comment", b"rustc version 1.95.0");
pub(crate) const C: (&str, &[u8]) = (".comment", b"GCC: 12.2.0");

/// As the header calls another system than Linux.
pub(crate) const FREEBSD: u8 = 9;
pub(crate) const RISCV: u16 = 243;

/// The same for another system.
pub(crate) fn on(system: u8, mut elf: Vec<u8>) -> Vec<u8> {
    elf[7] = system;
    elf
}

/// A program in Go or Rust, or in C.
pub(crate) fn program(machine: u16, section: (&'static str, &'static [u8])) -> Vec<u8> {
    Elf { machine, section, glibc: None }.bytes()
}

impl Elf {
    /// The file.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let (strings, needs) = self.versions();
        self.with(strings, needs)
    }

    /// One in whose table of versions so many libraries share one list of 65535 versions.
    pub(crate) fn hostile(self, libraries: u32) -> Vec<u8> {
        let strings = b"\0libc.so.6\0GLIBC_2.2.5\0".to_vec();
        let mut table = Vec::new();
        for library in 0..libraries {
            table.extend(1u16.to_le_bytes());
            table.extend(u16::MAX.to_le_bytes());
            let next = if library + 1 == libraries { 0 } else { 16 };
            for word in [1u32, (libraries - library) * 16, next] {
                table.extend(word.to_le_bytes());
            }
        }
        for _ in 0..u16::MAX {
            for word in [0u32, 0x2_0000, 11, 16] {
                table.extend(word.to_le_bytes());
            }
        }
        self.with(strings, table)
    }

    fn with(self, strings: Vec<u8>, needs: Vec<u8>) -> Vec<u8> {
        const PROGBITS: u32 = 1;
        const STRTAB: u32 = 3;
        const VERNEED: u32 = 0x6fff_fffe;
        let mut names = vec![0];
        // Name, kind, content, link, info.
        let mut sections: Vec<(usize, u32, Vec<u8>, u32, u32)> = vec![(0, 0, Vec::new(), 0, 0)];
        let mut add = |name: &str, kind, content: Vec<u8>, link, info| {
            sections.push((names.len(), kind, content, link, info));
            names.extend(name.bytes().chain([0]));
        };
        add(self.section.0, PROGBITS, self.section.1.to_vec(), 0, 0);
        add(".dynstr", STRTAB, strings, 0, 0);
        if !needs.is_empty() {
            add(".gnu.version_r", VERNEED, needs, 2, 1);
        }
        add(".shstrtab", STRTAB, Vec::new(), 0, 0);
        sections.last_mut().unwrap().2 = names;

        let mut contents: Vec<u8> = Vec::new();
        let mut headers: Vec<u8> = Vec::new();
        for (name, kind, content, link, info) in &sections {
            headers.extend((*name as u32).to_le_bytes());
            headers.extend(kind.to_le_bytes());
            headers.extend([0; 16]); // flags, address
            headers.extend((64 + contents.len() as u64).to_le_bytes());
            headers.extend((content.len() as u64).to_le_bytes());
            headers.extend(link.to_le_bytes());
            headers.extend(info.to_le_bytes());
            headers.extend(1u64.to_le_bytes());
            headers.extend([0; 8]); // size of entries
            contents.extend(content);
        }
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend(2u16.to_le_bytes()); // a program
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend(0x40_0000u64.to_le_bytes()); // where it begins
        file.extend([0; 8]);
        file.extend((64 + contents.len() as u64).to_le_bytes());
        file.extend([0; 4]);
        for field in [64, 56, 0, 64, sections.len() as u16, sections.len() as u16 - 1] {
            file.extend(field.to_le_bytes());
        }
        file.extend(contents);
        file.extend(headers);
        file
    }

    /// The strings, and the table of versions (Elf64_Verneed, Elf64_Vernaux).
    fn versions(self) -> (Vec<u8>, Vec<u8>) {
        let Some(version) = self.glibc else { return (vec![0], Vec::new()) };
        let strings = format!("\0libc.so.6\0{version}\0").into_bytes();
        let mut table = Vec::new();
        for half in [1u16, 1] {
            table.extend(half.to_le_bytes());
        }
        for word in [1u32, 16, 0, 0] {
            table.extend(word.to_le_bytes()); // the library, its versions, no other library; a hash
        }
        for half in [0u16, 2] {
            table.extend(half.to_le_bytes()); // not weak
        }
        for word in [11u32, 0] {
            table.extend(word.to_le_bytes());
        }
        (strings, table)
    }
}
