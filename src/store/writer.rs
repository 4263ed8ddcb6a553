//! The one writer: a thread that owns the journal and the ids, and makes every change of the state
//! that the journal or another change must not overtake. It takes all jobs that wait, decides each in
//! order, appends the records of all with one write, applies them, publishes them, and replies.

use std::{
    io, iter, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use jiff::Timestamp;
use smol_str::SmolStr;
use tokio::sync::oneshot;

use super::{
    call::OpenCall,
    journal::{Journal, Ticket},
    shared::Shared,
};
use crate::{
    domain::{
        call::EventIds,
        event::invocation::Invocation,
        notice::{Notice, Placed, Written},
    },
    mock_box::{
        Answer, Change, Decision, Ids, Prepared, Request, decide, errors,
        register::{Registering, register},
    },
};

/// A write of this many bytes is appended alone: where the disk is nearly full, it may fail where
/// small ones succeed.
const LARGE_WRITE: usize = 16 * 1024;
/// About how many bytes are appended together at most.
const MAX_BATCH: usize = 128 * 1024;

/// What the writer is to do.
#[allow(clippy::large_enum_variant, reason = "nearly all jobs are calls")]
pub(super) enum Job {
    /// Decides a call, and records what it writes.
    Call(Submission),
    /// Changes the state in another way.
    Change(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// A call for the writer to decide.
pub(super) struct Submission {
    pub(super) call: Box<OpenCall>,
    pub(super) request: Box<Request>,
    pub(super) prepared: Prepared,
    /// Receives the outcome. Where the client has left, the call ends there.
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// A call that was decided, and recorded where it writes.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) call: Box<OpenCall>,
    pub(super) answer: Answer,
    /// What to wait for before the call may be answered, under `--fsync`.
    pub(super) ticket: Option<Ticket>,
}

/// Changes that are made together, and what is published of them.
#[derive(Debug, Default)]
pub(super) struct ChangeSet {
    pub(super) changes: Vec<Change>,
    /// The events that the records among the changes belong to.
    pub(super) events: EventIds,
    /// The file that was added to a folder by them.
    pub(super) placed: Option<Arc<Placed>>,
}

/// Writes to different files that were decided and are not appended yet.
#[derive(Default)]
struct Batch {
    sets: Vec<ChangeSet>,
    /// The calls of the writes, with their answers.
    calls: Vec<(Box<OpenCall>, Answer, oneshot::Sender<Outcome>)>,
    files: Vec<SmolStr>,
    bytes: usize,
}

/// The writer, as its thread has it.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Journal,
    /// New ids.
    pub(super) ids: Ids,
}

/// The jobs of the writer, and its thread. Dropped, it waits until every job is done.
#[derive(Debug)]
pub(super) struct WriterThread {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Starts the writer.
    ///
    /// # Errors
    /// Where the system cannot start a thread.
    pub(super) fn start(writer: Writer) -> io::Result<Self> {
        let (jobs, submitted) = channel();
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run(&submitted))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Queues a job. The number of queued jobs is bounded by that of the connections that wait for
    /// them.
    pub(super) fn submit(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread takes jobs as long as there is a sender.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported by itself.
            let _ = thread.join();
        }
    }
}

impl Writer {
    fn run(mut self, submitted: &Receiver<Job>) {
        while let Ok(first) = submitted.recv() {
            let mut batch = Batch::default();
            for job in iter::once(first).chain(submitted.try_iter()) {
                // A panic ends its own job without an answer, and no other.
                let _ = catch_unwind(AssertUnwindSafe(|| self.carry_out(job, &mut batch)));
            }
            let _ = catch_unwind(AssertUnwindSafe(|| self.write(batch)));
        }
    }

    fn carry_out(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Call(submission) => self.decide_call(submission, batch),
            Job::Change(change) => {
                self.write(mem::take(batch));
                change(self);
            }
        }
    }

    /// Decides a call, and adds what it writes to the batch. A call is decided against the state
    /// without the batch, so the batch is written first where it holds a write to the same file, or
    /// where the call may touch more than the metadata of one file.
    fn decide_call(&mut self, submission: Submission, batch: &mut Batch) {
        let Submission {
            mut call,
            request,
            prepared,
            reply,
        } = submission;
        let file_id = prepared.writes_only_to().cloned();
        let must_wait = |id: &SmolStr| batch.files.contains(id);
        if file_id.as_ref().is_none_or(must_wait) {
            self.write(mem::take(batch));
        }
        let decision = self.decision(&request, prepared, &mut call);
        if decision.changes.is_empty() {
            // A refusal does not wait for the batch.
            reply_with(reply, call, decision.answer, None);
            return;
        }
        let weight = decision.weight();
        let is_large = weight > LARGE_WRITE;
        if is_large || batch.bytes + weight > MAX_BATCH {
            self.write(mem::take(batch));
        }
        let is_alone = is_large || file_id.is_none();
        batch.add(file_id, weight, decision, call, reply);
        if is_alone {
            self.write(mem::take(batch));
        }
    }

    fn decision(&mut self, request: &Request, prepared: Prepared, call: &mut OpenCall) -> Decision {
        let now = self.shared.now();
        let state = self.shared.state();
        let decision = decide(&state, request, prepared, now, &mut self.ids);
        if let Some(file_id) = &decision.file_id {
            call.set_file(file_id.clone(), state.event_of_file(Some(file_id)));
        }
        decision
    }

    /// Appends, applies and publishes a batch, and replies to its calls.
    fn write(&mut self, batch: Batch) {
        if batch.calls.is_empty() {
            return;
        }
        let written = self.commit(batch.sets);
        for (call, answer, reply) in batch.calls {
            let (answer, ticket) = match &written {
                Ok(ticket) => (answer, ticket.clone()),
                Err(reason) => (errors::internal(reason.clone()), None),
            };
            reply_with(reply, call, answer, ticket);
        }
    }

    /// Makes changes: appends the records among them, applies them, and publishes them. Returns what
    /// to wait for before they may be acknowledged, under `--fsync`.
    ///
    /// # Errors
    /// Where the records cannot be appended; nothing has changed then.
    pub(super) fn commit(&mut self, mut sets: Vec<ChangeSet>) -> Result<Option<Ticket>, String> {
        let ticket = self.record(&mut sets)?;
        self.publish(sets);
        Ok(ticket)
    }

    /// Gives the records among the changes their numbers, appends them, all or none, and applies the
    /// changes. They are to be published next.
    ///
    /// # Errors
    /// Where the records cannot be appended; nothing has changed then.
    pub(super) fn record(&mut self, sets: &mut [ChangeSet]) -> Result<Option<Ticket>, String> {
        let before = self.journal.last();
        let changes = sets.iter_mut().flat_map(|set| &mut set.changes);
        for (seq, record) in (before + 1..).zip(changes.filter_map(Change::record_mut)) {
            record.seq = seq;
        }
        let changes = || sets.iter().flat_map(|set| &set.changes);
        let records = changes().filter_map(Change::record);
        let ticket = self.journal.append(records.map(|record| &**record))?;
        let mut state = self.shared.lock_state();
        changes().for_each(|change| state.apply(change));
        Ok(ticket)
    }

    /// Publishes changes in the order in which they were made.
    pub(super) fn publish(&self, sets: Vec<ChangeSet>) {
        let notices = sets.into_iter().flat_map(|set| {
            let records = set.changes.into_iter().filter_map(Change::into_record);
            let events = set.events;
            let written = records.map(move |record| {
                let events = events.clone();
                Notice::Written(Written { events, record })
            });
            written.chain(set.placed.map(Notice::Placed))
        });
        self.shared.notices.publish_all(notices.collect());
    }
}

