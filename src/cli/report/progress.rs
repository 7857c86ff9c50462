//! The progress bar. In: events from many threads. Out: one line on a terminal, gone when the work
//! is done. Never shown anywhere else.

use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::function::FunctionName;
use crate::pipeline::Progress;

/// A bar, or nothing.
pub(in crate::cli) struct Bar {
    bar: ProgressBar,
    read: AtomicUsize,
}

impl Bar {
    /// A bar if `shown`.
    pub(in crate::cli) fn new(shown: bool) -> Self {
        let bar = if shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}");
        Self { bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())), read: AtomicUsize::new(0) }
    }

    /// Takes the bar away.
    pub(in crate::cli) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&self, functions: usize) {
        self.bar.set_length(functions as u64);
    }

    fn read(&self) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.set_message(format!("{read} modules read"));
    }

    fn done(&self, name: &FunctionName) {
        self.bar.set_message(name.to_string());
        self.bar.inc(1);
    }
}
