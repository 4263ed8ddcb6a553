//! The threads that serve connections, each with a runtime of its own. A connection stays on the
//! thread that it was given to: what it uses stays in the caches of one core, and no thread wakes
//! another to share its work. What is served there is not known here.

use std::{
    io,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads that serve connections. They start when there is something to serve, and end with this.
#[derive(Debug)]
pub(super) struct Workers {
    /// How many there may be.
    most: usize,
    started: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Dropped, it ends the thread.
    stop: oneshot::Sender<()>,
    /// Closed when the thread has ended, and with it all that it served.
    ended: Receiver<()>,
}

impl Workers {
    /// At most so many threads; without any, the runtime of whoever asks serves.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            started: Vec::new(),
        }
    }

    /// The runtime for the next connection: of those that have the fewest tasks the first.
    pub(super) fn least_busy(&mut self) -> Handle {
        let tasks = |worker: &Worker| worker.runtime.metrics().num_alive_tasks();
        let least = self
            .started
            .iter()
            .map(|it| (tasks(it), it))
            .min_by_key(|(tasks, _)| *tasks);
        match least {
            Some((0, idle)) => idle.runtime.clone(),
            _ if self.started.len() < self.most => self.one_more(),
            Some((_, least)) => least.runtime.clone(),
            None => Handle::current(),
        }
    }

    fn one_more(&mut self) -> Handle {
        if let Ok(worker) = Worker::start(self.started.len()) {
            self.started.push(worker);
        } else {
            // The system has none to spare: those that are there do.
            self.most = self.started.len();
        }
        self.started
            .last()
            .map_or_else(Handle::current, |worker| worker.runtime.clone())
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = channel::<()>();
        thread::Builder::new()
            .name(format!("serve-{number}"))
            .spawn(move || {
                // Nothing is ever sent.
                let _ = runtime.block_on(stopped);
                // What reads a disk for an answer that nobody waits for any more is left to itself.
                runtime.shutdown_background();
                drop(end);
            })?;
        Ok(Self {
            runtime: handle,
            stop,
            ended,
        })
    }
}

/// What is still open ends. A thread that a disk holds up is left behind.
impl Drop for Workers {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_millis(100);
        let until = Instant::now() + PATIENCE;
        let ended: Vec<_> = self
            .started
            .drain(..)
            .map(|worker| {
                drop(worker.stop);
                worker.ended
            })
            .collect();
        for ended in ended {
            // It says nothing, but by its end.
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}
