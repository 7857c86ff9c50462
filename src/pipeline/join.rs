//! A candidate, what its main file says, and what the settings say of it make a function. In: the
//! three. Out: the function, and everything that is wrong with what was said. Never touches the disk
//! but for the `{main}.json` beside a main file.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, Place, Severity, Span};
use crate::function::config::{self, Told};
use crate::function::route::Route;
use crate::function::traffic::TrafficRules;
use crate::function::{
    BY_ITS_PLACE, Flags, Function, FunctionConfig, FunctionName, InvocationMode, NodeVersion, Origin, Runtime, checks,
    events, in_source,
};
use crate::js::config::{Analysis, Literals, Schedule};
use crate::path::AbsPath;
use crate::settings::{Settings, config_beside};
use crate::source::Candidate;
use crate::store::Store;

/// What the platform calls the server of a site.
const SERVER: &str = "server";

/// Joins them. `analysis` is absent for what is no JavaScript, or does not parse.
pub(super) fn join(
    candidate: Candidate,
    analysis: Option<&Analysis>,
    settings: &Settings,
    store: &Store,
) -> (Function, Vec<Diagnostic>) {
    let Candidate { name, runtime, main_file, src_path, src_dir, origin, ready_made, .. } = candidate;
    let name = if settings.server { FunctionName::of(SERVER) } else { name };
    let mut said = Vec::new();
    let mut told = settings.config.of(&name);
    if settings.config_dirs.iter().any(|directory| main_file.starts_with(directory))
        && let Some((beside, problems)) = config_beside(&main_file, store)
    {
        told = told.overlaid(&beside);
        said.extend(problems);
    }
    if origin == Origin::Internal && told.get("generator").is_none() {
        told.say("generator", "internalFunc".into(), Place::Named(BY_ITS_PLACE.into()));
    }
    let main = Main { path: &main_file, analysis };
    let found = main.in_source_config(&mut said);
    let mut told = told.overlaid(&found.told);
    if let Some(place) = found.told.place("includedFiles") {
        // Those of the function itself are relative to it, whatever others say of theirs.
        told.say("includedFilesBasePath", main_file.join("..").to_string().into(), place.clone());
    }
    let config = told.config();
    said.extend(checks::faults(&told).into_iter().map(|fault| of_fault(fault, &told)));
    let traffic_rules = traffic_rules(&config, &told, &mut said);
    if told.get("nodeVersion").is_none() && runtime == Runtime::JavaScript {
        // The manifest says only what the function was told itself.
        let (version, place) = &settings.node;
        told.say("nodeVersion", version.major.to_string().into(), place.clone());
    }
    let node = config.node_version.as_deref().and_then(NodeVersion::coerce).unwrap_or(settings.node.0);
    let is_module = told.get("nodeModuleFormat").is_some_and(|saying| saying.value == "esm");
    let function = Function {
        flags: Flags { pure_modules: settings.flags.pure_modules || is_module, ..settings.flags },
        api_version: if settings.server { Some(2) } else { analysis.map(Analysis::api_version) },
        is_esm: analysis.is_some_and(|analysis| analysis.is_esm),
        streams: analysis.is_some_and(|analysis| analysis.streams),
        routes: found.routes,
        excluded_routes: found.excluded_routes,
        traffic_rules,
        event_subscriptions: found.event_subscriptions,
        node,
        name,
        runtime,
        main_file,
        src_path,
        src_dir,
        origin,
        ready_made,
        config,
        told,
    };
    said.extend(contradictions(&function));
    let said = said.into_iter().map(|diagnostic| diagnostic.of(function.name.as_str()).under(settings.strict));
    let said = said.collect();
    (function, said)
}

/// What a main file says, read and checked.
#[derive(Default)]
struct Found {
    told: Told,
    routes: Vec<Route>,
    excluded_routes: Vec<Route>,
    event_subscriptions: Vec<String>,
}

/// A main file.
struct Main<'a> {
    path: &'a AbsPath,
    analysis: Option<&'a Analysis>,
}

