//! Other programs. In: a program, its arguments and the directory to run it in. Out: what it prints. The
//! only place that starts any, and the one that ends them with the run.

mod staying;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use process_wrap::std::CommandWrap;
use wait_timeout::ChildExt;

pub use self::staying::Staying;
use crate::path::AbsPath;

/// How long a program may take that is only asked something.
const LONGEST: Duration = Duration::from_secs(10);

/// What a program prints on its standard output, which must be short.
///
/// # Errors
/// It cannot be started, or it fails, or takes longer than ten seconds.
pub fn output(program: &AbsPath, arguments: &[&str], directory: &AbsPath) -> io::Result<String> {
    let mut command = Command::new(&**program);
    let mut child = command
        .args(arguments)
        .current_dir(&**directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(status) = child.wait_timeout(LONGEST)? else {
        child.kill()?;
        child.wait()?;
        return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{program} takes too long")));
    };
    if !status.success() {
        return Err(io::Error::other(format!("{program} failed: {status}")));
    }
    let mut output = Vec::new();
    child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut output)).transpose()?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// A program to run to its end, however long that takes.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Its name, to be found on the PATH.
    pub program: &'a str,
    /// What it is told.
    pub arguments: Vec<OsString>,
    /// Where it runs.
    pub directory: &'a AbsPath,
    /// What is added to the environment.
    pub environment: BTreeMap<String, OsString>,
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Did it do what it was told?
    pub success: bool,
    /// Its exit status, unless a signal has ended it.
    pub code: Option<i32>,
    /// The signal that has.
    pub signal: Option<i32>,
    /// It took too long, and was ended.
    pub timed_out: bool,
    /// It printed more than it may, of which the rest is lost.
    pub flooded: bool,
    /// What it printed on its standard output.
    pub out: String,
    /// What it printed for people.
    pub err: String,
}

/// What a program may take of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Confined {
    /// How long it may run. Then it is ended, with all that it has started.
    pub time: Duration,
    /// How many bytes it may print on each of its streams.
    pub printed: usize,
}

/// Runs a program that nobody trusts: as [`run`] does, but within limits, and with no other environment than the task's.
///
/// # Errors
/// It cannot be started. The name must be a path: there is no PATH.
pub fn run_confined(task: &Task<'_>, confined: &Confined) -> io::Result<Ended> {
    start(task, Some(confined), Stdio::piped())
}

/// Runs a program and waits for it. It and all that it starts are one session, with no terminal to ask
/// anything at, and one process group, which [`end_all`] ends; then this does not return.
///
/// # Errors
/// It cannot be started; `NotFound` if it is not on the PATH.
pub fn run(task: &Task<'_>) -> io::Result<Ended> {
    start(task, None, Stdio::piped())
}

/// The same; what it prints for people, they see at once.
///
/// # Errors
/// It cannot be started; `NotFound` if it is not on the PATH.
pub fn run_shown(task: &Task<'_>) -> io::Result<Ended> {
    start(task, None, Stdio::inherit())
}

fn start(task: &Task<'_>, confined: Option<&Confined>, err: Stdio) -> io::Result<Ended> {
    let mut command = CommandWrap::with_new(task.program, |command| {
        if confined.is_some() {
            command.env_clear();
        }
        command
            .args(&task.arguments)
            .current_dir(&**task.directory)
            .envs(&task.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(err);
    });
    #[cfg(unix)]
    command.wrap(process_wrap::std::ProcessSession);
    let mut child = {
        // Nobody is forgotten between its start and its entry in the list.
        let mut running = running();
        if running.ended {
            drop(running);
            wait_for_the_end();
        }
        let child = command.spawn()?;
        running.groups.insert(child.id());
        child
    };
    let id = child.id();
    let most = confined.map_or(usize::MAX, |confined| confined.printed);
    let out = child.stdout().take().map(|pipe| Printed::read(pipe, most));
    let err = child.stderr().take().map(|pipe| Printed::read(pipe, most));
    // The program itself, and none of those that it leaves behind.
    let mut wait_until = |end: Instant| loop {
        match child.inner_mut().try_wait() {
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            ended => return ended,
        }
    };
    let in_time = match confined {
        Some(confined) => wait_until(Instant::now() + confined.time),
        None => child.inner_mut().wait().map(Some),
    };
    let timed_out = matches!(in_time, Ok(None));
    let ended = match in_time {
        Ok(None) => {
            #[cfg(unix)]
            end_groups_at_once(id);
            #[cfg(not(unix))]
            child.inner_mut().kill()?;
            child.inner_mut().wait()
        }
        Ok(Some(status)) => Ok(status),
        Err(error) => Err(error),
    };
    // A program that nobody trusts leaves nothing behind.
    #[cfg(unix)]
    if confined.is_some() {
        end_groups_at_once(id);
    }
    let is_over = {
        let mut running = running();
        running.groups.remove(&id);
        running.ended
    };
    if is_over {
        wait_for_the_end();
    }
    let end = Instant::now() + GRACE;
    let text = |printed: Option<Printed>| printed.map(|printed| printed.until(end)).unwrap_or_default();
    let status = ended?;
    let (out, err) = (text(out), text(err));
    let (success, code, signal) = (status.success(), status.code(), signal_of(status));
    let flooded = out.len() >= most || err.len() >= most;
    Ok(Ended { success, code, signal, timed_out, flooded, out, err })
}

/// The signal that has ended a program, if one has.
#[cfg(unix)]
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// There are none.
#[cfg(not(unix))]
pub fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}

