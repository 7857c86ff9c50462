//! What a program in Go is made of. In: the program. Out: its modules, as `go version -m` shows them: Go writes them into
//! every program (debug/buildinfo, since Go 1.18).

use memchr::memmem;

/// What stands before the build information, at a multiple of 16.
const MAGIC: &[u8] = b"\xff Go buildinf:";

/// The flag that says that the texts follow, and no pointers to them.
const INLINE: u8 = 2;

/// How long that header is.
const HEADER: usize = 32;

/// What Go puts before and after the list of modules.
const FRAME: usize = 16;

/// Modules and their versions; the program's own module is none of them.
pub(super) fn modules(program: &[u8]) -> Vec<(String, String)> {
    memmem::find_iter(program, MAGIC).find_map(|at| read(program.get(at..)?)).unwrap_or_default()
}

fn read(info: &[u8]) -> Option<Vec<(String, String)>> {
    if info.get(15)? & INLINE == 0 {
        return None;
    }
    let (_, rest) = text(info.get(HEADER..)?)?;
    let (framed, _) = text(rest)?;
    let list = framed.get(FRAME..framed.len().checked_sub(FRAME)?)?;
    let list = std::str::from_utf8(list).ok()?;
    let mut modules: Vec<(String, String)> = Vec::new();
    for line in list.lines() {
        let mut words = line.split('\t');
        match (words.next(), words.next(), words.next()) {
            (Some("dep"), Some(name), Some(version)) => modules.push((name.to_owned(), version.to_owned())),
            // What is built in the place of the last.
            (Some("=>"), Some(name), Some(version)) => {
                modules.pop();
                modules.push((name.to_owned(), version.to_owned()));
            }
            _ => {}
        }
    }
    Some(modules)
}

/// A text, its length before it as a varint, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0_usize;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes.get(index + 1..)?.split_at_checked(len);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(list: &str) -> Vec<u8> {
        let mut program = b"\x7fELF and so on".to_vec();
        program.resize(32, 0);
        program.extend(MAGIC);
        program.extend([8, INLINE]);
        program.resize(64, 0);
        let framed = [&[1; FRAME], list.as_bytes(), &[2; FRAME]].concat();
        for text in [b"go1.24.1".as_slice(), &framed] {
            let len = u8::try_from(text.len() % 128).unwrap() | 0x80;
            program.extend([len, u8::try_from(text.len() / 128).unwrap()]);
            program.extend(text);
        }
        program
    }

    #[test]
    fn modules_are_those_that_are_built_in() {
        let list = "path\texample.com/own\nmod\texample.com/own\t(devel)\t\ndep\tgithub.com/a/b\tv1.2.3\th1:x=\n\
                    dep\tgithub.com/c/d\tv1.0.0\n=>\t../fork\tv1.0.1\nbuild\t-trimpath=true\n";
        let found = modules(&program(list));
        let expected = [("github.com/a/b", "v1.2.3"), ("../fork", "v1.0.1")];
        assert_eq!(found, expected.map(|(name, version)| (name.to_owned(), version.to_owned())));
    }

    #[test]
    fn what_is_cut_off_has_none() {
        let whole = program("dep\ta\tv1\n");
        for len in 0..whole.len() {
            assert!(modules(&whole[..len]).is_empty());
        }
    }
}
