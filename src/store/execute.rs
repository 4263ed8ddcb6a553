//! A call to Box: opened by its head, then answered from the state, or decided by the one writer.
//!
//! A call that may change something is prepared without a lock, submitted, and awaited. The writer
//! takes everything that was submitted, decides it in order, and appends, applies and publishes
//! writes to different files together: the system takes hardly longer to append forty lines than
//! one.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use smol_str::SmolStr;
use tokio::{sync::oneshot, task::yield_now};

use super::{
    call::OpenCall,
    core::{Store, event_of_file},
    journal::Ticket,
    queue::{Outcome, Submission},
    writer::{ChangeSet, Writer},
};
use crate::{
    domain::notice::Notice,
    mock_box::{
        Answer, Change, Decision, Head, Ids, Prepared, Request, Seen, admit, decide, errors,
        faults::{Attempt, Strike},
        prepare,
    },
};

/// A write of this many bytes is appended alone: where the disk is nearly full, it may fail where
/// small ones succeed.
const LARGE_WRITE: usize = 16 * 1024;
/// About how many bytes are appended together at most.
const MAX_BATCH: usize = 128 * 1024;

/// Writes to different files that were decided and are not appended yet.
#[derive(Default)]
struct Batch {
    sets: Vec<ChangeSet>,
    /// The calls of the writes, with their answers.
    calls: Vec<(Box<OpenCall>, Answer, oneshot::Sender<Outcome>)>,
    files: Vec<SmolStr>,
    bytes: usize,
}

