//! A Node that has been started before anybody asked for it. In: what functions run on. Out: a process that needs only be
//! told its function.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::lambda::runtime_api::RuntimeApi;
use crate::lambda::{Machine, Start, Unpacked, assign, stand_by};
use crate::path::AbsPath;
use crate::process::Staying;

/// Another is started when the one that was taken has had time to load.
const PAUSE: Duration = Duration::from_millis(300);

/// Node reads these when it starts, and not again.
const EARLY: [&str; 4] = ["NODE", "UV_", "OPENSSL_", "SSL_"];

/// At most one process that waits.
pub(super) struct Standby {
    machine: Machine,
    waiting: Mutex<Option<(Staying, RuntimeApi)>>,
}

impl Standby {
    pub(super) fn new(machine: Machine) -> Arc<Self> {
        Arc::new(Self { machine, waiting: Mutex::default() })
    }

    /// Starts one, if it can be. Who needs one and finds none starts it.
    pub(super) async fn prepare(self: Arc<Self>) {
        let Ok(api) = RuntimeApi::listen().await else { return };
        // Anywhere: it is told where its function is.
        let directory = AbsPath::of(std::env::temp_dir());
        let Ok(process) = stand_by(&self.machine, &directory, api.address) else { return };
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some((process, api));
    }

    /// The one that waits, with a function to load, if it is fit for it.
    pub(super) async fn take(
        self: &Arc<Self>,
        function: &Unpacked,
        machine: &Machine,
    ) -> Option<(Staying, RuntimeApi)> {
        let is_module = matches!(function.start, Start::Module { .. });
        let is_fit = machine.node == self.machine.node && machine.memory == self.machine.memory;
        if !is_module || !is_fit || !early(machine).eq(early(&self.machine)) {
            return None;
        }
        let taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (mut process, api) = taken?;
        let standby = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            standby.prepare().await;
        });
        assign(&mut process, function, machine).await.ok()?;
        Some((process, api))
    }
}

/// What Node reads when it starts.
fn early(machine: &Machine) -> impl Iterator<Item = (&String, &OsString)> {
    let is_early = |name: &str| EARLY.iter().any(|start| name.starts_with(start));
    machine.environment.iter().filter(move |(name, _)| is_early(name))
}
