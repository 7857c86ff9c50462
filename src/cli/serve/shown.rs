//! What happens while functions are served. In: what the server tells. Out: lines for people on stderr, or of JSON on
//! stdout.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::report::people::{Difference, People};
use crate::serve::{Log, Said, Start};

const DIM: Style = Style::new().dimmed();
const NAME: Style = AnsiColor::Cyan.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();

/// Shows it.
pub(super) struct Shown {
    people: People,
    json: bool,
}

impl Shown {
    pub(super) fn new(people: &People, json: bool) -> Self {
        Self { people: people.clone(), json }
    }
}

/// What the server does not tell itself.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Told<'a> {
    /// It answers now.
    Listening { url: &'a str, functions: Vec<Listed<'a>> },
    /// It serves something else.
    Built {
        #[serde(flatten)]
        made: &'a Difference<'a>,
        /// The files that were the reason.
        changed: &'a [String],
        /// In seconds.
        time: f64,
    },
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    addresses: &'a [String],
}

impl Shown {
    /// What is served, and where.
    pub(super) fn ready(&self, addresses: &[(String, Vec<String>)], url: &str) -> io::Result<()> {
        if self.json {
            let functions = addresses.iter().map(|(name, addresses)| Listed { name, addresses }).collect();
            write(&Told::Listening { url, functions });
        }
        let width = addresses.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, addresses) in addresses {
            self.people.say(&format!("  {name:width$}  {}", addresses.join("  ")))?;
        }
        let count = match addresses.len() {
            0 => "no functions yet".to_owned(),
            1 => "1 function".to_owned(),
            count => format!("{count} functions"),
        };
        self.people.say(&format!("serving {count} at {url}, listed at {url}/.netlify/functions"))
    }

    /// What has become something else.
    pub(super) fn rebuilt(&self, made: &Difference<'_>, changed: &[String], took: Duration) -> io::Result<()> {
        if self.json {
            write(&Told::Built { made, changed, time: took.as_secs_f64() });
        }
        self.people.rebuilt(made, changed, took)
    }
}

impl Log for Shown {
    fn tell(&self, said: &Said<'_>) {
        if self.json {
            return write(said);
        }
        let text = in_words(said);
        let _ = match said {
            Said::Failed { .. } | Said::Printed { error: true, .. } => self.people.print(&text),
            Said::Answered { .. } | Said::Background { .. } | Said::Printed { error: false, .. } => {
                self.people.say(text.trim_end_matches('\n'))
            }
        };
    }
}

/// A line on stdout.
fn write(told: &impl Serialize) {
    let mut out = io::stdout().lock();
    // Whoever reads our output has seen enough.
    let _ = serde_json::to_writer(&mut out, told).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
    let _ = out.flush();
}

fn in_words(said: &Said<'_>) -> String {
    match said {
        Said::Answered { method, path, function, status, time, start } => {
            let colour = match status {
                500.. => BAD,
                400.. => ODD,
                _ => GOOD,
            };
            let start = match start {
                Start::Cold => ", cold",
                Start::Warm | Start::None => "",
            };
            let who = if function.is_empty() { String::new() } else { format!(" {NAME}{function}{NAME:#}") };
            format!("{method} {path}{who} {colour}{status}{colour:#} {DIM}{}{start}{DIM:#}\n", milliseconds(*time))
        }
        Said::Printed { function, line, .. } => format!("{NAME}[{function}]{NAME:#} {line}\n"),
        Said::Failed { function, message, stack } => {
            let stack = stack.map(|stack| stack.strip_prefix(message).unwrap_or(stack).trim_matches('\n'));
            let stack = stack.filter(|stack| !stack.is_empty()).map(|stack| format!("{DIM}{stack}{DIM:#}\n"));
            format!("{NAME}[{function}]{NAME:#} {BAD}{message}{BAD:#}\n{}", stack.unwrap_or_default())
        }
        Said::Background { function, job, attempt, state, again } => {
            let attempt = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            let again = again.map(|seconds| format!(", again in {seconds} s")).unwrap_or_default();
            format!("{NAME}[{function}]{NAME:#} {DIM}job {job}{attempt}: {state}{again}{DIM:#}\n")
        }
    }
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}
