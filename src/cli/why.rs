//! `fnzip why`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Why;
use super::report::json;
use super::report::people::{People, bytes};
use super::{FAILURE, Failure, SUCCESS, in_parallel, print, print_json, resolve, working_directory};
use crate::archive::deflate::Deflate;
use crate::diagnostic::{Severity, did_you_mean};
use crate::fs::Disk;
use crate::path::AbsPath;
use crate::pipeline::{self, Answer};
use crate::store::Store;

pub(super) fn run(args: &Why, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Arc::new(Store::new(Disk).keeping(Deflate));
    let settings = resolve(&args.site.invocation(&cwd), &store, people)?;
    let site = in_parallel(args.site.jobs, || pipeline::open(&settings, &store))?;
    let Some(at) = site.functions.iter().position(|function| function.name.as_str() == args.name) else {
        let meant = did_you_mean(&args.name, site.functions.iter().map(|function| function.name.as_str()));
        return Err(Failure::Call(format!("there is no function `{}`{meant}", args.name)));
    };
    let named = AbsPath::resolve(&cwd, &args.wanted);
    let answer = in_parallel(args.site.jobs, || pipeline::why(&site, at, &args.wanted, &named, &settings, &store))?;
    let said = &site.said[at];
    people.diagnostics(&said.iter().collect::<Vec<_>>(), &cwd)?;
    let Some(answer) = answer else {
        if args.site.json {
            print_json(&Value::Null)?;
        } else {
            print(&format!("`{}` does not ship in `{}`", args.wanted, args.name))?;
        }
        return Ok(FAILURE);
    };
    let base = AbsPath::resolve(&cwd, ".");
    if args.site.json {
        print_json(&as_json(&answer, &settings.repository_root))?;
    } else {
        print(&for_people(&answer, &base))?;
    }
    let failed = said.iter().any(|said| said.severity == Severity::Error);
    Ok(if failed { FAILURE } else { SUCCESS })
}

/// The way, a file a line with the source line that asks for the next; and what it costs.
fn for_people(answer: &Answer, base: &AbsPath) -> String {
    let mut text = String::new();
    for step in &answer.way {
        text += &step.file.relative_to(base);
        text += "\n";
        match &step.place {
            Some(span) if span.text.is_empty() => text += &format!("  {}:{}\n", span.line, span.column),
            Some(span) => text += &format!("  {}:{}  {}\n", span.line, span.column, span.text.trim()),
            None => text += &format!("  {}\n", json::in_words(step.how)),
        }
    }
    text += &answer.file.relative_to(base);
    if let Some(because) = &answer.because {
        text += &format!("\n  {because}");
    }
    let what = answer.package.as_deref().map_or_else(String::new, |package| format!("{package}: "));
    let files = if answer.files == 1 { "file" } else { "files" };
    let (compressed, size) = (bytes(answer.compressed), bytes(answer.size));
    text + &format!("\n\n{what}{} {files}, {compressed} in the archive, {size} unpacked", answer.files)
}

fn as_json(answer: &Answer, root: &AbsPath) -> Value {
    let step = |step: &crate::js::why::Step| {
        json!({
            "file": step.file.relative_to(root),
            "type": json::in_words(step.how),
            "line": step.place.as_ref().map(|span| span.line),
            "column": step.place.as_ref().map(|span| span.column),
        })
    };
    json!({
        "file": answer.file.relative_to(root),
        "way": answer.way.iter().map(step).collect::<Vec<_>>(),
        "because": answer.because,
        "package": answer.package,
        "files": answer.files,
        "compressed": answer.compressed,
        "size": answer.size,
    })
}
