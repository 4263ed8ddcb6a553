//! The store itself: how it starts, what it shares with its writer, and how it is read.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    content::spool::Spool,
    journal::{Journal, JournalError, RecordReader, Recorded},
    shared::Shared,
    writer::{Job, Writer, WriterThread},
};
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        event::invocation::Invocation,
    },
    env::Clock,
    mock_box::{Change, Ids, Settings, State, Write, contents, faults::Faults},
};

/// Gets every event right after it was registered, before it is sent.
pub type EventObserver = Box<dyn Fn(&Invocation<'_>) + Send + Sync>;

/// A running mock, without its sockets. Dropping it waits until everything that was submitted is
/// written.
pub struct Store {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: WriterThread,
    recorded: Arc<Recorded>,
    pub(super) settings: Settings,
    spool: Spool,
    /// Whether a pump sends the events of files.
    pub(super) has_pump: AtomicBool,
    observer: OnceLock<EventObserver>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Store")
    }
}

/// How a mock is started.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// How Box behaves.
    pub settings: Settings,
    /// The file that records its writes and from which it resumes.
    pub record: Option<&'a Path>,
    /// Whether a write is answered only when the disk itself has it.
    pub fsync: bool,
    /// The seed of ids and tokens.
    pub seed: u64,
    /// The faults that apply to calls.
    pub faults: Faults,
}

impl Store {
    /// Starts a store. With a record file, the metadata of that file is resumed and it is appended
    /// to; the returned warning says what was removed from it.
    ///
    /// # Errors
    /// Where the record file cannot be used, or the system cannot start a thread.
    pub fn start(
        options: Options<'_>,
        clock: Clock,
    ) -> Result<(Arc<Self>, Option<String>), JournalError> {
        let mut ids = Ids::new(options.seed);
        let mut state = State::new(options.settings.clone(), &mut ids);
        let now = clock();
        let (mut journal, warning) = match options.record {
            None => (Journal::temporary()?, None),
            Some(path) => Journal::open(path, |record| {
                resume(&mut state, &mut ids, record, now);
            })?,
        };
        if options.fsync && options.record.is_some() {
            journal = journal.with_fsync()?;
        }
        let recorded = journal.recorded();
        let shared = Arc::new(Shared::new(state, options.faults, clock));
        let writer = WriterThread::start(Writer {
            shared: Arc::clone(&shared),
            journal,
            ids,
        });
        let store = Arc::new(Self {
            shared,
            writer: writer.map_err(|source| recorded.unusable(source))?,
            recorded,
            settings: options.settings,
            spool: Spool::default(),
            has_pump: AtomicBool::new(false),
            observer: OnceLock::new(),
        });
        Ok((store, warning))
    }

    /// Gives every event that is registered from now on to `observer`. There is one at most: a second
    /// is not taken.
    pub fn observe_events(&self, observer: EventObserver) {
        // The first stays.
        let _ = self.observer.set(observer);
    }

    /// Events were registered.
    pub(super) fn registered(&self, events: &[Invocation<'_>]) {
        if let Some(observer) = self.observer.get() {
            events.iter().for_each(observer);
        }
    }

    /// The present moment of this mock.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Reads the state; `see` must not block.
    pub fn read<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&self.shared.state())
    }

    /// Where contents are kept.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The records after number `after`, and after the last reset, from disk.
    pub fn records(&self, after: u64) -> RecordReader {
        self.recorded.reader(after)
    }

    /// How many metadata writes there were since the start, resets left out.
    pub fn writes(&self) -> u64 {
        self.recorded.writes()
    }

    /// The number of the last record; 0 before the first. A record has its number before its notice
    /// is published.
    pub fn last_write(&self) -> u64 {
        self.recorded.last()
    }

    /// Runs `change` on the writer, after everything that was submitted before, and returns its
    /// result.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> T {
        let (reply, result) = oneshot::channel();
        self.writer.submit(Job::Change(Box::new(move |writer| {
            // The caller may have left.
            let _ = reply.send(change(writer));
        })));
        let result = result.await;
        result.expect("the writer replies unless it panics, and then so does the caller")
    }

    /// Returns when everything is written that was submitted before.
    pub async fn settle(&self) {
        self.change(|_| ()).await;
    }
}

fn resume(state: &mut State, ids: &mut Ids, record: WriteRecord, now: Timestamp) {
    for id in [&record.file_id, &record.file_version_id] {
        ids.reserve(id);
    }
    if record.op != WriteOp::Reset && state.file(&record.file_id).is_none() {
        let file = contents::resumed(&record.file_id, &record.file_version_id, now);
        state.apply(&Change::PutFile(Box::new(file)));
    }
    state.apply(&Change::Write(Write::recorded(record)));
}