impl Batch {
    fn add(
        &mut self,
        file_id: Option<SmolStr>,
        weight: usize,
        decision: Decision,
        call: Box<OpenCall>,
        reply: oneshot::Sender<Outcome>,
    ) {
        self.sets.push(ChangeSet {
            changes: decision.changes,
            events: call.events(),
            placed: decision.placed.map(Arc::from),
        });
        self.calls.push((call, decision.answer, reply));
        self.files.extend(file_id);
        self.bytes += weight;
    }
}

/// Registers events in one step.
pub(super) fn register_all(
    writer: &mut Writer,
    events: Vec<(Invocation<'static>, Registering)>,
    now: Timestamp,
) -> Vec<Invocation<'static>> {
    let mut state = writer.shared.lock_state();
    let register_one = |(event, how): (Invocation<'static>, Registering)| {
        let registered = register(&state, event, &how, now, &mut writer.ids);
        for change in &registered.changes {
            state.apply(change);
        }
        registered.event
    };
    events.into_iter().map(register_one).collect()
}

fn reply_with(
    reply: oneshot::Sender<Outcome>,
    call: Box<OpenCall>,
    answer: Answer,
    ticket: Option<Ticket>,
) {
    // Where the client has left, the call ends here, after its write was published.
    let _ = reply.send(Outcome {
        call,
        answer,
        ticket,
    });
}
