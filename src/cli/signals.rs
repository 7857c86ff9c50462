//! Whoever ends a build, at the terminal or by a signal, ends the compilers that it has started. The exit
//! status is that of a program that the signal has ended.

use super::Failure;
use crate::process;

#[cfg(unix)]
#[expect(clippy::exit, reason = "the status is that of a program that a signal has ended")]
pub(super) fn end_with_what_was_started() -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut wanted = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        wanted.push(SIGHUP);
    }
    let mut signals =
        Signals::new(wanted).map_err(|error| Failure::Call(format!("signals cannot be caught: {error}")))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            process::end_all();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Has the caller said that this signal is to be overlooked, as `nohup` does? Only Linux tells; elsewhere
/// who has no terminal cannot lose it.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    use std::io::IsTerminal;
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal();
    };
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
#[expect(clippy::exit, reason = "the status is that of a program that ctrl-C has ended")]
pub(super) fn end_with_what_was_started() -> Result<(), Failure> {
    let end = || {
        process::end_all();
        std::process::exit(130);
    };
    ctrlc::set_handler(end).map_err(|error| Failure::Call(format!("signals cannot be caught: {error}")))
}
