//! The threads that serve connections, each with a runtime of its own. A connection stays on the
//! thread that it was given to: what it uses stays in the caches of one core, and no thread wakes
//! another to share its work. What is served there is not known here.

use std::{
    convert::Infallible,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads that serve connections; they end with this.
#[derive(Debug)]
pub(super) struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Dropped, it ends the thread.
    stop: oneshot::Sender<Infallible>,
    /// Closed when the thread has ended, and with it all that it served.
    ended: Receiver<Infallible>,
}

impl Workers {
    /// Starts so many threads, or as many of them as the system has to spare.
    pub(super) fn start(threads: usize) -> Self {
        Self((0..threads).map_while(Worker::start).collect())
    }

    /// The runtime for the next connection: of those with the fewest tasks the first. None where
    /// there are no threads.
    pub(super) fn least_busy(&self) -> Option<&Handle> {
        let runtimes = self.0.iter().map(|worker| &worker.runtime);
        runtimes.min_by_key(|runtime| runtime.metrics().num_alive_tasks())
    }
}

impl Worker {
    fn start(number: usize) -> Option<Self> {
        /// Further threads of its runtime, for work that waits for a disk.
        const MAX_BLOCKING: usize = 64;
        /// Looks at tasks until the sockets are asked again. A round of forty writes takes more than
        /// tokio's 61: each is looked at when it gathers, and when it is answered.
        const LOOKS: u32 = 256;
        let (stop, stopped) = oneshot::channel();
        let (ready, made) = channel();
        let (end, ended) = channel();
        let serve = move || {
            let mut builder = Builder::new_current_thread();
            builder.enable_all();
            builder.max_blocking_threads(MAX_BLOCKING);
            builder.event_interval(LOOKS);
            if let Ok(runtime) = builder.build() {
                // Both ends are there for as long as this is needed.
                let _ = ready.send(runtime.handle().clone());
                let _ = runtime.block_on(stopped);
                // What reads a disk for an answer that nobody waits for any more is left to itself.
                runtime.shutdown_background();
            }
            drop(end);
        };
        let name = format!("serve-{number}");
        thread::Builder::new().name(name).spawn(serve).ok()?;
        Some(Self {
            runtime: made.recv().ok()?,
            stop,
            ended,
        })
    }
}

/// What is still open ends, which is waited for here. A thread that is held up, by a disk or by its
/// work, is left behind after a moment.
impl Drop for Workers {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_millis(100);
        let until = Instant::now() + PATIENCE;
        let end = |worker: Worker| {
            drop(worker.stop);
            worker.ended
        };
        let ended: Vec<_> = self.0.drain(..).map(end).collect();
        for ended in ended {
            // It says nothing, but by its end.
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}
