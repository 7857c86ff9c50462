//! Which way a function is packaged, and what that means for what ships.

use crate::support::{Scratch, fnzip, said, scratch};

fn listed(site: &Scratch, flags: &[&str]) -> Vec<String> {
    let said = said(fnzip(&site.path).args(["list", "--files"]).args(flags));
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.lines().map(|line| line.trim().to_owned()).filter(|line| line.starts_with("node_modules/")).collect()
}

/// A function whose package reads a file that is only known at run time.
fn site_with_a_package_that_cannot_be_told() -> Scratch {
    let site = scratch();
    site.file("netlify/functions/hello.js", "exports.handler = async () => require('texts')('de')\n");
    site.file("node_modules/texts/index.js", "module.exports = (at) => require('fs').readFileSync(at)\n");
    site.file("node_modules/texts/de.txt", "");
    site.file("node_modules/texts/README.md", "");
    site.file("node_modules/texts/node_modules/other/index.js", "");
    site.file("node_modules/clear/index.js", "");
    site
}

#[test]
fn a_package_that_cannot_be_told_ships_whole() {
    let site = site_with_a_package_that_cannot_be_told();
    assert_eq!(listed(&site, &[]), ["node_modules/texts/de.txt", "node_modules/texts/index.js"]);
    assert_eq!(listed(&site, &["--no-analysis"]), ["node_modules/texts/index.js"]);
    let built = said(fnzip(&site.path).args(["bundle", "-v", "--color=never"]));
    assert!(built.err.contains("`texts` ships whole, 1 file of 0 KB more"), "{}", built.err);
    let why = said(fnzip(&site.path).args(["why", "hello", "node_modules/texts/de.txt"]));
    assert!(why.out.contains("node_modules/texts/index.js"), "{}", why.out);
}

#[test]
fn node_bundler_nft_leaves_the_rest_of_the_package_out() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("netlify.toml", "[functions]\nnode_bundler = \"nft\"\n");
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
    site.file("netlify.toml", "[functions]\nnode_bundler = \"zisi\"\n");
    assert_eq!(listed(&site, &[]).len(), 2);
}

#[test]
fn packages_of_version_2_functions_are_traced() {
    let site = site_with_a_package_that_cannot_be_told();
    site.file("netlify/functions/hello.mjs", "import texts from 'texts'; export default () => texts('de')\n");
    std::fs::remove_file(site.path.join("netlify/functions/hello.js")).unwrap();
    assert_eq!(listed(&site, &[]), ["node_modules/texts/index.js"]);
}
