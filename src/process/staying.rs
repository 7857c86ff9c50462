//! A program that stays, to be talked to. In: a task. Out: the program with what it prints. When it is let go it is ended,
//! with all that it has started.

use std::io;
use std::process::{ExitStatus, Stdio};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStderr, ChildStdout};

use super::{Task, running, wait_for_the_end};

/// A program that runs until it ends, or this is dropped.
#[derive(Debug)]
pub struct Staying {
    child: Box<dyn ChildWrapper>,
    id: u32,
}

impl Staying {
    /// Starts it, with no other environment than the task's, in a session of its own.
    ///
    /// # Errors
    /// It cannot be started. The name must be a path: there is no PATH.
    pub fn start(task: &Task<'_>) -> io::Result<Self> {
        Self::start_with(task, Stdio::null())
    }

    /// The same; it is to be told something.
    ///
    /// # Errors
    /// It cannot be started. The name must be a path: there is no PATH.
    pub fn start_listening(task: &Task<'_>) -> io::Result<Self> {
        Self::start_with(task, Stdio::piped())
    }

    fn start_with(task: &Task<'_>, stdin: Stdio) -> io::Result<Self> {
        let mut command = CommandWrap::with_new(task.program, |command| {
            command
                .env_clear()
                .args(&task.arguments)
                .current_dir(&**task.directory)
                .envs(&task.environment)
                .stdin(stdin)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessSession);
        let mut running = running();
        if running.ended {
            drop(running);
            wait_for_the_end();
        }
        let child = command.spawn()?;
        let id = child.id().unwrap_or_default();
        running.groups.insert(id);
        Ok(Self { child, id })
    }

    /// Tells it something on its standard input, which then ends.
    ///
    /// # Errors
    /// It does not listen.
    pub async fn tell(&mut self, words: &[u8]) -> io::Result<()> {
        let mut stdin = self.child.stdin().take().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(words).await
    }

    /// What it prints; asked for once.
    pub fn printed(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.child.stdout().take().zip(self.child.stderr().take())
    }

    /// Has it ended?
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.inner_mut().try_wait(), Ok(None))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// The system does not tell.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        // The program itself, and none of those that it leaves behind.
        let status = self.child.inner_mut().wait().await;
        // A program that was ended has not failed: nobody is to draw conclusions.
        if running().ended { std::future::pending().await } else { status }
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        #[cfg(unix)]
        super::end_groups_at_once(self.id);
        #[cfg(not(unix))]
        let _ = self.child.start_kill(); // It may have ended.
        running().groups.remove(&self.id);
    }
}
