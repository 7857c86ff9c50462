//! What was built becomes known. In: a report. Out: the manifest; archives that it no longer names are gone.
//! Never removes a file that somebody else has changed.

use std::collections::BTreeSet;

use super::{Built, Outcome, Report};
use crate::archive::{self, WriteError};
use crate::function::events;
use crate::manifest::{Additions, BuildData, Manifest, Row, System, now, runtime_version};
use crate::path::AbsPath;
use crate::settings::Settings;
use crate::store::Store;

/// Writes the manifest, and removes the archives of the earlier one that are no longer made.
pub(super) fn publish(report: &Report, settings: &Settings) -> Result<(), WriteError> {
    // A store of its own: the manifest is an output, and another run may have just replaced it.
    let earlier = Manifest::read(&settings.manifest, &Store::new(crate::fs::Disk));
    let mut manifest = manifest(report, settings);
    if !settings.only.is_empty() {
        // What was not asked for is still deployed as it was.
        let others = earlier.iter().flat_map(|earlier| &earlier.functions);
        manifest.functions.extend(others.filter(|row| !settings.only.matches(row.name.as_str())).cloned());
        manifest.functions.sort_by(|one, two| one.name.cmp(&two.name));
    }
    manifest.write(&settings.manifest)?;
    if report.failed() || !settings.only.is_empty() {
        return Ok(());
    }
    let made: BTreeSet<&AbsPath> =
        report.functions.iter().filter_map(|outcome| Some(&outcome.built.as_ref()?.archive.path)).collect();
    for row in earlier.iter().flat_map(|earlier| &earlier.functions) {
        let path = directory_of(&settings.manifest).join(&row.path);
        let ours = path.parent().as_ref() == Some(&settings.out);
        if let (true, false, Some(sha256)) = (ours, made.contains(&path), &row.fnzip.sha256) {
            archive::remove_if_unchanged(&path, sha256);
        }
    }
    Ok(())
}

fn directory_of(path: &AbsPath) -> AbsPath {
    path.parent().unwrap_or_else(|| path.clone())
}

/// The rows of what was built.
fn manifest(report: &Report, settings: &Settings) -> Manifest {
    let directory = directory_of(&settings.manifest);
    let shown = |path: &AbsPath, from: &AbsPath| {
        if settings.reproducible { path.relative_to(from) } else { path.to_string() }
    };
    let rows = report.functions.iter().filter_map(|Outcome { function, built, .. }| {
        let Built { archive, facts, .. } = built.as_ref()?;
        let config = &function.config;
        Some(Row {
            bundler: facts.bundler,
            build_data: Some(BuildData::of(function.api_version, facts.bootstrap_version.as_deref())),
            display_name: config.name.clone(),
            generator: config.generator.clone(),
            invocation_mode: function.invocation_mode(),
            main_file: shown(&function.main_file, &settings.base),
            memory: config.memory,
            name: function.name.clone(),
            path: shown(&archive.path, &directory),
            priority: function.priority(),
            region: config.region.clone(),
            runtime: function.runtime,
            runtime_version: runtime_version(function),
            routes: function.routes.clone(),
            excluded_routes: function.excluded_routes.clone(),
            traffic_rules: function.traffic_rules.clone(),
            event_subscriptions: function.event_subscriptions.clone(),
            schedule: config.schedule.clone(),
            timeout: config.timeout.clone(),
            vcpu: config.vcpu.clone(),
            fnzip: Additions {
                sha256: archive.sha256.clone(),
                size: archive.size,
                unzipped_size: archive.unzipped_size,
                entries: archive.entries,
                event_triggered: events::trigger(&function.name).map(str::to_owned),
                bundled: facts.bundled_packages.clone(),
            },
        })
    });
    let timestamp =
        if settings.reproducible { settings.source_date_epoch.unwrap_or(0).saturating_mul(1000) } else { now() };
    Manifest { functions: rows.collect(), system: System::here(), timestamp, version: 1 }
}
