//! `fnzip serve`. In: the call of a server. Out: answers of what is built, and what happens, line by line, until somebody
//! ends it. Builds are made by a process that ends with each: what serves stays small.

mod environment;
mod made;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use self::environment::{machine, node, of_caller, other_node};
use self::made::Made;
use self::shown::Shown;
use super::args::Serve;
use super::report::people::{Difference, People};
use super::watching::{Changes, relative};
use super::{Failure, SUCCESS, signals, working_directory};
use crate::built::Listed;
use crate::diagnostic::Diagnostic;
use crate::fs::Disk;
use crate::path::AbsPath;
use crate::process;
use crate::serve::{Options, Server};
use crate::store::Store;

/// Serves until somebody ends it.
pub(super) fn run(args: &Serve, people: &People) -> Result<u8, Failure> {
    signals::end_with_what_was_started()?;
    if args.only_build {
        return made::tell(args, people);
    }
    let cwd = working_directory()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(listen(args))?;
    let address = listener.local_addr()?;
    let publish = args.publish.as_ref().map(|directory| AbsPath::resolve(&cwd, directory));
    if let Some(missing) = publish.as_ref().filter(|directory| !directory.is_dir()) {
        return Err(Failure::Call(format!("--publish {missing}: there is no such directory")));
    }
    let building = std::thread::spawn({
        let cwd = cwd.clone();
        move || made::make_first(&cwd)
    });
    let node = node(args.node.as_deref(), &cwd, people).inspect_err(|_| process::end_all())?;
    let major = node.1;
    let options = Options {
        host: args.host,
        node,
        memory: args.memory,
        processes: usize::from(args.max_processes),
        time: Duration::from_secs_f64(args.timeout),
        background_time: Duration::from_secs_f64(args.background_timeout),
        retry_scale: args.retry_scale,
        runs_schedules: args.run_schedules,
        publish,
    };
    let shown = Arc::new(Shown::new(people, args.site.json));
    let server = Server::new(options, of_caller(), shown.clone());
    runtime.block_on(server.prepare());
    let broken = |_| Failure::Call("the build has ended before its time".to_owned());
    let made = building.join().map_err(broken)??;
    people.diagnostics(&made.said.iter().collect::<Vec<_>>(), &cwd)?;
    let url = format!("http://{address}");
    let entered = runtime.enter();
    let functions = made.functions(&store());
    server.replace(&functions, &made.failed, machine(&made, &url));
    drop(entered);
    if let Some(remark) = other_node(&functions, major) {
        people.warn(&remark)?;
    }
    shown.ready(&server.addresses(), &url)?;
    let handle = runtime.handle().clone();
    let rebuilding = Rebuilding { server: server.clone(), handle, made, functions, cwd, url, shown };
    let changes = Changes::begin(&rebuilding.cwd)?;
    let people = people.clone();
    std::thread::spawn(move || {
        if let Err(failure) = rebuilding.run(changes, &people) {
            // The server goes on with what it has.
            let _ = people.error(&failure.to_string());
        }
    });
    runtime.block_on(server.run(listener))?;
    Ok(SUCCESS)
}

fn store() -> Store {
    Store::new(Disk)
}

async fn listen(args: &Serve) -> Result<TcpListener, Failure> {
    let refused = |error: std::io::Error| {
        Failure::Call(format!("{}:{}: {error}; --port names another, 0 any that is free", args.host, args.port))
    };
    TcpListener::bind((args.host, args.port)).await.map_err(refused)
}

/// What follows the changes of a site.
struct Rebuilding {
    server: Arc<Server>,
    handle: tokio::runtime::Handle,
    made: Made,
    functions: Vec<(Listed, String)>,
    cwd: PathBuf,
    url: String,
    shown: Arc<Shown>,
}

impl Rebuilding {
    fn run(mut self, mut changes: Changes, people: &People) -> Result<(), Failure> {
        let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
        // Why there was no build the last time.
        let mut refused: Option<String> = None;
        let _entered = self.handle.clone().enter();
        // What has changed before it was watched is seen by building once more.
        let mut is_new = changes.watch(self.made.directories.clone(), people)?;
        loop {
            if !is_new {
                let more = changes.wait(|path| self.made.concerns(path));
                changed.extend(more);
            }
            match made::make(&self.cwd) {
                Ok(now) => {
                    self.take(now, &changed, refused.take().is_some(), people)?;
                    is_new = changes.watch(self.made.directories.clone(), people)?;
                }
                Err(why) => {
                    // What was told will be mended; until then the functions are those of before.
                    if refused.as_ref() != Some(&why) {
                        people.print(&why)?;
                    }
                    refused = Some(why);
                    is_new = false;
                }
            }
            changed.clear();
            if is_new {
                // What came with it is seen by the next build.
                changed.extend(changes.so_far(|path| self.made.concerns(path)));
            }
        }
    }

    /// Serves what was made, and says so, if it is anything else than before.
    fn take(
        &mut self,
        now: Made,
        changed: &BTreeSet<PathBuf>,
        was_refused: bool,
        people: &People,
    ) -> Result<(), Failure> {
        let functions = now.functions(&store());
        // Of what goes wrong as before nothing is said: it may be the log itself that has changed.
        let is_other = functions != self.functions || now.is_other_than(&self.made);
        if is_other {
            let new: Vec<&Diagnostic> = now.said.iter().filter(|said| !self.made.said.contains(said)).collect();
            people.diagnostics(&new, &self.cwd)?;
            self.server.replace(&functions, &now.failed, machine(&now, &self.url));
        }
        if is_other || was_refused {
            let made = Difference::of(&self.made.archives, &now.archives);
            self.shown.rebuilt(&made, &relative(changed, &self.cwd), now.took())?;
        }
        (self.made, self.functions) = (now, functions);
        Ok(())
    }
}

impl Made {
    /// Is there something else to serve, or has something else failed?
    fn is_other_than(&self, before: &Self) -> bool {
        self.archives != before.archives || self.failed != before.failed || self.environment != before.environment
    }

    /// May what is served depend on it?
    fn concerns(&self, path: &Path) -> bool {
        self.ground.concerns(path, |path| self.elsewhere.contains(path))
    }
}
