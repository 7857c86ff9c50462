//! A candidate, what its main file says, and what the settings say of it make a function. In: the
//! three. Out: the function, and everything that is wrong with what was said. Never touches the disk
//! but for the `{main}.json` beside a main file.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::function::{Function, FunctionConfig, InvocationMode, NodeVersion, Origin, checks, events, in_source};
use crate::js::config::{Analysis, Schedule};
use crate::path::AbsPath;
use crate::settings::{Settings, config_beside};
use crate::source::Candidate;
use crate::store::Store;

/// Joins them. `analysis` is absent for what is no JavaScript, or does not parse.
pub(super) fn join(
    candidate: Candidate,
    analysis: Option<&Analysis>,
    settings: &Settings,
    store: &Store,
) -> (Function, Vec<Diagnostic>) {
    let Candidate { name, runtime, main_file, src_path, src_dir, origin, ready_made, .. } = candidate;
    let mut said = Vec::new();
    let mut config = settings.config.of(&name);
    if settings.config_dirs.iter().any(|directory| main_file.starts_with(directory)) {
        match config_beside(&main_file, store) {
            Some(Ok(beside)) => config = config.replaced_by(&beside),
            Some(Err((path, reason))) => {
                let message = format!("the function's configuration is ignored: {reason}");
                said.push(Diagnostic::warning(Code::Configuration, message).at(&path));
            }
            None => {}
        }
    }
    if origin == Origin::Internal && config.generator.is_none() {
        config.generator = Some("internalFunc".into());
    }
    let mut function = Function {
        name,
        runtime,
        main_file,
        src_path,
        src_dir,
        origin,
        ready_made,
        api_version: analysis.map(Analysis::api_version),
        streams: analysis.is_some_and(|analysis| analysis.streams),
        config,
        routes: Vec::new(),
        excluded_routes: Vec::new(),
        traffic_rules: None,
        event_subscriptions: Vec::new(),
        node: settings.node,
    };
    let main_file = function.main_file.clone();
    let places = Places { main_file: &main_file, analysis };
    let mut found = analysis.map(|analysis| in_source_config(analysis, &places)).unwrap_or_default();
    said.append(&mut found.said);
    function.take(found);
    said.extend(contradictions(&function, &places));
    said.extend(check(&mut function.config, &places));
    function.node = function.config.node_version.as_deref().and_then(NodeVersion::parse).unwrap_or(settings.node);
    let said = said.into_iter().map(|diagnostic| diagnostic.of(function.name.as_str()).under(settings.strict));
    let said = said.collect();
    (function, said)
}

/// What a main file says, read and checked.
#[derive(Default)]
struct Found {
    in_source: in_source::InSource,
    event_subscriptions: Vec<String>,
    said: Vec<Diagnostic>,
}

impl Function {
    /// Lays over the function what its main file says.
    fn take(&mut self, found: Found) {
        let Found { in_source, event_subscriptions, .. } = found;
        if in_source.config.included_files.is_some() {
            // Relative to the main file, and instead of what others say.
            self.config.included_files = None;
            self.config.included_files_base_path = Some(self.main_file.join("..").to_string());
        }
        self.config = std::mem::take(&mut self.config).overlaid(&in_source.config);
        self.routes = in_source.routes;
        self.excluded_routes = in_source.excluded_routes;
        self.traffic_rules = in_source.traffic_rules;
        self.event_subscriptions = event_subscriptions;
    }
}

/// Where things stand in a main file.
struct Places<'a> {
    main_file: &'a AbsPath,
    analysis: Option<&'a Analysis>,
}

impl Places<'_> {
    /// The place of a part of `config`, or of the nearest part around it that has one.
    fn of(&self, path: &str) -> Option<Span> {
        let config = self.analysis?.config.as_ref()?;
        let around = std::iter::successors(Some(path), |path| path.rsplit_once('.').map(|(around, _)| around));
        around.filter_map(|path| config.places.get(path).or_else(|| config.unread.get(path))).next().cloned()
    }

    fn diagnostic(&self, severity: Severity, message: String, span: Option<Span>) -> Diagnostic {
        let diagnostic = Diagnostic::new(severity, Code::Configuration, message).at(self.main_file);
        Diagnostic { span, ..diagnostic }
    }
}

