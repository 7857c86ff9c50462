//! Whose native binaries ship: the platform's, or those of the machine that builds; and analysis that is
//! switched off. What fits which machine stands in `fixtures/trace`.

use std::fs;

use crate::support::{Said, Scratch, fixture, fnzip, said, scratch};

/// A site with a package whose addon is that of a case of `fixtures/trace`.
fn site(addon: &str) -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = async () => require('pkg')\n");
    site.file("node_modules/pkg/index.js", "module.exports = require('./a.node')\n");
    let bytes = fs::read(fixture("trace").join(addon)).unwrap();
    site.file("node_modules/pkg/a.node", bytes);
    site
}

fn bundle(site: &Scratch, flags: &[&str]) -> Said {
    said(fnzip(&site.path).args(["bundle", "--color=never", "--node-version=18"]).args(flags))
}

const MACOS: &str = "addon-for-another-system/node_modules/mac/a.node";
const NEWER_GLIBC: &str = "addon-needs-a-newer-glibc/node_modules/pkg/a.node";

#[test]
fn a_binary_for_another_machine_fails_the_build_unless_it_is_allowed() {
    let site = site(MACOS);
    let refused = bundle(&site, &[]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("error") && refused.err.contains("it is for macOS"), "{}", refused.err);
    let allowed = bundle(&site, &["--allow-foreign"]);
    assert_eq!(allowed.status, 0, "{}", allowed.err);
    assert!(allowed.err.contains("warning") && allowed.err.contains("it is for macOS"), "{}", allowed.err);
}

#[test]
fn a_binary_that_is_included_by_hand_is_kept_with_a_note() {
    let site = site(MACOS);
    site.file("netlify/functions/hello.js", "exports.handler = async () => 1\n");
    site.file("netlify.toml", "[functions]\nincluded_files = [\"node_modules/pkg/a.node\"]\n");
    let built = bundle(&site, &["-v", "--format=none"]);
    assert_eq!(built.status, 0, "{}", built.err);
    assert!(built.err.contains("kept, because `included_files` names it"), "{}", built.err);
    assert!(site.path.join(".netlify/functions/hello/node_modules/pkg/a.node").is_file());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn directories_are_for_this_machine_and_archives_for_the_platform() {
    let site = site(NEWER_GLIBC);
    for flags in [&[][..], &["--format=none", "--target=lambda"], &["--format=none", "--arch=amd64"]] {
        let refused = bundle(&site, flags);
        assert_eq!(refused.status, 1, "{flags:?} {}", refused.err);
        assert!(refused.err.contains("needs GLIBC"), "{flags:?} {}", refused.err);
    }
    for flags in [&["--format=none"][..], &["--target=host"]] {
        let built = bundle(&site, flags);
        assert_eq!(built.status, 0, "{flags:?} {}", built.err);
    }
    site.file("netlify.toml", "[fnzip]\ntarget = \"host\"\n");
    assert_eq!(bundle(&site, &[]).status, 0);
    let refused = bundle(&site, &["--arch=arm64"]);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("--target host builds for, is linux-x64"), "{}", refused.err);
}

#[test]
fn without_analysis_literal_imports_are_followed() {
    let site = scratch();
    site.file("netlify/functions/hello.js", "require('../a'); require('../' + 'b'); exports.handler = async () => 1\n");
    site.file("netlify/a.js", "require('fs').readFileSync(__dirname + '/data.txt')\n");
    site.file("netlify/b.js", "");
    site.file("netlify/data.txt", "");
    let listed = |flags: &[&str]| {
        let listed = said(fnzip(&site.path).args(["list", "--files"]).args(flags));
        assert_eq!(listed.status, 0, "{}", listed.err);
        ["netlify/a.js", "netlify/b.js", "netlify/data.txt"].map(|file| listed.out.contains(file))
    };
    assert_eq!(listed(&[]), [true; 3]);
    assert_eq!(listed(&["--no-analysis"]), [true, false, false]);
    site.file("netlify.toml", "[fnzip]\nanalysis = \"off\"\n");
    assert_eq!(listed(&[]), [true, false, false]);
}

#[test]
fn other_words_are_refused() {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = async () => 1\n");
    for line in ["target = \"moon\"", "analysis = false"] {
        site.file("netlify.toml", format!("[fnzip]\n{line}\n"));
        let refused = bundle(&site, &[]);
        assert_eq!(refused.status, 2, "{}", refused.err);
        assert!(refused.err.contains("must be"), "{}", refused.err);
    }
}
