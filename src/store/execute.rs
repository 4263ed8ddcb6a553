//! A call that may change something: decided, in its turn or beside it, written down, applied, told.

use std::sync::{Arc, MutexGuard};

use super::{
    Ledger, Store,
    call::OpenCall,
    event_of_file,
    group::{End, Gathering},
    journal::Ticket,
    turns::Turn,
    written,
};
use crate::{
    domain::notice::Notice,
    mock_box::{Answer, Decision, Ids, Prepared, Request, decide, errors, prepare},
};

/// What came of a call.
enum Done {
    /// It is answered with this, once the ticket, if there is one, lets it.
    Now(Answer, Option<Ticket>),
    /// The same, once it was written down with others.
    Then(Answer, Arc<End>),
}

impl Store {
    /// Decides a whole call, writes down what it changes, and applies it; takes down what was
    /// asked. Where the disk itself is to have the record before the answer goes out, there is a
    /// ticket to wait for it with, together with others.
    pub async fn execute(
        self: &Arc<Self>,
        mut call: Box<OpenCall>,
        request: Box<Request>,
    ) -> (Box<OpenCall>, Answer, Option<Ticket>) {
        let admitted = match call.struck_answer() {
            None => call.take_admitted(),
            Some(answer) => Err(answer),
        };
        let prepared = admitted.map(|admitted| prepare(&self.settings, admitted, &request));
        // Before anything is waited for: it was just read, and many wait.
        call.capture_request(&request.head.headers, &request.body);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(answer) => return (call, answer, None),
        };
        let done = if let Some(gathering) = self.gathering_for(prepared.writes_only_to()) {
            self.gather(gathering, &request, prepared, &mut call)
        } else {
            // Whoever waits is open meanwhile.
            call.publish_open();
            let turn = self.turns.take_as_task().await;
            self.in_turn(turn, &request, prepared, &mut call)
        };
        // The call may wait for others, and need not hold it.
        drop(request);
        let (call, answer, ticket) = match done {
            Done::Now(answer, ticket) => (call, answer, ticket),
            Done::Then(answer, end) => match self.joined(call, end).ended().await {
                (call, Ok(ticket)) => (call, answer, ticket),
                (call, Err(reason)) => (call, errors::internal(reason), None),
            },
        };
        let answer = call.struck(answer);
        (call, answer, ticket)
    }

    /// Decides a call that writes to one file alone, and takes what it writes in.
    fn gather(
        self: &Arc<Self>,
        mut gathering: MutexGuard<'_, Gathering>,
        request: &Request,
        prepared: Prepared,
        call: &mut OpenCall,
    ) -> Done {
        let file_id = prepared.writes_only_to().cloned();
        let decision = self.decided(&mut gathering.ids, request, prepared, call);
        let weight = decision.weight();
        let Decision {
            answer, changes, ..
        } = decision;
        match file_id {
            Some(file_id) if !changes.is_empty() => {
                Done::Then(answer, self.join(gathering, file_id, weight, changes, call))
            }
            // What is refused waits for nobody.
            _ => Done::Now(answer, None),
        }
    }

    fn in_turn(
        self: &Arc<Self>,
        turn: Turn<'_, Ledger>,
        request: &Request,
        prepared: Prepared,
        call: &mut OpenCall,
    ) -> Done {
        let file_id = prepared.writes_only_to();
        if let Some(gathering) = self.gathering_in_turn(file_id, &turn) {
            return self.gather(gathering, &request, prepared, call);
        }
        let is_of_one_file = file_id.is_some();
        let mut alone = self.alone(turn);
        if is_of_one_file {
            // What it waited for is written down.
            return self.gather(alone.gathering, request, prepared, call);
        }
        let decision = self.decided(&mut alone.gathering.ids, request, prepared, call);
        self.carried_out(&mut alone.ledger, decision, call)
            .unwrap_or_else(|reason| Done::Now(errors::internal(reason), None))
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

    /// Carries out what stands for itself, and tells of it.
    fn carried_out(
        &self,
        ledger: &mut Ledger,
        mut decision: Decision,
        call: &mut OpenCall,
    ) -> Result<Done, String> {
        call.publish_open();
        let ticket = self.carry_out(ledger, &mut decision)?;
        // Told while the turn lasts: the order of the stream is that of the writes.
        for record in decision.records() {
            self.notices
                .publish(written(call.events(), Arc::clone(record)));
        }
        if let Some(placed) = decision.placed {
            self.notices.publish(Notice::Placed(Arc::from(placed)));
        }
        Ok(Done::Now(decision.answer, ticket))
    }
}
