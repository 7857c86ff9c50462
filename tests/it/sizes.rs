//! How large bundles are, beside those of esbuild: the functions of `fixtures/typescript` that need nothing
//! beside them, with the same packages inside, not minified.

use std::fs;
use std::process::Command;

use crate::projects::prepare;
use crate::support::{fixture, fnzip, full, said, scratch, tool};

/// By their main files.
const FUNCTIONS: [&str; 12] = [
    "aliases.ts",
    "card.tsx",
    "injection/injection.ts",
    "local.ts",
    "locale.ts",
    "mixed-js.mjs",
    "mixed-ts.ts",
    "page.tsx",
    "plain.mjs",
    "query.ts",
    "syntax.ts",
    "view.ts",
];

/// How much larger all of them together may be.
const MOST: f64 = 1.05;

#[test]
fn bundles_are_not_larger_than_those_of_esbuild() {
    if !full() {
        return;
    }
    prepare();
    let scratch = scratch();
    let site = fixture("typescript/apps/web");
    let functions = site.join("netlify/functions");
    let name = |main: &str| main.rsplit('/').next().unwrap().split('.').next().unwrap().to_owned();
    let mut command = fnzip(&site);
    command.args(["bundle", "--format", "none", "--out"]).arg(&*scratch.path.join("ours"));
    let built = said(command.args(FUNCTIONS.iter().flat_map(|main| ["--only".to_owned(), name(main)])));
    assert_eq!(built.status, 0, "{}", built.err);
    let mut totals = [0.0; 2];
    println!("{:<12} {:>9} {:>9} ratio", "function", "fnzip", "esbuild");
    for main in FUNCTIONS {
        let out = scratch.path.join("theirs").join(format!("{}.cjs", name(main)));
        let output = Command::new(tool("node_modules/.bin/esbuild").as_os_str())
            .arg(functions.join(main).as_os_str())
            .args(["--bundle", "--platform=node", "--format=cjs", "--target=node24", "--log-level=error"])
            .arg(format!("--outfile={out}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let archive = scratch.path.join("ours").join(name(main));
        let ours = archive.join("fixtures/typescript/apps/web/netlify/functions").join(main).with_extension("cjs");
        let [ours, theirs] = [ours, out.to_path_buf()].map(|path| fs::metadata(path).unwrap().len() as f64);
        println!("{:<12} {ours:>9} {theirs:>9}  {:.2}", name(main), ours / theirs);
        totals = [totals[0] + ours, totals[1] + theirs];
    }
    let [ours, theirs] = totals;
    println!("{:<12} {ours:>9} {theirs:>9}  {:.2}", "all", ours / theirs);
    assert!(ours <= theirs * MOST, "{ours} bytes, and esbuild {theirs}");
}
