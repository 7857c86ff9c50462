//! Bad input: a clear message, the right exit status, and nothing lost: the other functions are
//! built and the earlier archives stay.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Disk, Failing};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;

use crate::support::{Said, Scratch, fnzip, said, scratch, shown};

/// A site with one good function, and what the case adds to it.
fn site() -> Scratch {
    let site = scratch();
    site.file("netlify.toml", "")
        .file("netlify/functions/good.js", "exports.handler = async () => ({ statusCode: 200 })\n");
    site
}

fn bundle(site: &Scratch, flags: &[&str]) -> Said {
    said(fnzip(&site.path).args(["bundle", "--color", "never"]).args(flags))
}

fn built(site: &Scratch, name: &str) -> bool {
    site.path.join(".netlify/functions").join(name).exists()
}

/// The case fails, says so, and the good function is built all the same.
fn fails(site: &Scratch, expected: &[&str]) {
    let said = bundle(site, &[]);
    assert_eq!(said.status, 1, "{}", said.err);
    for expected in expected {
        assert!(said.err.contains(expected), "no {expected:?} in:\n{}", said.err);
    }
    assert!(built(site, "good.zip"), "{}", said.err);
    assert!(!built(site, "manifest.json"), "the manifest is not written");
    assert_eq!(said.out, "");
}

/// The case is a warning, which `--strict` makes an error.
fn warns(site: &Scratch, expected: &[&str]) {
    let said = bundle(site, &[]);
    assert_eq!(said.status, 0, "{}", said.err);
    for expected in expected {
        assert!(said.err.contains(expected), "no {expected:?} in:\n{}", said.err);
    }
    assert!(said.err.contains("warning["), "{}", said.err);
    let strict = bundle(site, &["--strict"]);
    assert_eq!(strict.status, 1, "{}", strict.err);
    assert!(strict.err.contains("error["), "{}", strict.err);
}

