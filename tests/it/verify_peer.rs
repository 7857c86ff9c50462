//! `fnzip verify` on archives that zip-it-and-ship-it has made of the same sites: what it finds is true, as Node confirms
//! by failing, and what Node loads has no error.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{fixture, fnzip, full, install, install_tools, said, scratch, script, skipped, tool, unpack_all};

/// The functions with an error.
fn wrong(out: &fnzip::path::AbsPath, site: &fnzip::path::AbsPath, flags: &[&str]) -> (BTreeSet<String>, String) {
    let mut command = fnzip(site);
    let said =
        said(command.args(["verify", "--json", "--node-version", "24", "-C"]).arg(&**site).arg(&**out).args(flags));
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    let findings = value["findings"].as_array().unwrap().iter();
    let errors = findings.filter(|finding| finding["severity"] == "error");
    (errors.map(|finding| finding["function"].as_str().unwrap_or_default().to_owned()).collect(), said.err)
}

#[test]
fn what_is_found_in_the_peers_archives_is_true() {
    if !full() {
        return skipped("it installs packages and runs the real packager");
    }
    install_tools();
    for name in ["quickstart", "examples", "site"] {
        let site = fixture(name);
        if site.join("package-lock.json").exists() {
            install(&site);
        }
        let scratch = scratch();
        let (out, unpacked) = (scratch.path.join("out"), scratch.path.join("unpacked"));
        let built = script("package.mjs", &json!({ "site": site.to_string(), "out": out.to_string() }));
        assert!(built.as_array().unwrap().len() > 2, "{built}");
        unpack_all(&out, &unpacked);
        let node = tool("node_modules/node24/bin/node").to_string();
        let truth = script("package.mjs", &json!({ "unpacked": unpacked.to_string(), "node": node }));
        let truth: BTreeMap<String, String> = serde_json::from_value(truth).unwrap();
        let fails = |name: &String| truth.get(name).is_some_and(|said| !said.is_empty());
        let failing: BTreeSet<String> = truth.keys().filter(|name| fails(name)).cloned().collect();
        let (found, said) = wrong(&out, &site, &[]);
        assert!(found.is_subset(&failing), "{name}: {found:?} are not all of {failing:?}\n{said}");
        // What is thrown may be for want of a variable, and only a warning.
        let (found, said) = wrong(&out, &site, &["--load", "--strict", "--node", &node]);
        assert_eq!(found, failing, "{name}: {truth:#?}\n{said}");
    }
}
