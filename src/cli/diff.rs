//! `fnzip diff`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::args::Diff as Arguments;
use super::report::people::{People, bytes};
use super::{FAILURE, Failure, SUCCESS, in_parallel, print, print_json, working_directory};
use crate::built::Place;
use crate::diff::{Changed, Diff, How, PackageChange, diff};
use crate::fs::Disk;
use crate::path::AbsPath;
use crate::store::Store;

pub(super) fn run(args: &Arguments, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Store::new(Disk);
    let (old, new) = (place(&args.old, &cwd, &store)?, place(&args.new, &cwd, &store)?);
    let found = in_parallel(None, || diff(&old, &new, &store))?;
    people.diagnostics(&found.diagnostics.iter().collect::<Vec<_>>(), &cwd)?;
    if args.json {
        print_json(&as_json(&found))?;
    } else if args.markdown {
        print(markdown(&found).trim_end())?;
    } else {
        print(text(&found).trim_end())?;
    }
    let over = args.budget.as_deref().map(|budget| over_budget(budget, found.size)).transpose()?.flatten();
    if let Some(message) = &over {
        people.error(message)?;
    }
    Ok(if over.is_some() || !found.diagnostics.is_empty() { FAILURE } else { SUCCESS })
}

/// A directory of archives, or a manifest.
fn place(path: &Path, cwd: &Path, store: &Store) -> Result<Place, Failure> {
    let path = AbsPath::resolve(cwd, path);
    if store.is_dir(&path) {
        return Ok(Place::of_directory(path));
    }
    if !store.is_file(&path) {
        return Err(Failure::Call(format!("{path}: there is no such directory or manifest")));
    }
    let out = path.parent().unwrap_or_else(|| path.clone());
    Ok(Place { out, manifest: path, wants_manifest: true, only: None })
}

/// What to say if all archives have grown by more than `10%` or `500kb`.
fn over_budget(budget: &str, (old, new): (u64, u64)) -> Result<Option<String>, Failure> {
    let grown = new.saturating_sub(old);
    let wrong = || Failure::Call(format!("--budget takes a size or a share, as `500kb` or `10%`, and not `{budget}`"));
    let most = match budget.strip_suffix('%') {
        Some(share) => {
            let share: u64 = share.trim().parse().map_err(|_| wrong())?;
            old.saturating_mul(share) / 100
        }
        None => crate::settings::size(budget).ok_or_else(wrong)?,
    };
    Ok((grown > most).then(|| format!("archives have grown by {}, and the budget is {budget}", bytes(grown))))
}

fn growth((old, new): (u64, u64)) -> String {
    match new.cmp(&old) {
        std::cmp::Ordering::Equal => "±0 B".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", bytes(new - old)),
        std::cmp::Ordering::Less => format!("−{}", bytes(old - new)),
    }
}

fn versions(versions: &BTreeSet<String>) -> String {
    if versions.is_empty() { "?".to_owned() } else { versions.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// `up express 4.0.0 -> 5.0.0 (+2 kB)`.
fn package(change: &PackageChange) -> String {
    let word = change.word().unwrap_or("changed");
    let which = match word {
        "in" => versions(&change.versions.1),
        "out" => versions(&change.versions.0),
        _ => format!("{} -> {}", versions(&change.versions.0), versions(&change.versions.1)),
    };
    format!("{word} {} {which} ({})", change.name, growth(change.size))
}

/// What the manifest says, in few words.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(all) if all.iter().all(|it| it["pattern"].is_string()) => {
            all.iter().filter_map(|it| it["pattern"].as_str()).collect::<Vec<_>>().join(" ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn head(changed: &Changed) -> (&'static str, String) {
    match &changed.how {
        How::Added => ("added", bytes(changed.size.1)),
        How::Removed => ("removed", bytes(changed.size.0)),
        How::Renamed(old) => ("renamed", format!("was {old}, {}", growth(changed.size))),
        How::Changed => ("changed", format!("{}, {}", bytes(changed.size.1), growth(changed.size))),
    }
}

fn summary(diff: &Diff) -> String {
    let size = format!("{} ({})", bytes(diff.size.1), growth(diff.size));
    format!("{} changed, {} as they were; {size} in all", diff.functions.len(), diff.same)
}

fn text(diff: &Diff) -> String {
    let mut text = String::new();
    let width = diff.functions.iter().map(|changed| changed.name.chars().count()).max().unwrap_or(0);
    for changed in &diff.functions {
        let (word, what) = head(changed);
        let _ = writeln!(text, "{word:<7}  {:width$}  {what}", changed.name);
        for (name, old, new) in &changed.said {
            let _ = writeln!(text, "  {name}: {} -> {}", value(old), value(new));
        }
        for change in changed.packages.iter().filter(|_| matches!(changed.how, How::Changed | How::Renamed(_))) {
            let _ = writeln!(text, "  {}", package(change));
        }
    }
    text + &summary(diff)
}

fn markdown(diff: &Diff) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut text = format!("### Functions\n\n{}\n", summary(diff));
    if !diff.functions.is_empty() {
        text += "\n| function | | size | what changed |\n|---|---|--:|---|\n";
    }
    for changed in &diff.functions {
        let (word, _) = head(changed);
        let renamed = if let How::Renamed(old) = &changed.how { Some(format!("was `{old}`")) } else { None };
        let said = changed.said.iter().map(|(name, old, new)| format!("{name}: `{}` → `{}`", value(old), value(new)));
        let packages = changed.packages.iter().filter(|_| matches!(changed.how, How::Changed | How::Renamed(_)));
        let what: Vec<String> = renamed.into_iter().chain(said).chain(packages.map(package)).collect();
        let size = format!("{} ({})", bytes(changed.size.1), growth(changed.size));
        let _ = writeln!(text, "| `{}` | {word} | {size} | {} |", cell(&changed.name), cell(&what.join("<br>")));
    }
    if !diff.packages.is_empty() {
        text += "\n| package | | before | after | unpacked |\n|---|---|---|---|--:|\n";
    }
    for change in &diff.packages {
        let (before, after) = (versions(&change.versions.0), versions(&change.versions.1));
        let (before, after) = match change.word() {
            Some("in") => (String::new(), after),
            Some("out") => (before, String::new()),
            _ => (before, after),
        };
        let word = change.word().unwrap_or("changed");
        let _ = writeln!(text, "| {} | {word} | {before} | {after} | {} |", cell(&change.name), growth(change.size));
    }
    text
}

fn as_json(diff: &Diff) -> Value {
    let packages = |changes: &[PackageChange]| -> Value {
        let row = |change: &PackageChange| {
            json!({
                "name": change.name, "change": change.word().unwrap_or("changed"),
                "before": change.versions.0, "after": change.versions.1,
                "sizeBefore": change.size.0, "sizeAfter": change.size.1,
            })
        };
        changes.iter().map(row).collect()
    };
    let function = |changed: &Changed| {
        let was = if let How::Renamed(old) = &changed.how { Some(old) } else { None };
        let said = changed.said.iter().map(|(name, old, new)| json!({"field": name, "before": old, "after": new}));
        json!({
            "name": changed.name, "change": head(changed).0, "was": was,
            "sizeBefore": changed.size.0, "sizeAfter": changed.size.1,
            "manifest": said.collect::<Vec<_>>(), "packages": packages(&changed.packages),
        })
    };
    json!({
        "version": 1,
        "functions": diff.functions.iter().map(function).collect::<Vec<_>>(),
        "unchanged": diff.same,
        "sizeBefore": diff.size.0,
        "sizeAfter": diff.size.1,
        "packages": packages(&diff.packages),
    })
}
