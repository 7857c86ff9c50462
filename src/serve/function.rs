//! A function that is served. In: an archive with its row of the manifest, or why there is none. Out: its addresses, and
//! its answers.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use croner::Cron;
use regress::Regex;

use super::pool::Pool;
use super::reply::{Answered, Fault, Invocation};
use super::{Making, schedule};
use crate::built::{Listed, entry, open};
use crate::function::route::Route;
use crate::function::{FunctionName, InvocationMode};
use crate::lambda::{Machine, unpack};
use crate::manifest::Row;
use crate::process::Workshop;

/// What the platform calls it for.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Request,
    Background,
    Schedule(Box<Cron>),
}

/// A function.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Version 2 of the platform's API.
    pub(super) is_second: bool,
    routes: Vec<Address>,
    excluded: Vec<Address>,
    state: State,
    /// What it was made of; the same is not made again.
    made_of: MadeOf,
    was_called: AtomicBool,
}

/// An archive by its hash, and its row; or why there is none.
#[derive(PartialEq)]
pub(super) enum MadeOf {
    Archive(String, Option<Box<Row>>),
    Nothing(String),
}

enum State {
    Ready(Pool),
    Broken(String),
}

/// An address with its pattern, ready to be matched.
struct Address {
    route: Route,
    expression: Option<Regex>,
}

impl Address {
    fn of(route: &Route) -> Self {
        let expression = route.expression.as_deref().and_then(|expression| Regex::new(expression).ok());
        Self { route: route.clone(), expression }
    }

    /// The platform's router knows no case, and no slash at the end.
    fn fits(&self, path: &str) -> bool {
        match (&self.route.literal, &self.expression) {
            (Some(literal), _) => literal == path,
            (None, Some(expression)) => expression.find(path).is_some(),
            (None, None) => false,
        }
    }

    fn takes(&self, method: &str) -> bool {
        let methods = self.route.methods.as_deref().unwrap_or_default();
        methods.is_empty() || methods.iter().any(|known| known == method)
    }
}

impl Function {
    /// Out of its archive. What does not work is told to whoever calls it.
    pub(super) fn of(listed: &Listed, made_of: MadeOf, making: &Making<'_>) -> Self {
        let (state, api) = match ready(listed, making) {
            Ok((pool, api)) => (State::Ready(pool), api),
            Err(why) => (State::Broken(why), 1),
        };
        let row = listed.row.clone();
        let name = FunctionName::of(&listed.name);
        let of_row = |mode: InvocationMode| row.as_ref().is_some_and(|row| row.invocation_mode == Some(mode));
        let schedule = row.as_ref().and_then(|row| schedule::parse(row.schedule.as_deref()?));
        let kind = match schedule {
            _ if of_row(InvocationMode::Background) || name.is_background() => Kind::Background,
            Some(cron) => Kind::Schedule(Box::new(cron)),
            None => Kind::Request,
        };
        let addresses = |routes: Option<&Vec<Route>>| routes.into_iter().flatten().map(Address::of).collect();
        Self {
            name: listed.name.clone(),
            kind,
            is_second: api == 2,
            routes: addresses(row.as_ref().map(|row| &row.routes)),
            excluded: addresses(row.as_ref().map(|row| &row.excluded_routes)),
            state,
            made_of,
            was_called: AtomicBool::default(),
        }
    }

    /// One that was not built.
    pub(super) fn broken(name: String, why: String) -> Self {
        Self {
            name,
            kind: Kind::Request,
            is_second: false,
            routes: Vec::new(),
            excluded: Vec::new(),
            state: State::Broken(why.clone()),
            made_of: MadeOf::Nothing(why),
            was_called: AtomicBool::default(),
        }
    }

    pub(super) fn is_made_of(&self, made_of: &MadeOf) -> bool {
        self.made_of == *made_of
    }

    pub(super) fn has_routes(&self) -> bool {
        !self.routes.is_empty()
    }

    /// The pattern that leads here, and whether a file of that name comes first.
    pub(super) fn route(&self, method: &str, path: &str) -> Option<(&str, bool)> {
        let address = self.routes.iter().find(|address| address.takes(method) && address.fits(path))?;
        let is_excluded = self.excluded.iter().any(|address| address.fits(path));
        (!is_excluded).then_some((address.route.pattern.as_str(), address.route.prefer_static))
    }

    /// Where it is, for people.
    pub(super) fn addresses(&self) -> Vec<String> {
        if self.routes.is_empty() {
            return vec![format!("/.netlify/functions/{}", self.name)];
        }
        self.routes.iter().map(|address| address.route.pattern.clone()).collect()
    }

    /// Why it cannot be called.
    pub(super) fn why_broken(&self) -> Option<&str> {
        match &self.state {
            State::Broken(why) => Some(why),
            State::Ready(_) => None,
        }
    }

    pub(super) async fn invoke(&self, invocation: Invocation) -> Answered {
        self.was_called.store(true, Relaxed);
        match &self.state {
            State::Ready(pool) => pool.invoke(invocation).await,
            State::Broken(why) => Answered { what: Err(Fault::NotStarted(why.clone())), cold: false },
        }
    }

    pub(super) fn was_called(&self) -> bool {
        self.was_called.load(Relaxed)
    }

    pub(super) fn warm_up(&self) {
        self.was_called.store(true, Relaxed);
        if let State::Ready(pool) = &self.state {
            pool.warm_up();
        }
    }

    pub(super) fn processes(&self) -> usize {
        match &self.state {
            State::Ready(pool) => pool.processes(),
            State::Broken(_) => 0,
        }
    }
}

/// Unpacks it, outside the site: what it does not bring along is not there.
fn ready(listed: &Listed, making: &Making<'_>) -> Result<(Pool, u8), String> {
    let opened = open(listed, making.store).map_err(|error| error.to_string())?;
    let fault = opened.faults.first().map(|fault| match &fault.entry {
        Some(entry) => format!("`{entry}` {}", fault.what),
        None => fault.what.to_string(),
    });
    let nothing =
        || fault.unwrap_or_else(|| "there is nothing in the archive that the platform would start".to_owned());
    let entry = entry(listed, &opened.files).ok_or_else(nothing)?;
    let api = if let crate::built::Entry::Module { api, .. } = &entry { *api } else { 1 };
    let node = listed.node().map_or(making.machine.node.1, |node| node.major);
    let refused = |error: std::io::Error| format!("cannot be unpacked: {error}");
    let workshop = Workshop::new().map_err(refused)?;
    let root = workshop.path().child("task");
    let function = unpack(listed, &opened.files, &entry, node, root).map_err(refused)?;
    let options = &making.server.options;
    let memory = listed.row.as_ref().and_then(|row| row.memory).unwrap_or(options.memory);
    let machine = Machine { memory, ..making.machine.clone() };
    let limits = (options.processes, options.time);
    Ok((Pool::new(function, workshop, machine, making.server.log.clone(), limits), api))
}
