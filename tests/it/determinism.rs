//! The same inputs give the same bytes: other checkouts, orders, times, umasks, zones and threads.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::{contents, copy_tree_in_order, fixture, full, install, said, scratch};

/// Builds a copy of `source`: an odd one is made in another order, with other times and modes, and
/// built under another umask, in another time zone, with one thread.
fn build(source: &Path, site: &str, flags: &[&str], odd: bool) -> BTreeMap<String, Vec<u8>> {
    let scratch = scratch();
    let checkout = scratch.path.join(if odd { "a/much/deeper/place with spaces" } else { "b" });
    copy_tree_in_order(
        source,
        &checkout,
        if odd {
            |names| {
                names.sort();
                names.reverse();
            }
        } else {
            |names| names.sort()
        },
    );
    let age = Duration::from_secs(if odd { 1_000_000_000 } else { 3 });
    dress(&checkout, SystemTime::now() - age, if odd { 0o700 } else { 0o755 });
    let out = scratch.path.join("out");
    // Through a shell, for the umask.
    let mut command = assert_cmd::Command::new("sh");
    let umask = if odd { "umask 077" } else { "umask 022" };
    command.arg("-c").arg(format!("{umask} && exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_fnzip"));
    command.current_dir(checkout.join(site)).args(["bundle", "--reproducible", "--out"]).arg(&*out).args(flags);
    command.args(["--jobs", if odd { "1" } else { "8" }]);
    command
        .env("TZ", if odd { "Pacific/Kiritimati" } else { "UTC" })
        .env("LANG", if odd { "tr_TR.UTF-8" } else { "C" });
    command.env_remove("SOURCE_DATE_EPOCH");
    let said = said(&mut command);
    assert_eq!(said.status, 0, "{}", said.err);
    contents(&out)
}

/// Gives files a time, and the modes that another umask would have left.
fn dress(directory: &Path, time: SystemTime, mask: u32) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            dress(&path, time, mask);
        } else if kind.is_file() {
            let file = File::options().append(true).open(&path).unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & mask;
            file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            file.set_times(FileTimes::new().set_modified(time)).unwrap();
        }
    }
}

fn same(source: &Path, site: &str, flags: &[&str]) {
    let one = build(source, site, flags, false);
    let other = build(source, site, flags, true);
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{name} differs");
    }
    assert!(one.keys().any(|name| name == "manifest.json"));
}

#[test]
fn a_small_site() {
    same(&fixture("quickstart"), ".", &[]);
}

#[test]
fn a_site_with_links() {
    let site = scratch();
    site.file("netlify.toml", "").file("packages/pkg/index.js", "").file("tool.js", "#!/usr/bin/env node\n");
    site.file("netlify/functions/a.js", "exports.handler = () => [require('pkg'), require('../../tool.js')]");
    site.file("netlify/functions/b/index.js", "exports.handler = () => require('pkg')")
        .file("netlify/functions/b/data.txt", "x");
    fs::create_dir(site.path.join("node_modules")).unwrap();
    symlink("../packages/pkg", site.path.join("node_modules/pkg")).unwrap();
    symlink("b", site.path.join("netlify/functions/c")).unwrap();
    for format in ["zip", "tar", "none"] {
        same(&site.path, ".", &["--format", format]);
    }
}

#[test]
fn real_sites() {
    if !full() {
        return;
    }
    for (source, site) in [("site", "."), ("npm-workspaces", "apps/site"), ("pnpm-workspace", "apps/web")] {
        install(&fixture(source));
        same(&fixture(source), site, &[]);
    }
}

#[test]
fn the_epoch_is_the_manifests_time() {
    let scratch = scratch();
    scratch.file("netlify/functions/a.js", "exports.handler = 1");
    let run = |flags: &[&str]| {
        let mut command = crate::support::fnzip(&scratch.path);
        let said = said(command.arg("bundle").args(flags).env("SOURCE_DATE_EPOCH", "1700000000"));
        assert_eq!(said.status, 0, "{}", said.err);
        let text = fs::read(scratch.path.join(".netlify/functions/manifest.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    };
    let reproducible = run(&["--reproducible"]);
    assert_eq!(reproducible["timestamp"], 1_700_000_000_000_u64);
    assert_eq!(reproducible["functions"][0]["path"], "a.zip");
    assert_eq!(reproducible["functions"][0]["mainFile"], "netlify/functions/a.js");
    let ordinary = run(&[]);
    assert!(ordinary["timestamp"].as_u64().unwrap() > 1_700_000_000_000, "renewed");
    assert_eq!(ordinary["functions"][0]["path"], scratch.path.join(".netlify/functions/a.zip").to_string());
}
