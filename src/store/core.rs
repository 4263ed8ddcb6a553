//! The store itself: its start, its locks, and the one way in which changes are made.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError,
        atomic::{AtomicBool, AtomicU64},
    },
};

use jiff::Timestamp;

use super::{
    activity::Activity,
    content::spool::Spool,
    journal::{Journal, JournalError, RecordReader, Ticket},
    queue::Queue,
    writer::{ChangeSet, Writer},
};
use crate::{
    domain::{
        call::{WriteOp, WriteRecord},
        notice::{Notice, Written},
    },
    env::Clock,
    mock_box::{Change, Ids, Settings, State, Write, contents, faults::Faults},
};

/// A running mock, without its sockets.
#[derive(Debug)]
pub struct Store {
    writer: Mutex<Writer>,
    pub(super) queue: Queue,
    state: RwLock<State>,
    faults: Mutex<Faults>,
    /// How many calls were opened.
    pub(super) opened: AtomicU64,
    pub(super) settings: Settings,
    clock: ClockOf,
    pub(super) activity: Arc<Activity>,
    spool: Spool,
    /// Whether somebody sends the events of files.
    pub(super) has_pump: AtomicBool,
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
    /// Where ids and tokens start.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
}

/// A clock that can be shown in debug output.
struct ClockOf(Clock);

impl fmt::Debug for ClockOf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

impl Store {
    /// Starts a store. With a record file, the metadata of that file is resumed and it is appended
    /// to; the warning that comes back says what was dropped of it.
    ///
    /// # Errors
    /// Where the record file cannot be used.
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
        let store = Arc::new(Self {
            writer: Mutex::new(Writer::new(journal, ids)),
            queue: Queue::default(),
            state: RwLock::new(state),
            faults: Mutex::new(options.faults),
            opened: AtomicU64::new(0),
            settings: options.settings,
            clock: ClockOf(clock),
            activity: Arc::default(),
            spool: Spool::default(),
            has_pump: AtomicBool::new(false),
        });
        Ok((store, warning))
    }

    /// The present moment of this mock.
    pub fn now(&self) -> Timestamp {
        (self.clock.0)()
    }

    /// Reads the state; nothing may wait inside.
    pub fn read<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&self.state())
    }

    /// Where contents lie.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The records after number `after`, and after the last reset, from disk.
    pub fn records(&self, after: u64) -> RecordReader {
        self.writer().records(after)
    }

    /// How many metadata writes there were since the start, resets left out.
    pub fn writes(&self) -> u64 {
        self.writer().writes()
    }

    /// The number of the last record; 0 before the first.
    pub fn last_write(&self) -> u64 {
        self.writer().last()
    }

    /// Makes changes: appends the records among them, applies them, and publishes them. Returns what
    /// to wait for before they may be acknowledged, under `--fsync`.
    ///
    /// # Errors
    /// Where the records cannot be appended; nothing has changed then.
    pub(super) fn commit(
        &self,
        writer: &mut Writer,
        mut sets: Vec<ChangeSet>,
    ) -> Result<Option<Ticket>, String> {
        let ticket = writer.append(&mut sets)?;
        let mut state = self.state_to_change();
        let changes = sets.iter().flat_map(|set| &set.changes);
        changes.for_each(|change| state.apply(change));
        drop(state);
        // Published under the writer's lock: the order of the stream is that of the writes.
        let notices = sets.into_iter().flat_map(|set| {
            let records = set.changes.into_iter().filter_map(Change::into_record);
            let events = set.events;
            let written = records.map(move |record| {
                let events = events.clone();
                Notice::Written(Written { events, record })
            });
            written.chain(set.placed.map(Notice::Placed))
        });
        self.activity.notices.publish_all(notices.collect());
        Ok(ticket)
    }

    // A panic while a lock was held left what it guards between two changes at worst; serving on
    // is better than a mock that answers nothing any more.

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the writer is at work. The disk may take its time.
    pub(super) fn is_writing(&self) -> bool {
        matches!(self.writer.try_lock(), Err(TryLockError::WouldBlock))
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be taken only by the holder of the writer's lock.
    pub(super) fn state_to_change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults_now(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The event that a file belongs to.
pub(super) fn event_of_file(state: &State, file_id: Option<&str>) -> Option<Arc<str>> {
    state.file(file_id?)?.event_id.clone()
}
