//! Calls that were submitted to the writer and are not decided yet, in their order.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{call::OpenCall, journal::Ticket};
use crate::mock_box::{Answer, Prepared, Request};

/// A call for the writer to decide.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) call: Box<OpenCall>,
    pub(super) request: Box<Request>,
    pub(super) prepared: Prepared,
    /// Where the outcome goes. Where the client has left, the call ends there.
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

/// The queue. It holds at most one call for each open connection.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    submissions: Vec<Submission>,
    /// Whether a task is on its way that empties the queue.
    is_attended: bool,
}

impl Queue {
    /// Adds a call; says whether the caller must see that the queue is emptied.
    pub(super) fn push(&self, submission: Submission) -> bool {
        let mut waiting = self.lock();
        waiting.submissions.push(submission);
        !mem::replace(&mut waiting.is_attended, true)
    }

    /// Takes all calls. Where there is none, the next [`Queue::push`] asks for another task.
    pub(super) fn take(&self) -> Vec<Submission> {
        let mut waiting = self.lock();
        waiting.is_attended = !waiting.submissions.is_empty();
        mem::take(&mut waiting.submissions)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
