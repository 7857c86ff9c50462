//! How a target is run: as the command line runs its work.

/// A panic inside swc's parser is caught, and told as a syntax error: it is none of ours.
pub(crate) fn prepare() {
    let fuzzer = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !fnzip::js::parse::is_parsing() {
            fuzzer(panic);
        }
    }));
}

/// Syntax trees are deep: on a thread with room for them. Each caller has one, so that one that hangs
/// holds up no other.
pub(crate) fn run(work: impl FnOnce() + Send) {
    thread_local!(static POOL: rayon::ThreadPool = pool());
    POOL.with(|pool| pool.install(work));
}

fn pool() -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(256 << 20).build();
    pool.expect("a thread can be started")
}
