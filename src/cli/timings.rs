//! Where the time of a run went. In: the spans that the stages open, of whatever thread. Out: a table for people, and
//! a file that Chrome's tracing page, or Perfetto, shows. Costs next to nothing where nobody asks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What a run did, as it is recorded.
pub(super) struct Timings(Arc<Recorder>);

struct Recorder {
    start: Instant,
    done: Mutex<Vec<Done>>,
    hits: AtomicUsize,
    misses: AtomicUsize,
    threads: AtomicU32,
}

/// A span that has ended.
struct Done {
    stage: &'static str,
    what: String,
    thread: u32,
    start: Duration,
    time: Duration,
    /// Without the spans within.
    own: Duration,
}

/// What one stage took.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) times: usize,
    /// Of all threads, without the stages within.
    pub(super) time: Duration,
}

/// A thread that only waits for another works on nothing.
const WAITING: &str = "wait";

thread_local! {
    /// The spans that this thread is in: when it came in, and what those within took.
    static OPEN: RefCell<Vec<(Instant, Duration)>> = const { RefCell::new(Vec::new()) };
    static THREAD: Cell<Option<u32>> = const { Cell::new(None) };
}

impl Timings {
    /// Records from here on, to the end of the program.
    pub(super) fn begin() -> Self {
        let recorder = Arc::new(Recorder {
            start: Instant::now(),
            done: Mutex::default(),
            hits: AtomicUsize::new(0),
            misses: AtomicUsize::new(0),
            threads: AtomicU32::new(0),
        });
        let subscriber = tracing_subscriber::registry().with(Recording(recorder.clone()));
        let _ = tracing::subscriber::set_global_default(subscriber); // A program has one run.
        Self(recorder)
    }

    /// What each stage took.
    pub(super) fn stages(&self) -> BTreeMap<&'static str, Stage> {
        let mut stages: BTreeMap<&str, Stage> = BTreeMap::new();
        for done in &*self.0.done() {
            if done.stage != WAITING {
                let stage = stages.entry(done.stage).or_default();
                stage.times += 1;
                stage.time += done.own;
            }
        }
        stages
    }

    /// How often something was remembered, and how often it was not.
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.0.hits.load(Ordering::Relaxed), self.0.misses.load(Ordering::Relaxed))
    }

    /// Writes every span in the Trace Event Format.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let event = |done: &Done| -> Value {
            json!({
                "name": done.stage, "cat": "fnzip", "ph": "X", "pid": 1, "tid": done.thread,
                "ts": microseconds(done.start), "dur": microseconds(done.time), "args": { "of": done.what },
            })
        };
        let mut done = self.0.done();
        done.sort_by_key(|done| (done.thread, done.start));
        let events: Vec<Value> = done.iter().map(event).collect();
        std::fs::write(path, serde_json::to_vec(&json!({ "traceEvents": events, "displayTimeUnit": "ms" }))?)
    }
}

impl Recorder {
    fn done(&self) -> std::sync::MutexGuard<'_, Vec<Done>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn thread(&self) -> u32 {
        THREAD.get().unwrap_or_else(|| {
            let thread = self.threads.fetch_add(1, Ordering::Relaxed);
            THREAD.set(Some(thread));
            thread
        })
    }
}

/// The part that is told of spans.
struct Recording(Arc<Recorder>);

/// What a span is about.
struct What(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recording {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        // The bundler and the resolver have spans of their own.
        let is_ours = metadata.target().starts_with("fnzip");
        if is_ours { tracing::subscriber::Interest::always() } else { tracing::subscriber::Interest::never() }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut what = What(String::new());
        attributes.record(&mut what);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(what);
        }
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        OPEN.with_borrow_mut(|open| open.push((Instant::now(), Duration::ZERO)));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some((start, within)) = OPEN.with_borrow_mut(Vec::pop) else { return };
        let time = start.elapsed();
        OPEN.with_borrow_mut(|open| {
            if let Some((_, within)) = open.last_mut() {
                *within += time;
            }
        });
        let Some(span) = context.span(id) else { return };
        let what = span.extensions().get::<What>().map(|what| what.0.clone()).unwrap_or_default();
        let (thread, start) = (self.0.thread(), start.duration_since(self.0.start));
        let own = time.saturating_sub(within);
        self.0.done().push(Done { stage: span.name(), what, thread, start, time, own });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Answer(&self.0));
    }
}

impl Visit for What {
    fn record_str(&mut self, _: &Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0 = format!("{value:?}");
    }
}

/// Was something remembered?
struct Answer<'a>(&'a Recorder);

impl Visit for Answer<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "remembered" {
            let count = if value { &self.0.hits } else { &self.0.misses };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
