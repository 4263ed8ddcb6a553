//! Grouped fsync: whoever appended waits for one sync of the disk that covers all records that
//! had been appended when it began. The waiting happens outside of any lock.

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
    ask: Sender<u64>,
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
        let (ask, asked) = mpsc::channel();
        let (tell, synced) = watch::channel(Synced {
            last,
            failure: None,
        });
        thread::Builder::new()
            .name("fsync".to_owned())
            .spawn(move || run(&asked, &tell, sync))?;
        Ok(Self { ask, synced })
    }

    /// A record was appended.
    pub(super) fn ask(&self, seq: u64) {
        // The thread is gone only after a failure, which the ticket tells.
        let _ = self.ask.send(seq);
    }

    pub(super) fn failure(&self) -> Option<Arc<str>> {
        self.synced.borrow().failure.clone()
    }

    pub(super) fn ticket(&self, seq: u64) -> Ticket {
        Ticket {
            seq,
            synced: self.synced.clone(),
        }
    }
}

/// After a failed fsync the system may have thrown the pages away: a second try that succeeds
/// would say nothing. So the first failure is the last try.
fn run(
    asked: &Receiver<u64>,
    tell: &watch::Sender<Synced>,
    mut sync: impl FnMut() -> io::Result<()>,
) {
    while let Ok(mut last) = asked.recv() {
        while let Ok(later) = asked.try_recv() {
            last = later;
        }
        match sync() {
            Ok(()) => tell.send_modify(|synced| synced.last = last),
            Err(error) => {
                let reason = format!("it could not be synced to the disk: {error}");
                tell.send_modify(|synced| synced.failure = Some(reason.into()));
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
    /// Why it never will be, as far as anybody can tell.
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