impl Main<'_> {
    fn in_source_config(&self, said: &mut Vec<Diagnostic>) -> Found {
        match self.analysis {
            None => Found::default(),
            Some(analysis) if analysis.api_version() == 1 => self.version_1(analysis, said),
            Some(analysis) => self.version_2(analysis, said),
        }
    }

    fn version_1(&self, analysis: &Analysis, said: &mut Vec<Diagnostic>) -> Found {
        let mut found = Found::default();
        if let Some(config) = analysis.config.as_ref().filter(|config| !config.value.is_empty()) {
            let message = "`config` is not read: this is a version 1 function, with a `handler` and no default export";
            let hint =
                "write the function as `export default async (request, context) => Response`, or take `config` away";
            // What means nothing to the platform is the user's own.
            let meant = config.value.keys().find(|key| config::is_known(key));
            let severity = if meant.is_some() { Severity::Warning } else { Severity::Note };
            let at = meant.or(config.value.keys().next()).map_or("", String::as_str);
            said.push(
                Diagnostic::new(severity, Code::Configuration, message).hint(hint).said_in(&self.place_in(config, at)),
            );
        }
        let error =
            |message: &str, at: &Span| Diagnostic::error(Code::Configuration, message).at(self.path).span(at.clone());
        match &analysis.schedule {
            Some(Schedule::Cron(cron, at)) => found.told.say("schedule", cron.as_str().into(), self.place(at)),
            Some(Schedule::Unreadable(at)) => {
                let message = "the cron expression of `schedule()` cannot be read: it must be a literal, or a constant of the file";
                said.push(error(message, at));
            }
            Some(Schedule::Unused(at)) => {
                let message = "`schedule` is imported, but does not wrap the exported `handler`";
                said.push(error(message, at).hint("write `export const handler = schedule('@daily', …)`"));
            }
            None => {}
        }
        found
    }

    fn version_2(&self, analysis: &Analysis, said: &mut Vec<Diagnostic>) -> Found {
        let event_subscriptions = events::subscriptions(&analysis.default_members);
        let Some(config) = &analysis.config else { return Found { event_subscriptions, ..Found::default() } };
        let read = in_source::read(&config.value, &|path| self.place_in(config, path));
        for problem in read.errors {
            let message = format!("`config.{}` {}", problem.path, problem.message);
            let error = Diagnostic::error(Code::Configuration, message);
            said.push(Diagnostic { hint: problem.hint, ..error }.said_in(&self.place_in(config, &problem.path)));
        }
        for problem in read.problems {
            let ignored = if problem.unknown { "" } else { ": it is ignored" };
            let message = format!("`config.{}` {}{ignored}", problem.path, problem.message);
            let key = config.keys.get(&problem.path).filter(|_| problem.unknown).map(|span| self.place(span));
            let place = key.unwrap_or_else(|| self.place_in(config, &problem.path));
            said.push(Diagnostic::warning(Code::Configuration, message).said_in(&place));
        }
        said.extend(config.unread.iter().map(|(path, span)| unread(path).at(self.path).span(span.clone())));
        Found { told: read.told, routes: read.routes, excluded_routes: read.excluded_routes, event_subscriptions }
    }

    fn place(&self, span: &Span) -> Place {
        Place::File(self.path.clone(), span.clone())
    }

    /// The place of a part of `config`, or of the nearest part around it that has one.
    fn place_in(&self, config: &Literals, path: &str) -> Place {
        let around = std::iter::successors(Some(path), |path| path.rsplit_once('.').map(|(around, _)| around));
        let span = around.filter_map(|path| config.places.get(path).or_else(|| config.unread.get(path))).next();
        span.map_or_else(|| Place::Named(self.path.name().to_owned()), |span| self.place(span))
    }
}

/// What is to be said of a part of `config` that is no literal. What means something to the platform
/// would be missing there; half of a function's addresses are worse than none.
fn unread(path: &str) -> Diagnostic {
    let part = path.trim_end_matches("...").trim_end_matches('.');
    let of = if part.is_empty() { "config".to_owned() } else { format!("config.{part}") };
    let message = match path.strip_suffix("...") {
        Some(_) => format!("what is spread into `{of}` is not read"),
        None if path.is_empty() => "`config` is not read: it is no literal object".to_owned(),
        None => format!("`{of}` is not read: it is no literal"),
    };
    let key = path.split('.').next().unwrap_or_default();
    let severity = match key {
        "path" | "excludedPath" | "method" if path.len() > key.len() => Severity::Error,
        key if key.is_empty() || config::is_known(key) => Severity::Warning,
        _ => Severity::Note,
    };
    let hint = "write the value itself: it is read, and never run";
    Diagnostic::new(severity, Code::Configuration, message).hint(hint)
}

