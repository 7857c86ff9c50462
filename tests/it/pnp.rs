//! Sites whose packages Yarn installed by Plug'n'Play, made by hand: archives of packages, and a manifest
//! of who may use which. A real one, by Yarn itself, is among the sites.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fnzip::archive::deflate::Deflate;
use fnzip::fs::{Counting, Disk, Operation};
use fnzip::pipeline;
use fnzip::settings::{Invocation, Settings};
use fnzip::store::Store;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::support::{Said, Scratch, entries, fnzip, said, scratch, unpack_all};

/// A site with a manifest. Its one function is `f`.
struct Site {
    scratch: Scratch,
    /// Where the archives are, as the manifest says it.
    cache: &'static str,
    registry: Vec<Value>,
    fallback: bool,
    pool: Vec<Value>,
    ignored: Option<&'static str>,
}

impl Site {
    /// A site that needs these packages.
    fn new(function: &str, needs: Value) -> Self {
        Self::with_cache(function, needs, "./.yarn/cache")
    }

    fn with_cache(function: &str, needs: Value, cache: &'static str) -> Self {
        let scratch = scratch();
        scratch.file("site/netlify.toml", "").file("site/yarn.lock", "").file("site/package.json", "{}");
        scratch.file("site/netlify/functions/f.js", function);
        let top = json!([null, [[null, {"packageLocation": "./", "packageDependencies": needs}]]]);
        Self { scratch, cache, registry: vec![top], fallback: true, pool: Vec::new(), ignored: None }
    }

    /// Adds a package in an archive.
    fn package(&mut self, name: &str, reference: &str, files: &[(&str, &str)], needs: Value) -> &mut Self {
        let archive = format!("{}-{reference}.zip", name.replace(['/', '#'], "-"));
        let path = self.scratch.path.join("site").join(self.cache).join(&archive);
        let files: Vec<(String, &str)> =
            files.iter().map(|(file, text)| (format!("node_modules/{name}/{file}"), *text)).collect();
        write_zip(&path, &files);
        self.at(name, reference, &format!("{}/{archive}/node_modules/{name}/", self.cache), needs)
    }

    /// Adds a package that is somewhere.
    fn at(&mut self, name: &str, reference: &str, location: &str, needs: Value) -> &mut Self {
        let mut needs = needs.as_array().unwrap().clone();
        needs.push(json!([name, reference]));
        let version = json!([reference, {"packageLocation": location, "packageDependencies": needs}]);
        match self.registry.iter_mut().find(|known| known[0] == name) {
            Some(known) => known[1].as_array_mut().unwrap().push(version),
            None => self.registry.push(json!([name, [version]])),
        }
        self
    }

    fn data(&self) -> Value {
        json!({
            "dependencyTreeRoots": [{"name": "site", "reference": "workspace:."}],
            "enableTopLevelFallback": self.fallback,
            "ignorePatternData": self.ignored,
            "fallbackPool": self.pool,
            "fallbackExclusionList": [],
            "packageRegistryData": self.registry,
        })
    }

    /// Writes the manifest beside its loader.
    fn written(&self) -> &Self {
        self.scratch.file("site/.pnp.cjs", "hydrateRuntimeState(JSON.parse(fs.readFileSync(path, 'utf8')))");
        self.scratch.file("site/.pnp.data.json", self.data().to_string());
        self
    }

    fn run(&self, words: &[&str]) -> Said {
        said(fnzip(&self.scratch.path.join("site")).args(words))
    }

    fn bundle(&self) -> Said {
        self.written().run(&["bundle", "--color", "never", "--out", "../out"])
    }

