//! The running Box: owns the state, the journal, the clock, the ids and the bus.
//!
//! What changes something is decided, appended to the journal and applied, so that a failed append is
//! an error answer and an untouched state, and nothing that a decision depends on changes until it is
//! applied. Writes to different files gather: they are decided one after the other, and appended and
//! applied together by whoever takes the turn for them (see `group`). Everything else takes the turn
//! itself, begins with the end of what has gathered, and lets nothing gather. The state is looked
//! into beside all that: it is locked for the moment in which a change is made, not while the journal
//! is written. Waits and delays happen outside, sockets elsewhere.
//!
//! Who needs several of these takes them in this order: the turn, what gathers, the state.

pub mod call;
pub mod call_log;
mod capture;
pub mod content;
mod execute;
pub mod files;
mod group;
pub mod journal;
pub mod notices;
mod turns;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::{
        call::{EventIds, WriteOp, WriteRecord},
        event::invocation::Invocation,
        notice::{Connection, Notice, Written},
    },
    env::Clock,
    mock_box::{
        Answer, Change, Content, Decision, File, Head, Ids, Request, Seen, Settings, State, Write,
        admin, admit, decide,
        faults::{Attempt, Faults, Rule, Strike},
        prepare,
        register::{Registering, register},
    },
};
use call::OpenCall;
use call_log::CallLog;
use content::spool::Spool;
use group::{Alone, Gathering};
use journal::{Journal, JournalError, RecordReader, Ticket};
use notices::Notices;
use turns::Turns;

/// A running mock Box, without its sockets.
#[derive(Debug)]
pub struct Store {
    turns: Turns<Ledger>,
    gathering: Mutex<Gathering>,
    state: RwLock<State>,
    faults: Mutex<Faults>,
    opened: AtomicU64,
    settings: Settings,
    clock: ClockOf,
    /// What happens, for whoever watches.
    pub notices: Notices,
    /// The last calls, with heads and bodies.
    pub call_log: CallLog,
    /// Where contents lie.
    pub spool: Spool,
    has_pump: AtomicBool,
}

/// What only the one whose turn it is needs: where what changes is written down.
#[derive(Debug)]
struct Ledger {
    journal: Journal,
    writes: u64,
}

impl Ledger {
    /// Gives what is written down of changes the numbers that follow: those who decided did not know
    /// what would come before.
    fn number<'a>(&self, changes: impl IntoIterator<Item = &'a mut Change>) {
        let records = changes.into_iter().filter_map(Change::record_mut);
        for (seq, record) in (self.journal.last() + 1..).zip(records) {
            record.seq = seq;
        }
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
    /// Where ids and tokens start.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
}

/// A clock that can be shown in debug output.
struct ClockOf(Clock);

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}