/// What cannot go together at the platform.
fn contradictions(function: &Function) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let mut say = |diagnostic: Diagnostic, key: &str| {
        let place = function.told.place(key);
        said.push(if place.is_some() { diagnostic.said_at(place) } else { diagnostic.at(&function.main_file) });
    };
    let has_path = !function.routes.is_empty();
    if has_path && function.config.schedule.is_some() {
        let message = "a scheduled function cannot have a `path`: nobody but the clock can call it";
        say(Diagnostic::error(Code::Configuration, message).hint("take away the `path` or the `schedule`"), "path");
    }
    if let (true, Some(event)) = (has_path, events::trigger(&function.name)) {
        let message = format!("a function that is called for the event `{event}` cannot have a `path`");
        let hint = "give the function another name, or take away its `path`";
        say(Diagnostic::error(Code::Configuration, message).hint(hint), "path");
    }
    for key in ["excludedPath", "method", "preferStatic"] {
        if !has_path && function.told.get(key).is_some() {
            say(Diagnostic::warning(Code::Configuration, format!("`{key}` has no effect without a `path`")), key);
        }
    }
    if function.traffic_rules.as_ref().is_some_and(TrafficRules::rewrites_to_nowhere) {
        let message = "`rateLimit.action` is `rewrite`, but there is no `to` that says where";
        say(Diagnostic::warning(Code::Configuration, message), "rateLimit.action");
    }
    if function.streams && function.invocation_mode() == Some(InvocationMode::Background) {
        let message = "a background function answers at once: what it streams goes nowhere";
        let hint = "take away `stream()`, or do not run it in the background";
        say(Diagnostic::warning(Code::Configuration, message).hint(hint), "background");
    }
    said
}

fn of_fault(fault: checks::Fault, told: &Told) -> Diagnostic {
    let checks::Fault { key, message, refused, hint } = fault;
    let severity = if refused { Severity::Error } else { Severity::Warning };
    let said = Diagnostic::new(severity, Code::Configuration, format!("`{key}` {message}"));
    Diagnostic { hint: hint.map(str::to_owned), ..said }.said_at(told.place(key))
}

/// How often the function may be called; what is wrong with that is left out.
fn traffic_rules(config: &FunctionConfig, told: &Told, said: &mut Vec<Diagnostic>) -> Option<TrafficRules> {
    match TrafficRules::read(config.rate_limit.as_ref()?) {
        Ok(rules) => Some(rules),
        Err((key, message)) => {
            let key = format!("rateLimit.{key}");
            let message = format!("`{key}` {message}: the rate limit is ignored");
            let warning = Diagnostic::warning(Code::Configuration, message);
            let any =
                || told.iter().find(|(key, _)| key.starts_with("rateLimit.")).and_then(|(key, _)| told.place(key));
            said.push(warning.said_at(told.place(&key).or_else(any)));
            None
        }
    }
}

/// Two functions of one address: the platform calls one of them. A final slash makes no difference, and
/// who says no method means all.
pub(super) fn clashing_routes(functions: &[Function]) -> Vec<Diagnostic> {
    let mut known: BTreeMap<&str, Vec<(&Function, &Route)>> = BTreeMap::new();
    let mut said = Vec::new();
    for function in functions {
        for route in &function.routes {
            let address = route.pattern.trim_end_matches('/');
            let others = known.entry(address).or_default();
            let other =
                others.iter().find(|(other, theirs)| other.name != function.name && theirs.shares_method(route));
            if let Some((other, _)) = other {
                let message = format!(
                    "`{}` and `{}` have the same path, `{}`: one of them is called there, the other is not",
                    other.name, function.name, route.pattern
                );
                let at = function.told.place("path");
                let diagnostic = Diagnostic::warning(Code::Configuration, message).at(&function.main_file).said_at(at);
                said.push(diagnostic.of(function.name.as_str()));
            }
            others.push((function, route));
        }
    }
    said
}
