//! A function that is served. In: an archive with its row of the manifest, or why there is none. Out: its addresses, and
//! its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use croner::Cron;
use regress::Regex;
use tokio::sync::OnceCell;

use super::pool::{Pool, Setting};
use super::reply::{Answered, Fault, Invocation};
use super::{Making, Options, schedule};
use crate::archive::Earlier;
use crate::built::{Listed, entry, open};
use crate::fs::Disk;
use crate::fs::archived::Entry;
use crate::function::route::Route;
use crate::function::{FunctionName, InvocationMode};
use crate::lambda::{Machine, unpack};
use crate::manifest::Row;
use crate::process::Workshop;
use crate::store::Store;

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
    /// Unpacked, once somebody has called it.
    ready: OnceCell<Ready>,
    /// Why it could not be, the last time.
    refused: Mutex<Option<String>>,
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
    Built(Arc<Recipe>),
    Broken(String),
}

/// What a function is made ready of.
struct Recipe {
    listed: Listed,
    setting: Setting,
    /// What it was before its last change.
    earlier: Mutex<Option<Arc<Function>>>,
}

/// A function that can be called.
struct Ready {
    pool: Pool,
    entries: BTreeMap<String, Entry>,
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
    pub(super) fn of(listed: &Listed, made_of: MadeOf, earlier: Option<&Arc<Self>>, making: &Making<'_>) -> Self {
        let Options { memory, processes: most, time, .. } = making.server.options;
        let memory = listed.row.as_ref().and_then(|row| row.memory).unwrap_or(memory);
        let setting = Setting {
            machine: Machine { memory, ..making.machine.clone() },
            standby: making.server.standby.clone(),
            log: making.server.log.clone(),
            most,
            time,
        };
        let earlier = Mutex::new(earlier.and_then(Self::unpacked));
        let recipe = Recipe { listed: listed.clone(), setting, earlier };
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
            is_second: row
                .as_ref()
                .is_some_and(|row| row.build_data.as_ref().is_some_and(|data| data.runtime_api_version == Some(2))),
            routes: addresses(row.as_ref().map(|row| &row.routes)),
            excluded: addresses(row.as_ref().map(|row| &row.excluded_routes)),
            state: State::Built(Arc::new(recipe)),
            ready: OnceCell::new(),
            refused: Mutex::default(),
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
            ready: OnceCell::new(),
            refused: Mutex::default(),
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

    /// What is told of them besides, for people: methods, a schedule, what is left out.
    pub(super) fn remarks(&self) -> Vec<String> {
        let methods: BTreeSet<&str> =
            self.routes.iter().flat_map(|address| address.route.methods.iter().flatten()).map(String::as_str).collect();
        let methods = Some(methods.into_iter().collect::<Vec<_>>().join(", ")).filter(|methods| !methods.is_empty());
        let schedule = match &self.kind {
            Kind::Schedule(cron) => Some(cron.pattern.to_string()),
            Kind::Request | Kind::Background => None,
        };
        let excluded = self.excluded.iter().map(|address| format!("not {}", address.route.pattern));
        methods.into_iter().chain(excluded).chain(schedule).collect()
    }

    /// Why it cannot be called.
    pub(super) fn why_broken(&self) -> Option<String> {
        match &self.state {
            State::Broken(why) => Some(why.clone()),
            State::Built(_) => self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Itself, or what it was, if that has been unpacked.
    fn unpacked(function: &Arc<Self>) -> Option<Arc<Self>> {
        if function.ready.initialized() {
            return Some(function.clone());
        }
        let State::Built(recipe) = &function.state else { return None };
        recipe.earlier.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn pool(&self) -> Result<&Pool, String> {
        let recipe = match &self.state {
            State::Built(recipe) => recipe,
            State::Broken(why) => return Err(why.clone()),
        };
        let make = || {
            let recipe = recipe.clone();
            async {
                let made = tokio::task::spawn_blocking(move || recipe.make()).await;
                made.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        let ready = self.ready.get_or_try_init(make).await;
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = ready.as_ref().err().cloned();
        ready.map(|ready| &ready.pool)
    }

    pub(super) async fn invoke(&self, invocation: Invocation) -> Answered {
        self.was_called.store(true, Relaxed);
        match self.pool().await {
            Ok(pool) => pool.invoke(invocation).await,
            Err(why) => Answered { what: Err(Fault::NotStarted(why)), cold: false },
        }
    }

    pub(super) fn was_called(&self) -> bool {
        self.was_called.load(Relaxed)
    }

    /// Has a process ready for whoever calls it next.
    pub(super) async fn warm_up(self: Arc<Self>) {
        self.was_called.store(true, Relaxed);
        if let Ok(pool) = self.pool().await {
            pool.warm_up();
        }
    }

    pub(super) fn processes(&self) -> usize {
        self.ready.get().map_or(0, |ready| ready.pool.processes())
    }
}

impl Recipe {
    /// Unpacks it, outside the site: what it does not bring along is not there.
    fn make(&self) -> Result<Ready, String> {
        let Self { listed, setting, earlier } = self;
        let opened = open(listed, &Store::new(Disk)).map_err(|error| error.to_string())?;
        let fault = opened.faults.first().map(|fault| match &fault.entry {
            Some(entry) => format!("`{entry}` {}", fault.what),
            None => fault.what.to_string(),
        });
        let nothing =
            || fault.unwrap_or_else(|| "there is nothing in the archive that the platform would start".to_owned());
        let entry = entry(listed, &opened.files).ok_or_else(nothing)?;
        let node = listed.node().map_or(setting.machine.node.1, |node| node.major);
        let refused = |error: std::io::Error| format!("cannot be unpacked: {error}");
        let workshop = Workshop::new().map_err(refused)?;
        let root = workshop.path().child("task");
        let before = earlier.lock().unwrap_or_else(PoisonError::into_inner).take();
        let before = before.as_ref().and_then(|before| before.ready.get());
        let before = before.map(|before| Earlier { root: before.pool.root(), entries: &before.entries });
        let function = unpack(listed, &opened.files, &entry, node, root, before.as_ref()).map_err(refused)?;
        let entries = opened.files.entries().clone();
        Ok(Ready { pool: Pool::new(function, workshop, setting), entries })
    }
}