impl Store {
    /// Starts a mock. With a record file, the metadata of that file is resumed and it is appended
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
            turns: Turns::new(Ledger { journal, writes: 0 }),
            gathering: Mutex::new(Gathering::new(ids)),
            state: RwLock::new(state),
            faults: Mutex::new(options.faults),
            opened: AtomicU64::new(0),
            settings: options.settings,
            clock: ClockOf(clock),
            notices: Notices::default(),
            call_log: CallLog::default(),
            spool: Spool::default(),
            has_pump: AtomicBool::new(false),
        });
        Ok((store, warning))
    }

    /// The present moment of this mock.
    pub fn now(&self) -> Timestamp {
        (self.clock.0)()
    }

    /// Takes a call in by its head: what it is, and which body it may bring.
    pub fn open(self: &Arc<Self>, head: &Head) -> Box<OpenCall> {
        let now = self.now();
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let (admission, file_event) = {
            let state = self.state();
            let admission = admit(&state, head, now);
            let file_event = event_of_file(&state, admission.seen.file_id.as_deref());
            (admission, file_event)
        };
        // A call that is refused has its own fault.
        let strike = match &admission.outcome {
            Ok(_) => self.strike(head, &admission.seen, file_event.as_deref()),
            Err(_) => None,
        };
        let store = Arc::clone(self);
        Box::new(OpenCall::new(
            store, head, admission, number, now, file_event, strike,
        ))
    }

    /// Answers a call that changes nothing, whatever comes of it.
    pub fn answer_read(&self, call: &mut OpenCall, request: &Request) -> Answer {
        if let Some(answer) = call.struck_answer() {
            return answer;
        }
        let admitted = match call.take_admitted() {
            Ok(admitted) => admitted,
            Err(answer) => return answer,
        };
        let prepared = prepare(&self.settings, admitted, request);
        // A look makes nothing new.
        let decision = decide(
            &self.state(),
            request,
            prepared,
            call.at(),
            &mut Ids::new(0),
        );
        call.struck(decision.answer)
    }

    /// Gives a file this content, and makes the file where there is none; says whether it did.
    pub fn put_file(&self, id: &str, name: Option<String>, content: Content) -> (Box<File>, bool) {
        let now = self.now();
        let mut alone = self.turn();
        let mut state = self.state_to_change();
        let is_new = state.file(id).is_none();
        let file = Box::new(admin::contents::put(
            &state,
            id,
            name,
            content,
            now,
            &mut alone.gathering.ids,
        ));
        state.apply(&Change::EditFile(file.clone()));
        (file, is_new)
    }

    /// Takes a file away, with its metadata; says whether there was one.
    ///
    /// # Errors
    /// Where that cannot be written down.
    pub async fn remove_file(&self, id: &str) -> Result<bool, String> {
        let ticket = {
            let now = self.now();
            let mut alone = self.turn();
            let (events, removed) = {
                let state = self.state();
                let events = EventIds::new(None, event_of_file(&state, Some(id)));
                (
                    events,
                    admin::contents::remove(&state, id, now, &mut alone.gathering.ids),
                )
            };
            let Some(mut decision) = removed else {
                return Ok(false);
            };
            let ticket = self.carry_out(&mut alone.ledger, &mut decision)?;
            for record in decision.records() {
                self.notices
                    .publish(written(events.clone(), Arc::clone(record)));
            }
            ticket
        };
        match ticket {
            None => Ok(true),
            Some(ticket) => ticket.wait().await.map(|()| true),
        }
    }

    /// Registers events in one step.
    pub fn register<'a>(&self, events: Vec<(Invocation<'a>, Registering)>) -> Vec<Invocation<'a>> {
        let now = self.now();
        let mut alone = self.turn();
        let mut state = self.state_to_change();
        events
            .into_iter()
            .map(|(event, how)| {
                let registered = register(&state, event, &how, now, &mut alone.gathering.ids);
                for change in &registered.changes {
                    state.apply(change);
                }
                registered.event
            })
            .collect()
    }

    /// Forgets events, their tokens and files: their run is over.
    pub fn retire(&self, event_ids: &[String]) {
        let _turn = self.turn();
        let (mut state, mut faults) = (self.state_to_change(), self.faults_now());
        for id in event_ids {
            state.apply(&Change::RetireEvent(id.clone()));
            faults.forget(id);
        }
    }

    /// Puts the mock back to how it started. A record says so.
    ///
    /// # Errors
    /// Where the record cannot be written; nothing is changed then.
    pub async fn reset(&self) -> Result<(), String> {
        let ticket = {
            let now = self.now();
            let mut alone = self.turn();
            let next = alone.ledger.journal.last() + 1;
            let record = Arc::new(WriteRecord::bare(next, now, WriteOp::Reset));
            alone.ledger.journal.append([&*record])?;
            self.state_to_change().apply(&Change::Write(Write {
                record: Arc::clone(&record),
                instance: None,
            }));
            self.faults_now().reset();
            self.call_log.clear();
            self.notices.publish(written(EventIds::default(), record));
            alone.ledger.journal.ticket()
        };
        match ticket {
            None => Ok(()),
            Some(ticket) => ticket.wait().await,
        }
    }

    /// Adds faults to those that stand.
    ///
    /// # Errors
    /// Where there would be too many.
    pub fn add_faults(&self, rules: Vec<Rule>) -> Result<(), String> {
        self.faults_now().add(rules)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.faults_now().clear();
    }

    /// The faults that stand, each with how often it has struck.
    pub fn faults(&self) -> Value {
        self.faults_now().to_json()
    }

    /// The records after number `after`, and after the last reset, from disk.
    pub fn records(&self, after: u64) -> RecordReader {
        self.turn().ledger.journal.reader(after)
    }

    /// How many metadata writes there were since the start, resets left out.
    pub fn writes(&self) -> u64 {
        self.turn().ledger.writes
    }

    /// The number of the last record; 0 before the first.
    pub fn last_write(&self) -> u64 {
        self.turn().ledger.journal.last()
    }

    /// Writes down what has gathered, where nobody is left who would.
    pub fn settle(&self) {
        drop(self.turn());
    }

    /// Tells of a connection that did not become a call.
    pub fn publish_connection(&self, kind: &str, host: Option<String>, text: String) {
        self.notices
            .publish(Notice::Connection(Arc::new(Connection {
                at: self.now(),
                kind: kind.to_owned(),
                host,
                text,
            })));
    }

    /// Looks into the state; nothing may wait inside.
    pub fn read<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&self.state())
    }

    // A panic while a lock was held left what it guards between two changes at worst; serving on
    // is better than a mock that answers nothing any more.

    fn turn(&self) -> Alone<'_> {
        self.alone(self.turns.take())
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be asked for with the turn: for what has gathered and is written down, or else [`Alone`].
    fn state_to_change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults_now(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what is to be recorded, then applies everything; gives what is to be waited for
    /// before it is answered.
    fn carry_out(
        &self,
        ledger: &mut Ledger,
        decision: &mut Decision,
    ) -> Result<Option<Ticket>, String> {
        let before = ledger.journal.last();
        ledger.number(&mut decision.changes);
        ledger
            .journal
            .append(decision.records().map(|record| &**record))?;
        self.apply(&decision.changes);
        let written = ledger.journal.last() - before;
        ledger.writes += written;
        Ok(if written > 0 {
            ledger.journal.ticket()
        } else {
            None
        })
    }

    fn apply<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) {
        let mut changes = changes.into_iter().peekable();
        if changes.peek().is_some() {
            let mut state = self.state_to_change();
            changes.for_each(|change| state.apply(change));
        }
    }

    /// What strikes a call, if anything does.
    fn strike(&self, head: &Head, seen: &Seen, file_event: Option<&str>) -> Option<Strike> {
        let mut faults = self.faults_now();
        if faults.is_empty() {
            return None;
        }
        let event = seen
            .token_event
            .as_deref()
            .or(file_event)
            .or(seen.file_id.as_deref());
        let event = event.unwrap_or_default();
        let attempt = Attempt::new(seen.operation, seen.is_bytes, head, event);
        let strike = faults.strike(&attempt)?;
        drop(faults);
        if strike.expire
            && let Some(token) = head.token()
        {
            let fault = Arc::clone(&strike.fault);
            let _turn = self.turn();
            self.state_to_change()
                .apply(&Change::ExpireToken(token, fault));
        }
        Some(strike)
    }
}

fn resume(state: &mut State, ids: &mut Ids, record: WriteRecord, now: Timestamp) {
    for id in [&record.file_id, &record.file_version_id] {
        ids.taken(id);
    }
    if record.op != WriteOp::Reset && state.file(&record.file_id).is_none() {
        let file = admin::contents::resumed(&record.file_id, &record.file_version_id, now);
        state.apply(&Change::PutFile(Box::new(file)));
    }
    state.apply(&Change::Write(Write::recorded(record)));
}

fn written(events: EventIds, record: Arc<WriteRecord>) -> Notice {
    Notice::Written(Written { events, record })
}

fn event_of_file(state: &State, file_id: Option<&str>) -> Option<Arc<str>> {
    state.file(file_id?)?.event_id.clone()
}
