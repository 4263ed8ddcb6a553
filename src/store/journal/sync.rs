//! Grouped fsync: the write of each record waits for one sync of the disk, which covers all records
//! that had been appended when it began. The waiting happens outside of any lock.

use std::{
    fmt, io,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use tokio::sync::watch;

/// How far the disk is.
#[derive(Clone, Debug, Default)]
struct Synced {
    /// The last record that is on the disk.
    last: u64,
    /// Why there will be no more.
    failure: Option<Arc<str>>,
}

/// Syncs on a thread of its own, as often as there is something new.
pub(super) struct Syncer {
    requests: Sender<u64>,
    synced: watch::Receiver<Synced>,
}

impl fmt::Debug for Syncer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Syncer({:?})", self.synced.borrow())
    }
}

impl Syncer {
    /// Starts the thread; records up to `last` are on the disk already. It ends with the syncer.
    pub(super) fn start(
        last: u64,
        sync: impl FnMut() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (requests, requested) = mpsc::channel();
        let (progress, synced) = watch::channel(Synced {
            last,
            failure: None,
        });
        thread::Builder::new()
            .name("fsync".to_owned())
            .spawn(move || run(&requested, &progress, sync))?;
        Ok(Self { requests, synced })
    }

    /// Asks for a sync of the records up to `seq`, which were appended; returns what to wait for.
    pub(super) fn sync(&self, seq: u64) -> Ticket {
        // The thread is gone only after a failure, which the ticket reports.
        let _ = self.requests.send(seq);
        Ticket {
            seq,
            synced: self.synced.clone(),
        }
    }

    pub(super) fn failure(&self) -> Option<Arc<str>> {
        self.synced.borrow().failure.clone()
    }
}

/// After a failed fsync the system may have dropped the pages: a second try that succeeds would
/// prove nothing. So none is made.
fn run(
    requested: &Receiver<u64>,
    progress: &watch::Sender<Synced>,
    mut sync: impl FnMut() -> io::Result<()>,
) {
    while let Ok(mut last) = requested.recv() {
        while let Ok(later) = requested.try_recv() {
            last = later;
        }
        match sync() {
            Ok(()) => progress.send_modify(|synced| synced.last = last),
            Err(error) => {
                let reason = format!("it could not be synced to the disk: {error}");
                progress.send_modify(|synced| synced.failure = Some(reason.into()));
                return;
            }
        }
    }
}

/// The right to answer a record, once it is on the disk.
#[derive(Clone, Debug)]
pub(in crate::store) struct Ticket {
    seq: u64,
    synced: watch::Receiver<Synced>,
}

impl Ticket {
    /// Waits until the record is on the disk.
    ///
    /// # Errors
    /// Where that failed or can no longer be known.
    pub(in crate::store) async fn wait(mut self) -> Result<(), String> {
        let (seq, over) = (self.seq, "the record file is closed");
        let synced = self
            .synced
            .wait_for(|synced| synced.last >= seq || synced.failure.is_some())
            .await
            .map_err(|_| over.to_owned())?;
        match &synced.failure {
            Some(reason) if synced.last < seq => {
                Err(format!("the write was recorded, but {reason}"))
            }
            _ => Ok(()),
        }
    }
}
