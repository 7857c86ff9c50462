//! What happens while functions are served. In: what the server tells. Out: lines for people on stderr, or of JSON on
//! stdout.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::cli::report::people::People;
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

impl Log for Shown {
    fn tell(&self, said: &Said<'_>) {
        if self.json {
            let mut out = io::stdout().lock();
            // Whoever reads our output has seen enough.
            let _ = serde_json::to_writer(&mut out, said).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
            let _ = out.flush();
            return;
        }
        let text = in_words(said);
        let _ = match said {
            Said::Failed { .. } | Said::Printed { .. } => self.people.print(&text),
            Said::Answered { .. } | Said::Background { .. } => self.people.say(text.trim_end()),
        };
    }
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
