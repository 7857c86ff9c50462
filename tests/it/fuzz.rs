//! What the fuzzer has found worth keeping, played again as the fuzzer plays it. Nothing may panic, nor
//! take long.

#[path = "../../fuzz/run.rs"]
mod run;
#[path = "../../fuzz/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::support::repository;

/// For one input, in a debug build on a busy machine; most take milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

fn replay(target: &str, least: usize, play: fn(&[u8])) {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(run::prepare);
    let inputs = inputs(target);
    assert!(inputs.len() >= least, "{target} has a corpus");
    let (done, progress) = channel();
    let playing = inputs.clone();
    // Not joined if it hangs: the test fails all the same, and the process ends with it.
    let player = std::thread::spawn(move || play_all(&playing, play, &done));
    for input in &inputs {
        match progress.recv_timeout(LIMIT) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("{} takes longer than {LIMIT:?}", input.display()),
            Err(RecvTimeoutError::Disconnected) => {
                let panic = player.join().expect_err("it ends before its inputs only by a panic");
                eprintln!("{} panics", input.display());
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let corpus = std::fs::read_dir(repository().join("fuzz/corpus").join(target)).unwrap();
    let mut inputs: Vec<PathBuf> = corpus.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

/// Says `done` after each.
fn play_all(inputs: &[impl AsRef<Path>], play: fn(&[u8]), done: &Sender<()>) {
    for input in inputs {
        let input = std::fs::read(input).unwrap();
        run::run(|| play(&input));
        // Nobody listens once the test has failed.
        let _ = done.send(());
    }
}

#[test]
fn main_files() {
    replay("main_file", 100, targets::main_file);
}

#[test]
fn netlify_toml() {
    replay("netlify_toml", 100, targets::netlify_toml);
}

#[test]
fn scans() {
    replay("scan", 30, targets::scan);
}

#[test]
fn archives() {
    replay("archive", 30, targets::archive);
}
