//! How a target is run: as the command line runs its work.

use std::sync::OnceLock;

/// A panic inside swc's parser is caught, and told as a syntax error: it is none of ours.
pub fn prepare() {
    let fuzzer = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !fnzip::js::parse::is_parsing() {
            fuzzer(panic);
        }
    }));
}

/// Syntax trees are deep: on a thread with room for them.
pub fn run(work: impl FnOnce() + Send) {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(256 << 20).build();
        pool.expect("a thread can be started")
    });
    pool.install(work);
}
