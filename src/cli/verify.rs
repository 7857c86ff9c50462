//! `fnzip verify`.

use std::path::Path;
use std::sync::Arc;

use super::args::Verify;
use super::loading::load;
use super::report::people::People;
use super::report::{json, junit};
use super::{FAILURE, Failure, SUCCESS, bundle, in_parallel, print_json, resolve, signals, working_directory};
use crate::built::{Place, format};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fs::Disk;
use crate::path::AbsPath;
use crate::pipeline;
use crate::process::Workshop;
use crate::settings::{Invocation, Settings};
use crate::store::Store;
use crate::verify::{Demands, Verified, rebuilt, verify};

pub(super) fn run(args: &Verify, people: &People) -> Result<u8, Failure> {
    let cwd = working_directory()?;
    let store = Arc::new(Store::new(Disk));
    let settings = resolve(&args.invocation(&cwd), &store, people)?;
    if !store.is_dir(&settings.out) {
        return Err(Failure::Call(format!("{}: there is no such directory", settings.out)));
    }
    if args.load || args.rebuild {
        signals::end_with_what_was_started()?;
    }
    let (load, remarks) = args.load.then(|| load(args, &settings, &cwd)).transpose()?.unzip();
    for remark in remarks.iter().flatten() {
        people.warn(remark)?;
    }
    let demands = Demands {
        load,
        node: args.node_version.as_ref().map(|_| settings.node.0),
        default_node: settings.node.0,
        platform: settings.platform,
        limits: settings.limits,
        places: vec![settings.base.clone(), settings.repository_root.clone()],
        place: args.built.place(&settings),
    };
    let mut verified = in_parallel(args.jobs, || verify(&demands, &store))?;
    for call in demands.load.iter().flat_map(|load| &load.wanted) {
        let is_known = |name: &String| verified.functions.iter().any(|(known, _)| known == name);
        if let Some(nobody) = call.function.as_ref().filter(|name| !is_known(name)) {
            people.warn(&format!("--call: there is no function `{nobody}`"))?;
        }
    }
    if args.rebuild {
        let format = format(&demands.place, &store);
        let settings = resolve(&Invocation { format, ..args.invocation(&cwd) }, &store, people)?;
        verified.findings.extend(build_again(settings, &demands.place, args, people, &cwd)?);
    }
    verified.findings = verified.findings.into_iter().map(|finding| finding.under(args.strict)).collect();
    verified.findings.sort();
    people.diagnostics(&verified.findings.iter().collect::<Vec<_>>(), &cwd)?;
    people.say(&summary(&verified))?;
    if args.json {
        print_json(&json::findings(&verified))?;
    }
    if let Some(file) = &args.junit {
        let written = std::fs::write(file, junit::report(&verified));
        written.map_err(|error| Failure::Call(format!("{}: {error}", file.display())))?;
    }
    Ok(if count(&verified, Severity::Error) > 0 { FAILURE } else { SUCCESS })
}

/// Builds the site into a directory that is gone afterwards.
fn build_again(
    settings: Settings,
    before: &Place,
    args: &Verify,
    people: &People,
    cwd: &Path,
) -> Result<Vec<Diagnostic>, Failure> {
    let workshop = Workshop::new()?;
    let again = Place::of_directory(workshop.path().child("out"));
    let (out, manifest) = (again.out.clone(), again.manifest.clone());
    let program = std::env::current_exe().ok().map(AbsPath::of);
    let settings = Settings { out, manifest, cache: None, keep_going: true, program, ..settings };
    let report = in_parallel(args.jobs, || pipeline::bundle(&settings, bundle::store(), &()))??;
    if report.failed() {
        people.diagnostics(&report.all_diagnostics(), cwd)?;
    }
    let store = Store::new(Disk);
    in_parallel(args.jobs, || rebuilt(before, &again, &store))
}

fn count(verified: &Verified, severity: Severity) -> usize {
    verified.findings.iter().filter(|finding| finding.severity == severity).count()
}

fn summary(verified: &Verified) -> String {
    let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning")];
    let counts = counts.map(|(severity, word)| (count(verified, severity), word));
    let found: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| many(count, word)).collect();
    let found = if found.is_empty() { "fit to deploy".to_owned() } else { found.join(", ") };
    format!("{} verified: {found}", many(verified.functions.len(), "function"))
}
