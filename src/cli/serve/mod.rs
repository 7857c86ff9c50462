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

use self::environment::{machine, node, of_caller};
use self::made::Made;
use self::shown::Shown;
use super::args::Serve;
use super::report::people::People;
use super::watching::{Changes, relative};
use super::{Failure, SUCCESS, signals, working_directory};
use crate::fs::Disk;
use crate::path::AbsPath;
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
    let building = std::thread::spawn({
        let cwd = cwd.clone();
        move || made::make(&cwd, true)
    });
    let (node, remark) = node(args.node.as_deref(), &cwd);
    if let Some(remark) = remark {
        people.warn(&remark)?;
    }
    let publish = args.publish.as_ref().map(|directory| AbsPath::resolve(&cwd, directory));
    if let Some(missing) = publish.as_ref().filter(|directory| !directory.is_dir()) {
        return Err(Failure::Call(format!("--publish {missing}: there is no such directory")));
    }
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
    let server = Server::new(options, of_caller(), Arc::new(Shown::new(people, args.site.json)));
    runtime.block_on(server.prepare());
    let broken = |_| Failure::Call("the build has ended before its time".to_owned());
    let (made, _) = building.join().map_err(broken)??;
    let url = format!("http://{address}");
    let entered = runtime.enter();
    server.replace(&made.places, &made.failed, machine(&made, &url), &store());
    drop(entered);
    listed(&server, &url, people)?;
    let rebuilding = Rebuilding { server: server.clone(), handle: runtime.handle().clone(), made, cwd, url };
    let changes = Changes::begin(&rebuilding.cwd)?;
    let quiet = people.clone();
    std::thread::spawn(move || {
        if let Err(failure) = rebuilding.run(changes, &quiet) {
            // The server goes on with what it has.
            let _ = quiet.error(&failure.to_string());
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

/// What is served, and where.
fn listed(server: &Server, url: &str, people: &People) -> Result<(), Failure> {
    let addresses = server.addresses();
    let width = addresses.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, addresses) in &addresses {
        people.say(&format!("  {name:width$}  {}", addresses.join("  ")))?;
    }
    let count = match addresses.len() {
        0 => "no functions yet".to_owned(),
        1 => "1 function".to_owned(),
        count => format!("{count} functions"),
    };
    Ok(people.say(&format!("serving {count} at {url}, listed at {url}/.netlify/functions"))?)
}

/// What follows the changes of a site.
struct Rebuilding {
    server: Arc<Server>,
    handle: tokio::runtime::Handle,
    made: Made,
    cwd: PathBuf,
    url: String,
}

impl Rebuilding {
    fn run(mut self, mut changes: Changes, people: &People) -> Result<(), Failure> {
        let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
        let mut before = None;
        let _entered = self.handle.clone().enter();
        // What has changed before it was watched is seen by building once more.
        let mut is_new = changes.watch(self.made.directories.clone(), people)?;
        loop {
            if !is_new {
                let more = changes.wait(|path| self.made.concerns(path));
                changed.extend(more);
            }
            let (now, said) = match made::make(&self.cwd, false) {
                Ok(made) => made,
                Err(failure) => {
                    // What was told will be mended; until then the functions are those of before.
                    if !changed.is_empty() {
                        people.error(&failure.to_string())?;
                    }
                    changed.clear();
                    is_new = false;
                    continue;
                }
            };
            // Of what goes wrong as before nothing is said: it may be the log itself that has changed.
            if now.is_other_than(&self.made) {
                if before.as_ref().is_some_and(|before| *before != said) {
                    people.print(&said)?;
                }
                self.server.replace(&now.places, &now.failed, machine(&now, &self.url), &store());
                people.rebuilt(&self.made.archives, &now.archives, &relative(&changed, &self.cwd), now.took())?;
            }
            before = Some(said);
            self.made = now;
            changed.clear();
            is_new = changes.watch(self.made.directories.clone(), people)?;
            if is_new {
                // What came with it is seen by the next build.
                changed.extend(changes.so_far(|path| self.made.concerns(path)));
            }
        }
    }
}

impl Made {
    /// Is there something else to serve, or to say?
    fn is_other_than(&self, before: &Self) -> bool {
        let of = |made: &Self| (made.archives.clone(), made.failed.clone(), made.environment.clone());
        of(self) != of(before)
    }

    /// May what is served depend on it?
    fn concerns(&self, path: &Path) -> bool {
        self.ground.concerns(path, |path| self.elsewhere.contains(path))
    }
}