#[test]
fn a_default_folder_that_is_missing_is_a_warning_and_an_empty_manifest() {
    let site = scratch();
    site.file("netlify.toml", "");
    warns(&site, &["netlify/functions: there is no such functions directory", "0 functions built"]);
    let manifest = fs::read_to_string(site.path.join(".netlify/functions/manifest.json")).unwrap();
    assert!(manifest.contains(r#""functions":[]"#), "{manifest}");
}

#[test]
fn a_configured_folder_that_is_missing_is_a_warning() {
    let site = scratch();
    site.file("netlify.toml", "[functions]\ndirectory = \"fns\"\n");
    warns(&site, &["netlify.toml: there is no such functions directory", "make it, or correct the path"]);
}

#[test]
fn named_folders_that_are_all_missing_are_a_wrong_call() {
    let said = bundle(&site(), &["nowhere", "nowhere-else"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("nowhere: there is no such functions directory"), "{}", said.err);
}

#[test]
fn one_named_folder_that_is_missing_is_a_warning() {
    let site = site();
    let said = bundle(&site, &["nowhere", "netlify/functions"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("nowhere: there is no such functions directory"), "{}", said.err);
    assert!(built(&site, "good.zip"));
}

#[test]
fn a_missing_folder_in_the_peers_form_is_a_warning() {
    let said = said(fnzip(&site().path).args(["./nowhere", "out"]));
    assert_eq!((said.status, said.out.as_str()), (0, "[]\n"), "{}", said.err);
    assert!(said.err.contains("nowhere: there is no such functions directory"), "{}", said.err);
}

#[test]
fn an_empty_folder_is_a_warning() {
    let site = scratch();
    site.file("netlify/functions/.gitkeep", "");
    warns(&site, &["netlify/functions: there is no function here"]);
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error() {
    // Root reads everything: the file system is made to refuse.
    let site = site();
    site.file("more/other.js", "exports.handler = 1");
    let refused = site.path.join("netlify/functions").to_path_buf();
    let store = Arc::new(Store::new(Failing::new(Disk, vec![refused])).keeping(Deflate));
    let invocation = Invocation {
        cwd: site.path.to_path_buf(),
        sources: vec!["netlify/functions".into(), "more".into()],
        no_cache: true,
        ..Invocation::default()
    };
    let settings = Settings::resolve(&invocation, &store).unwrap();
    let report = pipeline::bundle(&settings, store, &()).unwrap();
    assert!(report.failed() && report.manifest.is_none());
    let said: Vec<String> = report.all_diagnostics().iter().map(|diagnostic| shown(diagnostic, &site.path)).collect();
    assert_eq!(said, ["error: netlify/functions: the functions directory cannot be read: permission denied"]);
    assert!(built(&site, "other.zip"));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_of_its_function() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = require('./good').handler");
    let store = Arc::new(
        Store::new(Failing::new(Disk, vec![site.path.join("netlify/functions/bad.js").to_path_buf()])).keeping(Deflate),
    );
    let invocation = Invocation { cwd: site.path.to_path_buf(), no_cache: true, ..Invocation::default() };
    let settings = Settings::resolve(&invocation, &store).unwrap();
    let report = pipeline::bundle(&settings, store, &()).unwrap();
    let said: Vec<String> = report.all_diagnostics().iter().map(|diagnostic| shown(diagnostic, &site.path)).collect();
    assert_eq!(said, ["error: netlify/functions/bad.js: cannot be read: permission denied"]);
    assert!(built(&site, "good.zip") && !built(&site, "bad.zip"));
}

#[test]
fn a_file_that_does_not_parse() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = async () => {\n  return { statusCode: }\n}\n");
    fails(
        &site,
        &["error[syntax]: netlify/functions/bad.js: ", "netlify/functions/bad.js:2:24", "2 |   return { statusCode: }"],
    );
}

#[test]
fn a_helper_that_does_not_parse() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = require('../../lib/a.js')")
        .file("lib/a.js", "let a = ;\n");
    fails(&site, &["error[syntax]: lib/a.js: ", "lib/a.js:1:9"]);
}

#[test]
fn a_broken_package_json() {
    let site = site();
    site.file("netlify/functions/bad/bad.js", "exports.handler = 1")
        .file("netlify/functions/bad/package.json", "{\n  \"type\": module\n}\n");
    fails(&site, &["netlify/functions/bad/package.json: not valid JSON: expected value", "package.json:2:11"]);
}

#[test]
fn a_broken_package_json_of_a_package() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = require('pkg')");
    site.file("node_modules/pkg/package.json", "{ \"main\": \"a.js\", }").file("node_modules/pkg/a.js", "");
    fails(&site, &["node_modules/pkg/package.json: not valid JSON: trailing comma", "package.json:1:19"]);
}

#[test]
fn a_missing_package() {
    let site = site();
    site.file("netlify/functions/bad.js", "const lib = require('../../lib/a.js')\nexports.handler = lib");
    site.file("lib/a.js", "exports.b = require('@scope/nowhere/deep')");
    fails(
        &site,
        &[
            "error[module-not-found]: lib/a.js: Cannot find module '@scope/nowhere/deep'",
            "lib/a.js:1:21",
            "`bad`: netlify/functions/bad.js -> lib/a.js -> @scope/nowhere/deep",
            "hint: install it (`npm install @scope/nowhere`)",
        ],
    );
}

#[test]
fn a_link_that_leads_round_in_a_circle() {
    let site = site();
    symlink("round.js", site.path.join("netlify/functions/loop.js")).unwrap();
    symlink("loop.js", site.path.join("netlify/functions/round.js")).unwrap();
    fails(&site, &["error[link-loop]: netlify/functions/loop.js: the link leads round in a circle"]);
}

#[test]
fn an_import_of_a_link_that_leads_round_in_a_circle() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = require('../../a')");
    symlink("b.js", site.path.join("a.js")).unwrap();
    symlink("a.js", site.path.join("b.js")).unwrap();
    fails(
        &site,
        &["error[link-loop]: netlify/functions/bad.js: '../../a' leads to a.js: links lead round in a circle"],
    );
}

#[test]
fn a_link_that_leads_nowhere() {
    let site = site();
    symlink("nowhere.js", site.path.join("netlify/functions/gone.js")).unwrap();
    fails(&site, &["netlify/functions/gone.js: the link leads nowhere"]);
}

#[test]
fn a_folder_linked_into_itself_is_built() {
    let site = site();
    site.file("netlify/functions/deep/index.js", "exports.handler = require('./self/lib.js')")
        .file("netlify/functions/deep/lib.js", "");
    symlink(".", site.path.join("netlify/functions/deep/self")).unwrap();
    let said = bundle(&site, &[]);
    assert_eq!(said.status, 0, "{}", said.err);
}

#[test]
fn an_output_that_cannot_be_written_is_a_wrong_environment() {
    let site = site();
    site.file("file", "in the way");
    let said = bundle(&site, &["--out", "file/out"]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("file/out: cannot be written: not a directory"), "{}", said.err);
}

#[test]
fn a_name_with_a_bad_character_is_a_warning() {
    let site = site();
    site.file("netlify/functions/a b.js", "exports.handler = 1");
    warns(&site, &["netlify/functions/a b.js: the name `a b` has characters other than letters, digits, `-` and `_`"]);
}

#[test]
fn a_reserved_name_is_an_error() {
    let site = site();
    site.file("netlify/functions/___netlify-entry-point.js", "exports.handler = 1");
    fails(&site, &["`___netlify-entry-point` is a reserved word and cannot be used as a function name"]);
}

#[test]
fn functions_that_differ_by_case_are_a_warning() {
    let site = site();
    site.file("netlify/functions/Good.js", "exports.handler = 1");
    warns(&site, &["netlify/functions/good.js: the names `Good` and `good` differ only by case"]);
}

#[test]
fn files_that_differ_by_case_are_a_warning() {
    let site = site();
    site.file("netlify/functions/two.js", "exports.handler = [require('../../lib/A.js'), require('../../lib/a.js')]");
    site.file("lib/A.js", "").file("lib/a.js", "");
    warns(&site, &["`lib/A.js` and `lib/a.js` differ only by case"]);
}

#[test]
fn a_ready_made_archive_that_is_none() {
    let site = site();
    site.file("netlify/functions/bad.zip", "not a zip");
    fails(&site, &["error[bad-archive]: netlify/functions/bad.zip: not a readable zip archive"]);
}

#[test]
fn a_mistyped_command_is_a_wrong_call() {
    let said = said(fnzip(&site().path).arg("bundel"));
    assert_eq!(said.status, 2);
    assert!(said.err.contains("bundle"), "{}", said.err);
    assert_eq!(said.out, "");
}

#[test]
fn a_broken_netlify_toml_is_a_wrong_environment() {
    let site = site();
    site.file("netlify.toml", "[build]\nbase = \n");
    let said = bundle(&site, &[]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("netlify.toml:2:"), "{}", said.err);
}

#[test]
fn a_broken_config_is_a_wrong_call() {
    for (config, expected) in [
        ("{", "--config: Unterminated object"),
        ("@nowhere.json", "nowhere.json: there is no such file"),
        (r#"{"*": {"nodeBundler": "webpack"}}"#, "--config: `nodeBundler` must be one of esbuild, esbuild_zisi, nft"),
        (r#"{"*": 1}"#, "--config: must be an object"),
        ("[]", "--config: must be an object of configurations by function or glob"),
    ] {
        let said = bundle(&site(), &["--config", config]);
        assert_eq!(said.status, 2, "{config}");
        assert!(said.err.contains(expected), "{config}: {}", said.err);
    }
}

#[test]
fn a_failed_function_leaves_its_earlier_archive_and_manifest() {
    let site = site();
    site.file("netlify/functions/other.js", "exports.handler = 1");
    assert_eq!(bundle(&site, &[]).status, 0);
    let out = site.path.join(".netlify/functions");
    let before = (fs::read(out.join("other.zip")).unwrap(), fs::read(out.join("manifest.json")).unwrap());
    site.file("netlify/functions/other.js", "exports.handler = require('nowhere')");
    assert_eq!(bundle(&site, &[]).status, 1);
    assert_eq!((fs::read(out.join("other.zip")).unwrap(), fs::read(out.join("manifest.json")).unwrap()), before);
    let kept_going = bundle(&site, &["--keep-going"]);
    assert_eq!(kept_going.status, 1);
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains(r#""name":"good""#) && !manifest.contains(r#""name":"other""#), "{manifest}");
    assert_eq!(fs::read(out.join("other.zip")).unwrap(), before.0, "not removed: it only failed");
}

#[test]
fn executables_stay_executable() {
    let site = site();
    site.file("netlify/functions/run.js", "exports.handler = require('../../tool.js')")
        .file("tool.js", "#!/usr/bin/env node\n");
    fs::set_permissions(site.path.join("tool.js"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(bundle(&site, &[]).status, 0);
    let file = fs::File::open(site.path.join(".netlify/functions/run.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    assert_eq!(archive.by_name("tool.js").unwrap().unix_mode(), Some(0o100_755));
    assert_eq!(archive.by_name("netlify/functions/run.js").unwrap().unix_mode(), Some(0o100_644));
}

/// Hostile bytes in every place that is parsed never make it panic.
#[test]
fn arbitrary_bytes_are_survived() {
    let bytes: &[&[u8]] =
        &[b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", "\u{2028}".as_bytes(), &[b'('; 5000], &[b'['; 100_000], b"`${`${`"];
    for bytes in bytes {
        let site = site();
        site.file("netlify/functions/odd.js", bytes).file("netlify/functions/odd2/index.js", "require('./a.json')");
        site.file("netlify/functions/odd2/package.json", bytes).file("netlify/functions/odd2/a.json", bytes);
        let said = bundle(&site, &[]);
        assert!(matches!(said.status, 0 | 1), "{bytes:?}: {} {}", said.status, said.err);
        assert!(built(&site, "good.zip"));
    }
    let site = site();
    site.file("netlify.toml", b"\xff");
    assert_eq!(bundle(&site, &[]).status, 2);
    assert!(Path::new(&*site.path).exists());
}

#[test]
fn a_link_that_leads_nowhere_is_no_function_unless_it_is_called_like_one() {
    let site = site();
    symlink("gone", site.path.join("netlify/functions/notes.txt")).unwrap();
    symlink("someone@host.123", site.path.join("netlify/functions/.#good.js")).unwrap();
    site.file("netlify/functions/page/index.js", "exports.handler = 1");
    symlink("gone", site.path.join("netlify/functions/page/data.csv")).unwrap();
    let said = bundle(&site, &["-v"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("note[link-loop]: netlify/functions/notes.txt: the link leads nowhere"), "{}", said.err);
    assert!(said.err.contains("netlify/functions/page/data.csv: left out: there is no such file"), "{}", said.err);
}

#[test]
fn what_is_found_outside_the_checkout_ships_with_a_warning() {
    let outer = scratch();
    outer.file("node_modules/pkg/index.js", "").file("site/package-lock.json", "{}");
    outer.file("site/netlify/functions/a.js", "exports.handler = require('pkg')");
    let said = said(fnzip(&outer.path.join("site")).args(["bundle"]));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(
        said.err.contains("warning[outside-base]: ../node_modules/pkg/index.js: needed, but outside"),
        "{}",
        said.err
    );
}

#[test]
fn strict_fails_everywhere() {
    let site = site();
    site.file("netlify/functions/bad.js", "exports.handler = () => import('./a')")
        .file("netlify/functions/a.js", "exports.handler = 1");
    for words in [&["bundle"][..], &["list", "--files"]] {
        let said = said(fnzip(&site.path).args(words).env("FNZIP_STRICT", "1"));
        assert_eq!(said.status, 1, "{words:?}: {}", said.err);
        assert!(said.err.contains("error[unspecified-extension]"), "{words:?}: {}", said.err);
    }
}

#[test]
fn nothing_is_removed_after_a_failure() {
    let site = site();
    site.file("netlify/functions/other.js", "exports.handler = 1");
    assert_eq!(bundle(&site, &[]).status, 0);
    fs::remove_file(site.path.join("netlify/functions/other.js")).unwrap();
    symlink("gone.js", site.path.join("netlify/functions/other.js")).unwrap();
    assert_eq!(bundle(&site, &["--keep-going"]).status, 1);
    assert!(built(&site, "other.zip"));
}

#[test]
fn absolute_and_odd_specifiers_are_survived() {
    let site = site();
    let target = site.path.join("lib/../lib/a.js").to_string();
    let source = format!(
        "exports.handler = [require('{target}')]; try {{ require('/'); require('/..'); require('.'); require('//') }} catch {{}}"
    );
    site.file("lib/a.js", "").file("netlify/functions/odd.js", source);
    let said = bundle(&site, &[]);
    assert_eq!(said.status, 0, "{}", said.err);
}

#[test]
fn a_folder_that_is_a_file_is_an_error() {
    let site = scratch();
    site.file("fns", "").file("more/good.js", "exports.handler = 1");
    let said = bundle(&site, &["fns", "more"]);
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("error[unreadable]: fns: the functions directory is a file"), "{}", said.err);
    assert!(built(&site, "good.zip"));
}

#[test]
fn only_that_means_no_function_is_an_error_that_names_those_there_are() {
    let site = site();
    site.file("netlify/functions/a b.js", "exports.handler = 1");
    let nothing = bundle(&site, &["--only", "god", "--only", "x{y,z}"]);
    assert_eq!(nothing.status, 1, "{}", nothing.err);
    assert!(nothing.err.contains("no function has a name that --only asks for"), "{}", nothing.err);
    assert!(nothing.err.contains("hint: there are: a b, good"), "{}", nothing.err);
    let good = bundle(&site, &["--only", "{good,better}", "--strict"]);
    assert_eq!(
        (good.status, good.err.contains("warning")),
        (0, false),
        "what concerns others is not said: {}",
        good.err
    );
}

#[test]
fn a_function_that_is_named_and_is_none_is_an_error() {
    let site = site();
    site.file("empty/readme.md", "").file("notes.txt", "");
    for (path, message) in [
        ("empty", "not a function: it has no main file"),
        ("notes.txt", "not a function"),
        ("gone.js", "there is no such function"),
    ] {
        let said = bundle(&site, &["--function", path]);
        assert_eq!(said.status, 1, "{path}: {}", said.err);
        assert!(said.err.contains(&format!("{path}: {message}")), "{path}: {}", said.err);
    }
}

#[test]
fn a_base_that_is_missing_is_a_wrong_environment() {
    let site = site();
    site.file("netlify.toml", "[build]\nbase = \"nope\"\n");
    let said = bundle(&site, &[]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("netlify.toml: `build.base` is `nope`: there is no such directory"), "{}", said.err);
    assert!(!site.path.join("nope").exists());
}

#[test]
fn calls_that_would_do_harm_are_wrong() {
    let site = site();
    let source = bundle(&site, &["--out", "netlify/functions"]);
    assert_eq!(source.status, 2);
    assert!(source.err.contains("is a functions directory itself"), "{}", source.err);
    site.file("file", "");
    let file = bundle(&site, &["--out", "file"]);
    assert_eq!(file.status, 2);
    assert!(file.err.contains("file: cannot be written: it is a file"), "{}", file.err);
    let epoch = said(fnzip(&site.path).args(["bundle", "--reproducible"]).env("SOURCE_DATE_EPOCH", "abc"));
    assert_eq!(epoch.status, 2);
    assert!(epoch.err.contains("SOURCE_DATE_EPOCH: `abc` is not a number of seconds"), "{}", epoch.err);
}

#[test]
fn links_that_lead_out_of_the_repository_are_left_out() {
    let outer = scratch();
    outer.file("secret/key.txt", "s3cret").file("site/package-lock.json", "{}");
    outer.file("site/netlify/functions/page/index.js", "exports.handler = 1");
    symlink("../../../../secret/key.txt", outer.path.join("site/netlify/functions/page/key.txt")).unwrap();
    symlink("../../../../secret", outer.path.join("site/netlify/functions/page/dir")).unwrap();
    let said = said(fnzip(&outer.path.join("site")).args(["bundle"]));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("page/key.txt: left out: it is, or leads, outside the repository"), "{}", said.err);
    assert_eq!(crate::support::entries(&outer.path.join("site/.netlify/functions/page.zip")), ["index.js", "page.js"]);
}

#[test]
fn what_is_traced_is_a_module() {
    let site = site();
    for (entry, message) in [("nope.js", "there is no such file"), ("netlify", "a directory, and not a module")] {
        let said = said(fnzip(&site.path).args(["trace", entry]));
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{entry}");
        assert!(said.err.contains(message), "{entry}: {}", said.err);
    }
}
