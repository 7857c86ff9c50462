//! What the fuzzer has found worth keeping, played again.

#[path = "../../fuzz/targets.rs"]
mod targets;

use crate::support::repository;

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = repository().join(format!("fuzz/corpus/{target}"));
    let inputs: Vec<Vec<u8>> =
        std::fs::read_dir(&*corpus).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() > 50, "the corpus is there");
    // Syntax trees are deep, as on the threads of the command line.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(move || inputs.iter().for_each(|input| run(input))).unwrap().join().unwrap();
}

#[test]
fn main_files() {
    replay("main_file", targets::main_file);
}

#[test]
fn netlify_toml() {
    replay("netlify_toml", targets::netlify_toml);
}