impl Store {
    /// Opens a call by its head: what it is, and which body it accepts.
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
        let activity = Arc::clone(&self.activity);
        Box::new(OpenCall::new(
            activity, head, admission, number, now, file_event, strike,
        ))
    }

    /// The fault that strikes a call, if any.
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
            let _writer = self.writer();
            self.state_to_change()
                .apply(&Change::ExpireToken(token, fault));
        }
        Some(strike)
    }

    /// Answers a call that changes nothing, from the state as it is.
    pub fn answer_read(&self, call: &mut OpenCall, request: &Request) -> Answer {
        if let Some(answer) = call.struck_answer() {
            return answer;
        }
        let admitted = match call.take_admitted() {
            Ok(admitted) => admitted,
            Err(answer) => return answer,
        };
        let prepared = prepare(&self.settings, admitted, request);
        // Nothing that is only read needs a new id.
        let ids = &mut Ids::new(0);
        let decision = decide(&self.state(), request, prepared, call.at(), ids);
        call.struck(decision.answer)
    }

    /// Answers a call that may change something, once what it writes is recorded, under `--fsync` on
    /// the disk itself. Where the record file cannot be written, the answer is an error and nothing
    /// has changed. Once a call was submitted it is decided and recorded, whether or not the client
    /// waits.
    pub async fn execute(
        self: &Arc<Self>,
        mut call: Box<OpenCall>,
        request: Box<Request>,
    ) -> (Box<OpenCall>, Answer) {
        let admitted = match call.struck_answer() {
            None => call.take_admitted(),
            Some(answer) => Err(answer),
        };
        let prepared = admitted.map(|admitted| prepare(&self.settings, admitted, &request));
        // Now, while the processor still has what was just read.
        call.capture_request(&request.head.headers, &request.body);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(answer) => return (call, answer),
        };
        if self.is_writing() {
            // It waits, and is open meanwhile.
            call.publish_open();
        }
        let (reply, outcome) = oneshot::channel();
        let is_first = self.queue.push(Submission {
            call,
            request,
            prepared,
            reply,
        });
        if is_first {
            // A task of its own: a client that leaves takes its call with it, not the writer.
            let attendant = Attendant {
                store: Arc::clone(self),
                is_done: false,
            };
            tokio::spawn(attendant.attend());
        }
        let outcome = outcome.await;
        let Outcome {
            call,
            answer,
            ticket,
        } = outcome.expect("the writer replies unless it panics, and then so does the call");
        let answer = match ticket {
            None => answer,
            Some(ticket) => match ticket.wait().await {
                Ok(()) => answer,
                Err(reason) => errors::internal(reason),
            },
        };
        let answer = call.struck(answer);
        (call, answer)
    }

    /// Decides and writes all that was submitted, where nobody is left to do so.
    pub fn settle(&self) {
        while self.write_submitted() {}
    }

    /// Decides and writes what was submitted so far; says whether there was anything.
    fn write_submitted(&self) -> bool {
        // Taken under the writer's lock, so that the order stays.
        let mut writer = self.writer();
        let submissions = self.queue.take();
        if submissions.is_empty() {
            return false;
        }
        // A panic must not end the writer. The calls that it leaves without an answer end without
        // one: nothing of them was acknowledged.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            self.decide_all(&mut writer, submissions);
        }));
        true
    }

    /// Decides calls in order, and writes them in batches. A call is decided against the state
    /// without the batch, so the batch is written first where it holds a write to the same file, or
    /// where the call may touch more than the metadata of one file.
    fn decide_all(&self, writer: &mut Writer, submissions: Vec<Submission>) {
        let mut batch = Batch::default();
        for submission in submissions {
            let file_id = submission.prepared.writes_only_to().cloned();
            let must_wait = |id: &SmolStr| batch.files.contains(id);
            if file_id.as_ref().is_none_or(must_wait) {
                self.write(writer, mem::take(&mut batch));
            }
            let Submission {
                mut call,
                request,
                prepared,
                reply,
            } = submission;
            let decided = catch_unwind(AssertUnwindSafe(|| {
                self.decided(&mut writer.ids, &request, prepared, &mut call)
            }));
            // A decision that panics ends its own call without an answer, and no other.
            let Ok(decision) = decided else {
                continue;
            };
            if decision.changes.is_empty() {
                // A refusal waits for nobody.
                reply_with(reply, call, decision.answer, None);
                continue;
            }
            let weight = decision.weight();
            let is_large = weight > LARGE_WRITE;
            if is_large || batch.bytes + weight > MAX_BATCH {
                self.write(writer, mem::take(&mut batch));
            }
            let is_alone = is_large || file_id.is_none();
            batch.add(file_id, weight, decision, call, reply);
            if is_alone {
                self.write(writer, mem::take(&mut batch));
            }
        }
        self.write(writer, batch);
    }

    fn decided(
        &self,
        ids: &mut Ids,
        request: &Request,
        prepared: Prepared,
        call: &mut OpenCall,
    ) -> Decision {
        let now = self.now();
        let state = self.state();
        let decision = decide(&state, request, prepared, now, ids);
        if let Some(file_id) = &decision.file_id {
            call.names_file(file_id.clone(), event_of_file(&state, Some(file_id)));
        }
        decision
    }

    /// Appends, applies and publishes a batch, and replies to its calls.
    fn write(&self, writer: &mut Writer, batch: Batch) {
        let Batch {
            sets, mut calls, ..
        } = batch;
        if calls.is_empty() {
            return;
        }
        // Published before, for the disk may take its time.
        let openings = calls
            .iter_mut()
            .filter_map(|(call, ..)| call.take_opening());
        let openings = openings.map(Notice::Opened).collect();
        self.activity.notices.publish_all(openings);
        let written = self.commit(writer, sets);
        for (call, answer, reply) in calls {
            let (answer, ticket) = match &written {
                Ok(ticket) => (answer, ticket.clone()),
                Err(reason) => (errors::internal(reason.clone()), None),
            };
            reply_with(reply, call, answer, ticket);
        }
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

/// Sees that the queue is emptied, also where the runtime ends before.
struct Attendant {
    store: Arc<Store>,
    /// Whether it has found the queue empty: the next call to be submitted has another attendant.
    is_done: bool,
}

impl Attendant {
    async fn attend(mut self) {
        while !self.is_done {
            // The tasks that are ready submit first.
            yield_now().await;
            self.is_done = !self.store.write_submitted();
        }
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        // Not where it is done: it would write for other runtimes, and hold up its own meanwhile.
        if !self.is_done {
            self.store.settle();
        }
    }
}
