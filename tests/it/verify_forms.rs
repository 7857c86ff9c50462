//! `fnzip verify` on what is no zip archive: tar archives, directories, programs by themselves.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tar::{Builder, EntryType, Header};

use crate::support::{Scratch, fnzip, said, scratch};
use crate::tiny::{self, ARM64, GO};
use crate::verify_load::{found, load};

/// What was found: severity, code and message.
fn findings(site: &Scratch) -> Vec<(String, String, String)> {
    let said = said(fnzip(&site.path).args(["verify", "out", "--json"]));
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let rows = value["findings"].as_array().unwrap().iter();
    let found: Vec<_> = rows.map(|it| (text(it, "severity"), text(it, "code"), text(it, "message"))).collect();
    assert_eq!(said.status, i32::from(found.iter().any(|it| it.0 == "error")), "{}", said.err);
    found
}

/// An entry of a tar archive: its name, what it is, where it leads, what is in it.
type Row<'a> = (&'a str, EntryType, &'a str, &'a str);

const HANDLER: Row<'static> = ("hello.js", EntryType::Regular, "", "exports.handler = async () => {}");

/// Names stand as they are given, whatever the crate thinks of them.
fn tarball(rows: &[Row<'_>]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, target, content) in rows {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_tar_archive_is_not_believed() {
    use EntryType::{Block, Directory, Link, Regular, Symlink};
    for (what, rows, expected) in [
        ("it is whole", vec![HANDLER], None),
        ("as tar writes a directory", vec![("./", Directory, "", ""), ("./hello.js", Regular, "", HANDLER.3)], None),
        ("a link", vec![HANDLER, ("a", Symlink, "hello.js", "")], None),
        ("out", vec![HANDLER, ("../a", Regular, "", "")], Some("not a name for an entry")),
        ("absolute", vec![HANDLER, ("/a", Regular, "", "")], Some("not a name for an entry")),
        ("twice", vec![HANDLER, HANDLER], Some("is in it twice")),
        ("a link out", vec![HANDLER, ("a", Symlink, "../b", "")], Some("is a link to `../b`, which leads out")),
        ("a link to nothing", vec![HANDLER, ("a", Symlink, "b", "")], Some("is a link to `b`, which is not there")),
        (
            "a hard link",
            vec![HANDLER, ("a", Link, "hello.js", "")],
            Some("is neither a file nor a directory nor a link"),
        ),
        ("a device", vec![HANDLER, ("a", Block, "", "")], Some("is neither a file nor a directory nor a link")),
    ] {
        let site = scratch();
        site.file("out/hello.tgz", tarball(&rows));
        let found: Vec<_> = findings(&site).into_iter().map(|(severity, _, message)| (severity, message)).collect();
        match expected {
            None => assert_eq!(found, [], "{what}"),
            Some(expected) => {
                assert!(
                    found.iter().any(|(severity, it)| severity == "error" && it.contains(expected)),
                    "{what}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn a_damaged_tar_archive_is_an_error_wherever_it_is() {
    let whole = tarball(&[HANDLER, ("data.txt", EntryType::Regular, "", &"some text ".repeat(200))]);
    for at in (0..whole.len()).step_by(3) {
        let site = scratch();
        site.file("out/hello.tgz", &whole[..at]);
        let found = findings(&site);
        // What does not even begin as one is no archive to anybody.
        assert!(at < 2 || found.iter().any(|(severity, ..)| severity == "error"), "{at}: {found:?}");
    }
}

#[test]
fn what_unpacks_to_more_than_anybody_would_deploy_is_not_kept() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    let mut header = Header::new_gnu();
    header.set_path("hello.js").unwrap();
    header.set_size(2 << 30);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    for _ in 0..1400 {
        gzip.write_all(&zeros).unwrap();
    }
    let site = scratch();
    site.file("out/hello.tgz", gzip.finish().unwrap());
    let found = findings(&site);
    assert!(found.iter().any(|(_, code, _)| code == "too-large"), "{found:?}");
}

#[test]
fn a_directory_is_looked_at_as_the_platform_would_get_it() {
    let site = scratch();
    site.file("netlify/functions/hello.js", HANDLER.3);
    // Node would find it there, and the platform has no such place.
    site.file("out/node_modules/leaked/index.js", "");
    let built = said(fnzip(&site.path).args(["bundle", "--out", "out", "--format", "none"]));
    assert_eq!(built.status, 0, "{}", built.err);
    assert_eq!(findings(&site), []);
    site.file("out/hello/hello.js", format!("require('leaked')\n{}", HANDLER.3));
    let found = findings(&site);
    assert!(found.iter().any(|(severity, _, it)| severity == "error" && it.contains("'leaked'")), "{found:?}");
    site.file("out/hello/hello.js", HANDLER.3);
    symlink("/etc/passwd", &*site.path.join("out/hello/users")).unwrap();
    let found = findings(&site);
    assert!(found.iter().any(|(_, _, it)| it.contains("which leads out of the archive")), "{found:?}");
}

#[test]
fn directories_and_tar_archives_are_looked_into() {
    for (format, archive) in [("none", "hello"), ("tar", "hello.tgz")] {
        let site = scratch();
        site.file(
            "netlify/functions/hello.js",
            "const data = require('./data.json')\nexports.handler = async () => data",
        );
        site.file("netlify/functions/data.json", r#"{ "statusCode": 200 }"#);
        site.file("netlify/functions/lost.js", "exports.handler = async () => ({ statusCode: 200 })");
        let built = said(fnzip(&site.path).args(["bundle", "--out", "out", "--format", format]));
        assert_eq!(built.status, 0, "{}", built.err);
        let verified = load(&site, &["--call", "auto"]);
        assert_eq!((verified.status, found(&verified)), (0, vec![]), "{format}: {}", verified.err);
        let again = said(fnzip(&site.path).args(["verify", "out", "--rebuild"]));
        assert_eq!(again.status, 0, "{format}: {}", again.err);
        assert!(site.path.join("out").join(archive).exists());
        damage(&site, format);
        let verified = said(fnzip(&site.path).args(["verify", "out", "--json"]));
        assert_eq!(verified.status, 1, "{format}: {}", verified.err);
        let found: Value = serde_json::from_str(&verified.out).unwrap();
        let messages: Vec<&str> =
            found["findings"].as_array().unwrap().iter().map(|it| it["message"].as_str().unwrap()).collect();
        let expected = if format == "none" { "Cannot find module './data.json'" } else { "sha256" };
        assert!(messages.iter().any(|message| message.contains(expected)), "{messages:#?}");
    }
}

/// Takes a file out of a directory; changes a byte of an archive.
fn damage(site: &Scratch, format: &str) {
    if format == "none" {
        return std::fs::remove_file(site.path.join("out/hello/data.json")).unwrap();
    }
    let path = site.path.join("out/hello.tgz");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_bare_program_is_looked_into() {
    let site = scratch();
    site.file("netlify/functions/hello", tiny::program(ARM64, GO));
    site.file("netlify.toml", "[fnzip]\nzip_go = false\n");
    executable(&site, "netlify/functions/hello");
    let built = said(fnzip(&site.path).args(["bundle", "--out", "out", "--arch", "arm64"]));
    assert_eq!(built.status, 0, "{}", built.err);
    let fits = said(fnzip(&site.path).args(["verify", "out", "--arch", "arm64"]));
    assert_eq!(fits.status, 0, "{}", fits.err);
    let foreign = said(fnzip(&site.path).args(["verify", "out", "--arch", "amd64"]));
    assert_eq!(foreign.status, 1, "{}", foreign.err);
    assert!(foreign.err.contains("error[foreign-binary]"), "{}", foreign.err);
}

fn executable(site: &Scratch, path: &str) {
    std::fs::set_permissions(&*site.path.join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
}
