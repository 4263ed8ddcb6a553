//! The sandboxes of a function: started when they are needed, kept for the next event.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{
    channel::Invocation,
    sandbox::{Invoked, Sandbox},
};
use crate::skill::{error::SkillError, process::SkillCommand};

/// The sandboxes of one function.
#[derive(Debug)]
pub(super) struct Pool {
    command: SkillCommand,
    load_limit: Duration,
    run_limit: Duration,
    /// One for each event that a client waits for.
    permits: Semaphore,
    idle: Mutex<Vec<Sandbox>>,
}

impl Pool {
    /// A pool with one sandbox that has loaded the function.
    ///
    /// # Errors
    /// Where the function cannot be loaded within `load_limit`.
    pub(super) async fn start(
        command: SkillCommand,
        sandboxes: usize,
        load_limit: Duration,
        run_limit: Duration,
    ) -> Result<Self, SkillError> {
        let first = Sandbox::start(&command, load_limit).await?;
        Ok(Self {
            command,
            load_limit,
            run_limit,
            permits: Semaphore::new(sandboxes.min(Semaphore::MAX_PERMITS)),
            idle: Mutex::new(vec![first]),
        })
    }

    /// Runs the function with an event, in a sandbox that is idle or a new one. As on AWS, an event
    /// whose client has gone away keeps its sandbox until it ends, and others get another one.
    pub(super) async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Invoked {
        // Nobody closes the semaphore.
        let _permit = self.permits.acquire().await;
        let pool = Arc::clone(self);
        let running = tokio::spawn(async move { pool.run(&invocation).await });
        match running.await {
            Ok(invoked) => invoked,
            Err(error) => Invoked::Ended(error.to_string()),
        }
    }

    /// Kills the sandboxes that are idle.
    pub(super) fn clear(&self) {
        lock(&self.idle).clear();
    }

    async fn run(&self, invocation: &Invocation) -> Invoked {
        let sandbox = match self.take_idle() {
            Some(sandbox) => sandbox,
            None => match Sandbox::start(&self.command, self.load_limit).await {
                Ok(sandbox) => sandbox,
                Err(error) => return Invoked::Ended(error.to_string()),
            },
        };
        let (sandbox, invoked) = sandbox.invoke(invocation, self.run_limit).await;
        if let Some(sandbox) = sandbox {
            lock(&self.idle).push(sandbox);
        }
        invoked
    }

    /// The sandbox that was used last, without those that have been killed from outside.
    fn take_idle(&self) -> Option<Sandbox> {
        let mut idle = lock(&self.idle);
        while let Some(sandbox) = idle.pop() {
            if sandbox.is_running() {
                return Some(sandbox);
            }
        }
        None
    }
}

/// A panic between two changes leaves consistent data behind, so a poisoned lock is used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