fn in_source_config(analysis: &Analysis, places: &Places<'_>) -> Found {
    let mut found = Found::default();
    if analysis.api_version() == 1 {
        if analysis.config.as_ref().is_some_and(|config| !config.value.is_empty()) {
            let message = "`config` is not read: this is a version 1 function, with a `handler` and no default export";
            found.said.push(places.diagnostic(Severity::Note, message.into(), None));
        }
        let error = |message: &str, at: &Span| places.diagnostic(Severity::Error, message.into(), Some(at.clone()));
        match &analysis.schedule {
            Some(Schedule::Cron(cron, _)) => found.in_source.config.schedule = Some(cron.clone()),
            Some(Schedule::Unreadable(at)) => {
                let message = "the cron expression of `schedule()` cannot be read: it must be a literal, or a constant of the file";
                found.said.push(error(message, at));
            }
            Some(Schedule::Unused(at)) => {
                let message = "`schedule` is imported, but does not wrap the exported `handler`";
                found.said.push(error(message, at).hint("write `export const handler = schedule('@daily', …)`"));
            }
            None => {}
        }
        return found;
    }
    if let Some(config) = &analysis.config {
        let (read, problems) = in_source::read(&config.value);
        found.in_source = read;
        for problem in problems {
            let severity = if problem.fatal { Severity::Error } else { Severity::Warning };
            let message = format!("`config.{}` {}", problem.path, problem.message);
            found.said.push(places.diagnostic(severity, message, places.of(&problem.path)));
        }
        for (path, span) in &config.unread {
            let message = format!("`config.{path}` is not read: it is no literal");
            found.said.push(places.diagnostic(Severity::Note, message, Some(span.clone())));
        }
    }
    found.event_subscriptions = events::subscriptions(&analysis.default_members);
    found
}

/// What cannot go together at the platform.
fn contradictions(function: &Function, places: &Places<'_>) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let path = places.of("path");
    if !function.routes.is_empty() && function.config.schedule.is_some() {
        let message = "a scheduled function cannot have a `path`: nobody but the clock can call it";
        said.push(places.diagnostic(Severity::Error, message.into(), path.clone()));
    }
    if let (false, Some(event)) = (function.routes.is_empty(), events::trigger(&function.name)) {
        let message = format!("a function that is called for the event `{event}` cannot have a `path`");
        said.push(places.diagnostic(Severity::Error, message, path));
    }
    if function.streams && function.invocation_mode() == Some(InvocationMode::Background) {
        let message = "a background function answers at once: what it streams goes nowhere";
        said.push(places.diagnostic(Severity::Warning, message.into(), None));
    }
    said
}

/// Brings the configuration into its normal form, whoever said it; what is wrong with it.
fn check(config: &mut FunctionConfig, places: &Places<'_>) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let mut wrong = |severity, key: &str, message: &str| {
        said.push(places.diagnostic(severity, format!("`{key}` {message}"), places.of(key)));
    };
    if config.memory.is_some() && config.vcpu.is_some() {
        wrong(Severity::Error, "vcpu", "and `memory` cannot both be set");
    }
    if let Some(value) = &config.memory {
        match checks::memory(value) {
            Ok(megabytes) => config.memory = Some(megabytes.into()),
            Err(message) => wrong(Severity::Error, "memory", &message),
        }
    }
    if let Some(Err(message)) = config.vcpu.map(checks::vcpu) {
        wrong(Severity::Error, "vcpu", &message);
    }
    if let Some(region) = &config.region {
        match checks::region(region) {
            Ok(region) => config.region = Some(region),
            Err(message) => wrong(Severity::Error, "region", &message),
        }
    }
    if let Some(cron) = &config.schedule {
        let at_helper = match places.analysis.and_then(|analysis| analysis.schedule.as_ref()) {
            Some(Schedule::Cron(_, at)) => Some(at.clone()),
            _ => places.of("schedule"),
        };
        match checks::cron(cron) {
            Ok(None) => {}
            Ok(Some(message)) => {
                said.push(places.diagnostic(Severity::Warning, format!("`schedule`: {message}"), at_helper));
            }
            Err(message) => said.push(places.diagnostic(Severity::Error, format!("`schedule`: {message}"), at_helper)),
        }
    }
    said
}

/// Two functions of one address: the platform calls one of them.
pub(super) fn clashing_routes(functions: &[Function]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<(&str, Option<&String>), &Function> = BTreeMap::new();
    let mut said = Vec::new();
    for function in functions {
        for route in &function.routes {
            let methods: Vec<Option<&String>> = match &route.methods {
                Some(methods) if !methods.is_empty() => methods.iter().map(Some).collect(),
                _ => vec![None],
            };
            for method in methods {
                if let Some(other) = first.insert((&route.pattern, method), function)
                    && other.name != function.name
                {
                    let message =
                        format!("`{}` and `{}` have the same path, `{}`", other.name, function.name, route.pattern);
                    let diagnostic = Diagnostic::warning(Code::Configuration, message).at(&function.main_file);
                    said.push(diagnostic.of(function.name.as_str()));
                }
            }
        }
    }
    said.dedup();
    said
}
