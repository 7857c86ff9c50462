//! `fixtures/trace`: one folder a rule of what a module needs.

use std::sync::Arc;

use fnzip::fs::Disk;
use fnzip::function::platform::{Libc, System};
use fnzip::function::{Arch, NodeVersion, Platform};
use fnzip::glob::GlobList;
use fnzip::js::binary::Target;
use fnzip::js::graph::Graph;
use fnzip::js::resolve::ResolveOptions;
use fnzip::js::trace::{TraceOptions, trace};
use fnzip::store::Store;

use crate::support::{Expected, cases, report, shown};

/// `linux-arm64`, `linuxmusl-x64`, `darwin-arm64`; `host-x64` is a Linux that builds for itself.
fn platform(name: &str) -> Platform {
    let (system, arch) = name.split_once('-').unwrap();
    Platform {
        system: match system {
            "linux" | "linuxmusl" | "host" => System::Linux,
            "darwin" => System::MacOs,
            "win32" => System::Windows,
            other => panic!("{other}"),
        },
        arch: if arch == "arm64" { Arch::Arm64 } else { Arch::X64 },
        libc: if system == "linuxmusl" { Libc::Musl } else { Libc::Glibc },
        is_host: system != "linux",
    }
}

#[test]
fn every_rule() {
    let mut failures = Vec::new();
    for case in cases("trace") {
        let expected = Expected::read(&case);
        let one = |name| expected.options(name).first().copied();
        let base = case.join(one("base").unwrap_or("."));
        let node = one("node").map_or(NodeVersion::DEFAULT, |text| NodeVersion::parse(text).unwrap());
        let paths = expected.options("path").into_iter().map(|pair| {
            let (key, path) = pair.split_once('=').unwrap();
            (key.to_owned(), base.join(path))
        });
        let resolve = ResolveOptions {
            node_only: false,
            target: Target { platform: platform(one("platform").unwrap_or("linux-x64")), node: node.major },
            conditions: expected.options("condition").into_iter().map(str::to_owned).collect(),
            module_sync: node.has_module_sync(),
            module_sync_catchall: false,
            tsconfig_directories: expected
                .options("tsconfig-directory")
                .into_iter()
                .map(|path| base.join(path))
                .collect(),
            exports_only: one("exports-only").is_some(),
            paths: paths.collect(),
        };
        let options = TraceOptions {
            base: Some(base.clone()),
            ignore: GlobList::new(expected.options("ignore")).unwrap(),
            depth: one("depth").map(|depth| depth.parse().unwrap()),
            runtime: Some(node.major),
            analysis: one("analysis") != Some("off"),
            allow_foreign: one("allow-foreign").is_some(),
            ..TraceOptions::all(base.clone())
        };
        let graph = Graph::new(Arc::new(Store::new(Disk)), resolve, base.clone(), base.clone());
        let traced = trace(&graph, &[case.join(one("entry").unwrap_or("input.js"))], &options);
        assert!(traced.files.values().all(|file| !file.reasons.is_empty()));
        let files = traced.files.keys().map(|path| path.relative_to(&base));
        let mut diagnostics: Vec<String> =
            traced.diagnostics.iter().map(|diagnostic| shown(diagnostic, &base)).collect();
        diagnostics.sort();
        let mut files: Vec<String> = files.collect();
        files.sort();
        files.extend(diagnostics);
        expected.check(&files, &mut failures);
    }
    report(&failures);
}
