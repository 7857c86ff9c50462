//! How long each stage takes by itself, on sources that are made here. `cargo bench --bench stages`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run is to stop")]

use std::fmt::Write as _;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fnzip::archive::{self, deflate::Deflate};
use fnzip::fs::Disk;
use fnzip::js::graph::Graph;
use fnzip::js::parse::parse;
use fnzip::js::resolve::ResolveOptions;
use fnzip::js::scan::scan;
use fnzip::js::trace::{TraceOptions, trace};
use fnzip::path::{AbsPath, ArchivePath};
use fnzip::pipeline;
use fnzip::plan::{Content, Entry, Output};
use fnzip::settings::{Format, Invocation, Settings};
use fnzip::store::{Keep, Store};

/// A module as packages have them; one of these lines makes that it has to be evaluated.
fn module(needs_evaluation: bool) -> String {
    let mut text = String::from("'use strict'\nconst other = require('./other.js')\n");
    if needs_evaluation {
        text += "const path = require('path')\nconst data = path.join(__dirname, 'data', 'table.json')\n";
    }
    for index in 0..400 {
        let _ = writeln!(
            text,
            "exports.f{index} = function (a, b) {{\n  if (a && other.is{index}(b)) return {{ a, b: [b, 'text {index}'] }}\n  \
             return a.map((each) => each.value + {index}).filter(Boolean)\n}}"
        );
    }
    text
}

/// A site of twenty functions that share two hundred modules.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let write = |path: String, text: String| {
        let path = site.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for index in 0..200 {
        let next: String = [index * 2 + 1, index * 2 + 2].into_iter().filter(|next| *next < 200).fold(
            String::new(),
            |mut text, next| {
                let _ = writeln!(text, "require('./m{next}')");
                text
            },
        );
        write(format!("node_modules/shared/m{index}.js"), format!("{next}exports.value = {index}\n"));
    }
    write("node_modules/shared/package.json".into(), "{ \"main\": \"m0.js\" }".into());
    for index in 0..20 {
        write(format!("netlify/functions/f{index}.js"), "exports.handler = () => require('shared')\n".into());
    }
    site
}

fn sources(c: &mut Criterion) {
    let mut group = c.benchmark_group("one file");
    for (name, text) in [("plain", module(false)), ("evaluated", module(true))] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse, {name}"), |b| b.iter(|| parse("js", &text, |_| ()).unwrap()));
        group.bench_function(format!("parse and scan, {name}"), |b| {
            b.iter(|| parse("js", &text, |parsed| scan(parsed, "js")).unwrap());
        });
        group.bench_function(format!("compress, {name}"), |b| b.iter(|| Deflate.keep(text.as_bytes())));
    }
    group.finish();
}

fn sites(c: &mut Criterion) {
    let site = site();
    let top = AbsPath::of(site.path().canonicalize().unwrap());
    let main = top.join("netlify/functions/f0.js");
    let new = || {
        let store = Arc::new(Store::new(Disk).keeping(Deflate));
        (Graph::new(store.clone(), ResolveOptions::default(), top.clone(), top.clone()), store)
    };
    let options = TraceOptions::all(top.clone());
    let traced = |graph: &Graph| trace(graph, std::slice::from_ref(&main), &options);
    let mut group = c.benchmark_group("a site");
    group.bench_function("read, parse, resolve and trace 200 modules", |b| {
        b.iter_batched(new, |(graph, _)| traced(&graph), BatchSize::LargeInput);
    });
    let (graph, store) = new();
    let files = traced(&graph).files;
    group.bench_function("trace 200 modules that are known", |b| b.iter(|| traced(&graph)));
    let entry = |path: &AbsPath| Entry {
        path: ArchivePath::below(&top, path).unwrap(),
        content: Content::File(path.clone()),
        executable: false,
    };
    let output = Output::Archive(files.keys().map(entry).collect());
    let out = tempfile::tempdir().unwrap();
    let directory = AbsPath::of(out.path());
    group.bench_function("write an archive of what is compressed", |b| {
        b.iter(|| archive::write(&output, "f0", &directory, Format::Zip, &store).unwrap());
    });
    let invocation = |cached: bool| Invocation {
        cwd: top.clone().to_path_buf(),
        no_cache: !cached,
        cache_dir: Some(directory.join("cache").to_path_buf()),
        out: Some(directory.join("functions").to_path_buf()),
        ..Invocation::default()
    };
    for (name, cached) in [("bundle 20 functions", false), ("bundle again what has not changed", true)] {
        let invocation = invocation(cached);
        group.bench_function(name, |b| {
            b.iter(|| {
                let store = Arc::new(Store::new(Disk).keeping(Deflate));
                let settings = Settings::resolve(&invocation, &store).unwrap();
                assert!(!pipeline::bundle(&settings, store, &()).unwrap().failed());
            });
        });
    }
    group.finish();
}

criterion_group!(stages, sources, sites);
criterion_main!(stages);