/// What a program prints. Who holds on to its pipe after its end is not waited for.
struct Printed {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_all: Receiver<()>,
}

impl Printed {
    /// Reads all of it, of which so many bytes are kept: who prints must not have to wait.
    fn read(mut pipe: impl Read + Send + 'static, most: usize) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (done, is_all) = channel();
        let read = bytes.clone();
        std::thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut part) {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = count.min(most.saturating_sub(read.len()));
                read.extend_from_slice(&part[..kept]);
            }
            // Nobody may be there any more.
            let _ = done.send(());
        });
        Self { bytes, is_all }
    }

    /// All of it, or what has come until then.
    fn until(self, end: Instant) -> String {
        let _ = self.is_all.recv_timeout(end.saturating_duration_since(Instant::now()));
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Starts a program within this one's session, on its streams and in its directory: what ends this one ends both.
///
/// # Errors
/// It cannot be started.
pub fn beside(program: &Path, environment: &[(&str, String)]) -> io::Result<std::process::Child> {
    let environment = environment.iter().map(|(name, value)| (*name, value));
    Command::new(program).envs(environment).stdin(Stdio::null()).spawn()
}

/// Becomes another program, with the environment and the streams of this one.
///
/// # Errors
/// It cannot be started.
pub fn become_other(program: &OsStr, arguments: &[OsString]) -> io::Result<ExitCode> {
    let mut command = Command::new(program);
    command.args(arguments);
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut command));
    #[cfg(not(unix))]
    command.status().map(|status| {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        code.map_or(ExitCode::FAILURE, ExitCode::from)
    })
}

/// A directory for what programs make; it is gone when this is, or when the run is ended.
#[derive(Debug)]
pub struct Workshop(AbsPath);

impl Workshop {
    /// Makes one where the system keeps temporary files.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("fnzip-").tempdir()?;
        let path = directory.path().canonicalize()?;
        running().workshops.insert(path.clone(), directory);
        Ok(Self(AbsPath::of(path)))
    }

    /// Where it is.
    pub fn path(&self) -> &AbsPath {
        &self.0
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let directory = running().workshops.remove(&*self.0);
        drop(directory);
    }
}

/// Something half written, which is removed when the run is ended before its time; not any more once this is dropped.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes it. Nothing is made any more when the run is ended.
    ///
    /// # Errors
    /// As `make` says.
    pub fn make<T>(make: impl FnOnce() -> io::Result<T>, path: fn(&T) -> &Path) -> io::Result<(T, Self)> {
        let mut running = running();
        if running.ended {
            drop(running);
            wait_for_the_end();
        }
        let made = make()?;
        let path = path(&made).to_owned();
        running.unfinished.insert(path.clone());
        Ok((made, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        running().unfinished.remove(&self.0);
    }
}

/// What is to be cleared away when a run is ended before its time.
struct Running {
    groups: BTreeSet<u32>,
    workshops: BTreeMap<PathBuf, tempfile::TempDir>,
    unfinished: BTreeSet<PathBuf>,
    ended: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: BTreeSet::new(),
    workshops: BTreeMap::new(),
    unfinished: BTreeSet::new(),
    ended: false,
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every program that is running, with what it started, and removes what they made. None is
/// started any more: the caller is about to end as well.
pub fn end_all() {
    let groups = {
        let mut running = running();
        running.ended = true;
        running.groups.clone()
    };
    #[cfg(unix)]
    end_groups(&groups);
    #[cfg(not(unix))]
    drop(groups); // The console tells them itself.
    let mut running = running();
    for path in std::mem::take(&mut running.unfinished) {
        let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)); // It may have its place by now.
    }
    drop(std::mem::take(&mut running.workshops));
}

/// A program that was ended has not failed: nobody is to draw conclusions.
fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

/// How long programs get to clear away their own temporary files, and what they leave behind to print.
const GRACE: Duration = Duration::from_secs(1);

/// Ends a program that has not ended by itself, and whatever it has started.
#[cfg(unix)]
fn end_groups_at_once(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL); // It may be gone.
    }
}

#[cfg(unix)]
fn end_groups(groups: &BTreeSet<u32>) {
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
    let groups: Vec<Pid> = groups.iter().filter_map(|group| Pid::from_raw(i32::try_from(*group).ok()?)).collect();
    let tell = |signal| {
        for group in &groups {
            let _ = kill_process_group(*group, signal); // It may have ended by itself.
        }
    };
    // Nobody need have waited for it.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let is_running = |group: &Pid| matches!(waitid(WaitId::Pid(*group), look), Ok(None));
    tell(Signal::INT);
    let start = Instant::now();
    while start.elapsed() < GRACE && groups.iter().any(is_running) {
        std::thread::sleep(Duration::from_millis(1));
    }
    tell(Signal::KILL);
}
