//! `fnzip list`.

use std::fmt::Write;
use std::sync::Arc;

use super::args::List;
use super::report::json;
use super::report::people::{People, kind};
use super::{FAILURE, Failure, SUCCESS, in_parallel, print, print_json, resolve, working_directory};
use crate::diagnostic::Severity;
use crate::fs::Disk;
use crate::function::Function;
use crate::path::AbsPath;
use crate::pipeline;
use crate::store::Store;

pub(super) fn run(args: &List, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Arc::new(Store::new(Disk));
    let settings = resolve(&args.site.invocation(&cwd), &store, people)?;
    let site = in_parallel(args.site.jobs, || pipeline::open(&settings, &store))?;
    let mut diagnostics: Vec<_> = site.diagnostics.iter().chain(site.said.iter().flatten()).cloned().collect();
    let functions = &site.functions;
    let files = if args.files {
        let listed = in_parallel(args.site.jobs, || pipeline::files(&site, &settings))?;
        listed
            .into_iter()
            .map(|(files, mut said)| {
                diagnostics.append(&mut said);
                files
            })
            .collect()
    } else {
        vec![Vec::new(); functions.len()]
    };
    diagnostics.sort();
    people.diagnostics(&diagnostics.iter().collect::<Vec<_>>(), &cwd)?;
    if args.site.json {
        print_json(&json::listing(functions, args.files.then_some(&files[..]), &settings.repository_root))?;
    } else if !functions.is_empty() {
        let base = AbsPath::resolve(&cwd, ".");
        print(&for_people(functions, &files, &base))?;
    }
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Ok(if failed { FAILURE } else { SUCCESS })
}

/// `name  runtime  main file`, and below it its other files.
fn for_people(functions: &[Function], files: &[Vec<AbsPath>], base: &AbsPath) -> String {
    let width = functions.iter().map(|function| function.name.as_str().chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (function, files) in functions.iter().zip(files) {
        // That a function is a plain one goes without saying.
        let kind = Some(kind(function)).filter(|kind| *kind != "sync");
        let remarks = kind.into_iter().chain(function.ready_made.then_some("ready-made"));
        let remarks: String = remarks.map(|remark| format!("  {remark}")).collect();
        let main = function.main_file.relative_to(base);
        let _ = writeln!(text, "{:width$}  {}  {main}{remarks}", function.name.as_str(), function.runtime);
        for file in files {
            let _ = writeln!(text, "{:width$}      {}", "", file.relative_to(base));
        }
    }
    text.truncate(text.trim_end().len());
    text
}