    /// What the function exports when it runs out of its archive, where no manifest is near.
    fn exports(&self) -> Value {
        let built = self.bundle();
        assert_eq!(built.status, 0, "{}", built.err);
        let elsewhere = scratch();
        unpack_all(&self.scratch.path.join("out"), &elsewhere.path);
        let main =
            ["f/f.js", "f/site/f.js"].map(|path| elsewhere.path.join(path)).into_iter().find(|path| path.exists());
        let script = format!("console.log(JSON.stringify(require('{}')))", main.unwrap());
        let output = Command::new("node").arg("-e").arg(script).current_dir(&*elsewhere.path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn names(&self) -> Vec<String> {
        entries(&self.scratch.path.join("out/f.zip"))
    }

    /// The build fails, or warns, with these words, and never says where the machine has its files.
    fn says(&self, status: i32, expected: &[&str]) {
        let said = self.run(&["bundle", "-v", "--color", "never", "--out", "../out"]);
        assert_eq!(said.status, status, "{}", said.err);
        for expected in expected {
            assert!(said.err.contains(expected), "no {expected:?} in:\n{}", said.err);
        }
        assert!(!said.err.contains(self.scratch.path.to_str().unwrap()), "{}", said.err);
    }
}

fn write_zip(path: &Path, files: &[(String, &str)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, text) in files {
        let options = SimpleFileOptions::default();
        match text.strip_prefix("-> ") {
            Some(target) => zip.add_symlink(name.as_str(), target, options).unwrap(),
            None => {
                zip.start_file(name.as_str(), options).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
        }
    }
    zip.finish().unwrap();
}

/// A package that exports its version, and what it makes of others.
fn version(code: &str) -> [(&str, &str); 2] {
    [("package.json", "{}"), ("index.js", code)]
}

/// Two versions, an alias, a workspace with needs of its own, and a link.
fn many(cache: &'static str) -> Site {
    let function = "module.exports = { a: require('a'), b: require('b'), own: require('web'), other: require('other'), linked: require('linked') }";
    let needs = json!([
        ["a", "npm:1"],
        ["b", "npm:1"],
        ["web", "workspace:web"],
        ["other", ["a", "npm:3"]],
        ["linked", "link:./l"]
    ]);
    let mut site = Site::with_cache(function, needs, cache);
    site.package("a", "npm:1", &version("module.exports = 'a1'"), json!([]))
        .package("a", "npm:2", &version("module.exports = 'a2'"), json!([]))
        .package("a", "npm:3", &version("module.exports = 'a3'"), json!([]))
        .package(
            "b",
            "npm:1",
            &version("module.exports = 'b with ' + require('a') + ', ' + require('@s/c/lib/c')"),
            json!([["a", "npm:2"], ["@s/c", "npm:1"]]),
        )
        .package(
            "@s/c",
            "npm:1",
            &[("package.json", "{}"), ("lib/c.js", "module.exports = 'c with ' + require('a')")],
            json!([["a", "npm:2"]]),
        )
        .at("web", "workspace:web", "./web/", json!([["a", "npm:3"]]));
    // A linked folder is a part of who links it: it has what the site has.
    let link = json!({"packageLocation": "./l/", "packageDependencies": [], "discardFromLookup": true});
    site.registry.push(json!(["linked", [["link:./l", link]]]));
    site.scratch.file("site/l/index.js", "module.exports = 'link with ' + require('a')");
    site.scratch.file("site/web/package.json", "{\"main\":\"main.js\"}");
    site.scratch.file("site/web/main.js", "module.exports = 'web with ' + require('a')");
    site
}

#[test]
fn every_importer_finds_its_own_version() {
    let site = many("./.yarn/cache");
    let expected =
        json!({"a": "a1", "b": "b with a2, c with a2", "own": "web with a3", "other": "a3", "linked": "link with a1"});
    assert_eq!(site.exports(), expected);
    assert_eq!(
        site.names(),
        [
            "f.js",
            "l/index.js",
            "netlify/functions/f.js",
            "node_modules/@s/c/lib/c.js",
            "node_modules/@s/c/node_modules/a/index.js",
            "node_modules/@s/c/node_modules/a/package.json",
            "node_modules/@s/c/package.json",
            "node_modules/a/index.js",
            "node_modules/a/package.json",
            "node_modules/b/index.js",
            "node_modules/b/node_modules/a",
            "node_modules/b/package.json",
            "node_modules/linked",
            "node_modules/other/index.js",
            "node_modules/other/package.json",
            "node_modules/web",
            "package.json",
            "web/main.js",
            "web/node_modules/a",
            "web/package.json",
        ]
    );
}

/// Yarn writes the data into the loader unless it is told otherwise.
#[test]
fn data_in_the_loader_serves_as_well() {
    let site = many("./.yarn/cache");
    let data = site.data().to_string().replace('\\', "\\\\").replace('\'', "\\'").replace(',', ",\\\n");
    site.scratch.file("site/.pnp.cjs", format!("const RAW_RUNTIME_STATE =\n'{data}';\n\nfunction f() {{}}\n"));
    site.says(0, &["1 function built"]);
}

#[test]
fn the_archive_does_not_depend_on_where_the_cache_is() {
    let (here, there) = (many("./.yarn/cache"), many("../home/.yarn/berry/cache"));
    let built = [&here, &there].map(|site| {
        site.written().says(0, &["1 function built"]);
        fs::read(site.scratch.path.join("out/f.zip")).unwrap()
    });
    assert!(built[0] == built[1]);
    let why = |site: &Site| site.run(&["why", "f", "@s/c"]).out;
    assert_eq!(why(&here), why(&there));
    assert!(why(&here).contains("node_modules/b/index.js\n  1:"), "{}", why(&here));
    assert!(!there.run(&["bundle", "--json", "--out", "../out"]).out.contains("berry"));
}

#[test]
fn a_peer_is_the_one_of_whoever_asks() {
    let function = "module.exports = { one: require('one'), two: require('two') }";
    let mut site = Site::new(function, json!([["one", "npm:1"], ["two", "npm:1"]]));
    let uses = "module.exports = require('plugin')";
    site.package("peer", "npm:1", &version("module.exports = 1"), json!([]))
        .package("peer", "npm:2", &version("module.exports = 2"), json!([]))
        .package("one", "npm:1", &version(uses), json!([["plugin", "virtual:1#npm:1"], ["peer", "npm:1"]]))
        .package("two", "npm:1", &version(uses), json!([["plugin", "virtual:2#npm:1"], ["peer", "npm:2"]]));
    let plugin = site.scratch.path.join("site/.yarn/cache/plugin.zip");
    let code = "module.exports = 'plugin of ' + require('peer')";
    write_zip(&plugin, &[("node_modules/plugin/index.js".into(), code)]);
    for face in ["1", "2"] {
        let location = format!("./.yarn/__virtual__/plugin-virtual-{face}/0/cache/plugin.zip/node_modules/plugin/");
        let reference = format!("virtual:{face}#npm:1");
        site.at("plugin", &reference, &location, json!([["peer", format!("npm:{face}")]]));
    }
    assert_eq!(site.exports(), json!({"one": "plugin of 1", "two": "plugin of 2"}));
}

/// A workspace with peers has one face for each who uses it, and one folder.
#[test]
fn a_workspace_has_the_peers_that_it_is_given() {
    let mut site =
        Site::new("module.exports = require('web')", json!([["web", "virtual:1#workspace:web"], ["a", "npm:1"]]));
    site.package("a", "npm:1", &version("module.exports = 'a1'"), json!([]))
        .at("web", "virtual:1#workspace:web", "./.yarn/__virtual__/web-virtual-1/1/web/", json!([["a", "npm:1"]]))
        .at("web", "workspace:web", "./web/", json!([["a", null]]));
    site.scratch.file("site/web/index.js", "module.exports = 'web with ' + require('a')");
    assert_eq!(site.exports(), json!("web with a1"));
    assert!(site.names().contains(&"web/index.js".to_owned()));
}

#[test]
fn what_is_not_declared_is_missing() {
    let mut site = Site::new("require('a'); require('b')", json!([["a", "npm:1"], ["open", "npm:1"]]));
    site.package(
        "a",
        "npm:1",
        &version("require('b'); require('open'); require('pooled'); require('peer'); require('b/package.json')"),
        json!([["peer", null]]),
    )
    .package("b", "npm:1", &version(""), json!([]))
    .package("peer", "npm:1", &version(""), json!([]))
    .package("open", "npm:1", &version(""), json!([]))
    .package("pooled", "npm:1", &version(""), json!([]));
    site.pool = vec![json!(["pooled", "npm:1"])];
    // What lies about from earlier installations is not the manifest's.
    site.scratch.file("site/node_modules/b/index.js", "").file("site/node_modules/b/package.json", "{}");
    site.written().says(
        1,
        &[
            "f.js: Cannot find module 'b': the site does not declare it",
            "hint: install it (`yarn add b`)",
            "index.js: Cannot find module 'b': `a` does not declare it",
            "hint: declare it for `a` under `packageExtensions` in .yarnrc.yml",
            "Cannot find module 'peer': it is a peer dependency of `a` that nobody provides",
            "Cannot find module 'b/package.json'",
        ],
    );
    let said = site.run(&["bundle", "-v"]).err;
    assert!(!["module 'open'", "module 'pooled'"].iter().any(|text| said.contains(text)), "packages may fall back");
    site.fallback = false;
    site.written().says(1, &["Cannot find module 'open': `a` does not declare it", "Cannot find module 'pooled': `a`"]);
}

#[test]
fn a_folder_that_the_manifest_is_not_for_is_as_node_sees_it() {
    let mut site = Site::new("module.exports = require('../../legacy/old')", json!([]));
    site.scratch.file("site/legacy/old.js", "module.exports = require('x')");
    site.scratch.file("site/legacy/node_modules/x/index.js", "module.exports = 'x'");
    site.written().says(1, &["Cannot find module 'x': the site does not declare it"]);
    site.ignored = Some("(^(?:legacy(?:\\/.*)?)$)");
    assert_eq!(site.exports(), json!("x"));
}

#[test]
fn an_unplugged_package_is_where_node_looks_for_it() {
    let mut site = Site::new("module.exports = require('u')", json!([["u", "npm:1"]]));
    let folder = "./.yarn/unplugged/u-npm-1/node_modules/u/";
    site.at("u", "npm:1", folder, json!([["a", "npm:1"]])).package(
        "a",
        "npm:1",
        &version("module.exports = 'a'"),
        json!([]),
    );
    site.written().says(1, &["Cannot find module 'u': its folder is not there", "hint: run `yarn install`"]);
    let at = |file: &str| format!("site/{folder}{file}");
    site.scratch.file(&at("package.json"), "{}").file(&at("data/d.txt"), "data");
    site.scratch.file(
        &at("index.js"),
        "module.exports = require('fs').readFileSync(__dirname + '/data/d.txt', 'utf8') + require('a')",
    );
    assert_eq!(site.exports(), json!("dataa"));
    assert!(site.names().contains(&"node_modules/u/data/d.txt".to_owned()));
}

/// Yarn installs for the machine that it runs on, unless it is told otherwise.
#[test]
fn a_package_for_the_target_is_asked_of_yarn() {
    let mut site = Site::new("require('n')", json!([["n", "npm:1"]]));
    let binary = "./.yarn/unplugged/n-linux-x64/node_modules/n-linux-x64/";
    site.package("n", "npm:1", &version("module.exports = require('n-linux-x64')"), json!([["n-linux-x64", "npm:1"]]));
    site.at("n-linux-x64", "npm:1", binary, json!([])).written().says(
        1,
        &["'n-linux-x64': its folder is not there: install it with `yarn install`, and `supportedArchitectures: {os"],
    );
}

#[test]
fn an_archive_that_is_not_there_or_broken_is_told() {
    let site = || {
        let mut site = Site::with_cache("require('a')", json!([["a", "npm:1"]]), "../home/cache");
        site.package("a", "npm:1", &version(""), json!([]));
        site
    };
    let archive = |site: &Site| site.scratch.path.join("home/cache/a-npm:1.zip");
    let gone = site();
    fs::remove_file(archive(&gone)).unwrap();
    gone.written()
        .says(1, &["Cannot find module 'a': its archive `a-npm:1.zip` is not there", "hint: run `yarn install`"]);
    let broken = site();
    fs::write(archive(&broken), "PK no").unwrap();
    broken.written().says(1, &["Cannot find module 'a': its archive `a-npm:1.zip` cannot be read: "]);
    let cut = site();
    let bytes = fs::read(archive(&cut)).unwrap();
    fs::write(archive(&cut), &bytes[..bytes.len() / 2]).unwrap();
    cut.written().says(1, &["its archive `a-npm:1.zip` cannot be read: "]);
    let other = site();
    write_zip(&archive(&other), &[("node_modules/b/index.js".into(), "")]);
    other.written().says(1, &["cannot be read: there is no `node_modules/a` in it"]);
}

/// What an archive says of itself is not believed.
#[test]
fn hostile_archives_are_refused() {
    let site = |files: &[(&str, &str)]| {
        let mut site = Site::new("require('a')", json!([["a", "npm:1"]]));
        site.scratch.file("site/.env", "SECRET=1");
        site.package("a", "npm:1", files, json!([])).written();
        site
    };
    let index = ("index.js", "require('fs').readFileSync(__dirname + '/link')");
    site(&[index, ("../../../evil.js", "")]).says(1, &["is not a safe name"]);
    site(&[index, ("x\\y.js", "")]).says(1, &["is not a safe name"]);
    let leads_out = site(&[index, ("link", "-> ../../.env")]);
    leads_out.says(0, &["1 function built"]);
    assert!(!leads_out.names().iter().any(|name| name.contains("link") || name.contains(".env")));
    let inside = site(&[index, ("link", "-> lib/data.txt"), ("lib/data.txt", "data")]);
    inside.says(0, &["1 function built"]);
    assert!(inside.names().contains(&"node_modules/a/lib/data.txt".to_owned()));

    // Its directory says that a file has 1 GB, or less than it has.
    for len in [1_u32 << 30, 3] {
        let large = site(&[("index.js", &"a ".repeat(1000))]);
        let archive = large.scratch.path.join("site/.yarn/cache/a-npm:1.zip");
        let mut bytes = fs::read(&archive).unwrap();
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[at + 24..at + 28].copy_from_slice(&len.to_le_bytes());
        fs::write(&archive, bytes).unwrap();
        large.says(1, &["node_modules/a/index.js: cannot be read: "]);
    }
}

#[test]
fn a_manifest_that_is_not_understood_is_told() {
    let site = Site::new("require('a')", json!([]));
    let says = |data: &str, expected: &[&str]| {
        site.scratch.file("site/.pnp.cjs", "").file("site/.pnp.data.json", data);
        site.says(1, expected);
    };
    says(
        "{\"version\": 9}",
        &[".pnp.data.json: Yarn PnP: not a manifest that fnzip knows: missing field", "hint: run `yarn install`"],
    );
    says("[", &["not a manifest that fnzip knows: "]);
    let mut dangling = site.data();
    dangling["packageRegistryData"][0][1][0][1]["packageDependencies"] = json!([["a", "npm:7"]]);
    says(&dangling.to_string(), &["it has no `a@npm:7`"]);
    let mut headless = site.data();
    headless["packageRegistryData"] = json!([]);
    says(&headless.to_string(), &["it has no top-level package"]);
    fs::remove_file(site.scratch.path.join("site/.pnp.data.json")).unwrap();
    site.says(1, &[".pnp.cjs: Yarn PnP: it has no data that can be read, and there is no .pnp.data.json beside it"]);
    // Who needs no package does not care.
    site.scratch.file("site/netlify/functions/f.js", "exports.handler = () => {}");
    site.says(0, &["1 function built"]);
}

#[test]
fn a_manifest_above_the_root_decides_nothing() {
    let site = Site::new("module.exports = require('a')", json!([]));
    site.scratch.file(".pnp.cjs", "").file("site/node_modules/a/index.js", "module.exports = 'a'");
    site.says(0, &["1 function built"]);
    site.scratch.file("site/netlify/functions/f.js", "require('b')");
    site.says(
        1,
        &["hint: `../.pnp.cjs` is above the root, and decides nothing: name its folder with --repository-root"],
    );
}

#[test]
fn a_build_reads_once() {
    let site = many("./.yarn/cache");
    site.written();
    let counting = Arc::new(Counting::new(Disk));
    let store = Arc::new(Store::new(counting.clone()).keeping(Deflate));
    let (cwd, out) = (site.scratch.path.join("site").to_path_buf(), site.scratch.path.join("out").to_path_buf());
    let settings =
        Settings::resolve(&Invocation { cwd, out: Some(out), no_cache: true, ..Invocation::default() }, &store)
            .unwrap();
    assert!(!pipeline::bundle(&settings, store, &()).unwrap().failed());
    let counts = counting.counts();
    // An archive is opened for each file that is read, and never read as a whole. Two paths lead to what
    // is in a linked folder, and the disk is asked for both.
    let linked = ["site/l", "site/web"].map(|folder| site.scratch.path.join(folder));
    let is_linked = |path: &Path| linked.iter().any(|folder| path.starts_with(folder));
    let may = |(asked, path): &(Operation, PathBuf)| match asked {
        Operation::Open => usize::MAX,
        Operation::Lstat if is_linked(path) => 2,
        _ => 1,
    };
    let again: Vec<_> = counts.iter().filter(|(asked, count)| **count > may(asked)).collect();
    assert!(again.is_empty(), "{again:#?}");
    let is_archive = |path: &Path| path.extension().is_some_and(|extension| extension == "zip");
    assert!(!counts.keys().any(|(asked, path)| *asked == Operation::Read && is_archive(path)));
}
