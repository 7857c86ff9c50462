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

/// A checkout that is reached through a link is the same checkout.
#[test]
fn the_way_to_the_site_does_not_matter() {
    let scratch = scratch();
    copy_tree_in_order(&fixture("quickstart"), &scratch.path.join("real/site"), |names| names.sort());
    symlink("real", scratch.path.join("link")).unwrap();
    let run = |words: &[&str], out: &str| {
        let mut command = crate::support::fnzip(&scratch.path);
        let said = said(command.args(["bundle", "--reproducible"]).args(words).args(["--out", out]));
        assert_eq!((said.status, said.err.contains("warning")), (0, false), "{}", said.err);
        let mut files = contents(&scratch.path.join(out));
        files.remove("manifest.json");
        files
    };
    let direct = run(&["-C", "real/site"], "one");
    assert_eq!(run(&["-C", "link/site"], "two"), direct);
    assert_eq!(run(&["link/site/netlify/functions"], "three"), direct);
    let absolute = scratch.path.join("link/site").to_string();
    assert_eq!(run(&["-C", &absolute, "--base", &absolute], "four"), direct);
}

#[test]
fn an_output_is_no_input() {
    let scratch = scratch();
    scratch.file("netlify.toml", "[functions]\nincluded_files = [\"**/*\"]\n").file("data.json", "{}");
    for index in 0..10 {
        scratch.file(&format!("netlify/functions/f{index}.js"), "exports.handler = 1");
    }
    let run = || {
        let said = said(crate::support::fnzip(&scratch.path).args(["bundle", "--reproducible"]));
        assert_eq!(said.status, 0, "{}", said.err);
        contents(&scratch.path.join(".netlify/functions"))
    };
    let first = run();
    assert_eq!(run(), first);
}

/// Global packages of the machine that builds are none of the machine that runs.
#[test]
fn the_machines_own_packages_are_not_found() {
    let scratch = scratch();
    scratch.file("site/netlify/functions/a.js", "exports.handler = require('global-package')");
    scratch.file("global/global-package/index.js", "");
    let mut command = crate::support::fnzip(&scratch.path.join("site"));
    let said = said(command.arg("bundle").env("NODE_PATH", &*scratch.path.join("global")));
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("Cannot find module 'global-package'"), "{}", said.err);
}
