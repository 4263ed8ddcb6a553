//! A call that may change something, in its turn: decided, written down, applied, told.

use std::sync::Arc;

use super::{Host, Ledger, call::OpenCall, event_of_file, group::Joined, turns::Turn, written};
use crate::{
    domain::notice::Notice,
    journal::Ticket,
    mock_box::{Answer, Decision, Prepared, Request, decide, errors, prepare},
};

/// Bytes of a write that is not written down with others.
const LARGE: usize = 16 * 1024;

/// What came of a call in its turn.
enum Done<'a> {
    /// It is answered with this, once the ticket, if there is one, lets it.
    Alone(Answer, Option<Ticket>),
    /// It is written down with others.
    InGroup(Joined<'a>),
}

impl Host {
    /// Decides a whole call, writes down what it changes, and applies it; takes down what was
    /// asked. Where the disk itself is to have the record before the answer goes out, there is a
    /// ticket to wait for it with, together with others.
    pub async fn perform(
        self: &Arc<Self>,
        call: &mut OpenCall,
        request: Box<Request>,
    ) -> (Answer, Option<Ticket>) {
        let admitted = match call.struck_answer() {
            None => call.take_admitted(),
            Some(answer) => Err(answer),
        };
        let prepared = admitted.map(|admitted| prepare(&self.settings, admitted, &request));
        // Before anything is waited for: it was just read, and many wait.
        call.asked(&request.head.headers, &request.body);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(answer) => return (answer, None),
        };
        let done = {
            let ledger = if let Some(ledger) = self.turns.try_take() {
                ledger
            } else {
                // Whoever waits is open meanwhile.
                call.tell_open();
                self.turns.take_as_task().await
            };
            self.in_turn(ledger, call, prepared)
        };
        // The call may wait for others, and need not hold it.
        drop(request);
        let (answer, ticket) = match done {
            Done::Alone(answer, ticket) => (answer, ticket),
            Done::InGroup(mut joined) => {
                joined.ended().await;
                joined.answer()
            }
        };
        (call.struck(answer), ticket)
    }

    fn in_turn<'a>(
        self: &'a Arc<Self>,
        mut ledger: Turn<'_, Ledger>,
        call: &mut OpenCall,
        prepared: Prepared<'_>,
    ) -> Done<'a> {
        let file_id = prepared.writes_only_to().cloned();
        if file_id.as_deref().is_none_or(|it| ledger.group.has(it)) {
            self.end_group(&mut ledger);
        }
        let now = self.now();
        let decision = {
            let state = self.state();
            let decision = decide(&state, prepared, now, &mut ledger.ids);
            if let Some(file_id) = &decision.file_id {
                call.names_file(file_id.clone(), event_of_file(&state, Some(file_id)));
            }
            decision
        };
        let done = match file_id {
            // What is refused waits for nobody.
            Some(_) if decision.changes.is_empty() => Ok(Done::Alone(decision.answer, None)),
            // For what is large there may be no room where there is for the others.
            Some(_) if decision.weight() > LARGE => {
                let before = ledger.journal.last();
                self.end_group(&mut ledger);
                let decision = decision.numbered_after(ledger.journal.last() - before);
                self.alone(&mut ledger, decision, call)
            }
            Some(file_id) => self
                .join(&mut ledger, file_id, decision, call)
                .map(Done::InGroup),
            None => self.alone(&mut ledger, decision, call),
        };
        done.unwrap_or_else(|reason| Done::Alone(errors::internal(reason), None))
    }

    /// Carries out what stands for itself, and tells of it.
    fn alone(
        &self,
        ledger: &mut Ledger,
        decision: Decision,
        call: &mut OpenCall,
    ) -> Result<Done<'static>, String> {
        call.tell_open();
        let ticket = self.carry_out(ledger, &decision)?;
        // Told while the turn lasts: the order of the stream is that of the writes.
        for record in decision.records() {
            self.bus.tell(written(call.events(), Arc::clone(record)));
        }
        if let Some(placed) = decision.placed {
            self.bus.tell(Notice::Placed(Arc::from(placed)));
        }
        Ok(Done::Alone(decision.answer, ticket))
    }
}
