//! The progress bar. In: events from many threads. Out: one line on a terminal, gone when the work
//! is done. Never shown anywhere else.

use indicatif::{ProgressBar, ProgressStyle};

use crate::function::FunctionName;
use crate::pipeline::Progress;

/// A bar, or nothing.
pub(in crate::cli) struct Bar(ProgressBar);

impl Bar {
    /// A bar if `shown`.
    pub(in crate::cli) fn new(shown: bool) -> Self {
        let bar = if shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Takes the bar away.
    pub(in crate::cli) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&self, functions: usize) {
        self.0.set_length(functions as u64);
    }

    fn done(&self, name: &FunctionName) {
        self.0.set_message(name.to_string());
        self.0.inc(1);
    }
}
