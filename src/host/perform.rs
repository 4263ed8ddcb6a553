//! A call that may change something: decided, in its turn or beside it, written down, applied, told.

use std::sync::{Arc, MutexGuard};

use super::{
    Host, Ledger,
    call::OpenCall,
    event_of_file,
    group::{Gathering, Joined},
    turns::Turn,
    written,
};
use crate::{
    domain::notice::Notice,
    journal::Ticket,
    mock_box::{Answer, Decision, Ids, Prepared, Request, decide, errors, prepare},
};

/// What came of a call.
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
        let done = if let Some(gathering) = self.gathering_for(prepared.writes_only_to()) {
            self.gather(gathering, prepared, call)
        } else {
            // Whoever waits is open meanwhile.
            call.tell_open();
            let turn = self.turns.take_as_task().await;
            self.in_turn(turn, prepared, call)
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

    /// Decides a call that writes to one file alone, and takes what it writes in.
    fn gather<'a>(
        self: &'a Arc<Self>,
        mut gathering: MutexGuard<'_, Gathering>,
        prepared: Prepared<'_>,
        call: &mut OpenCall,
    ) -> Done<'a> {
        let file_id = prepared.writes_only_to().cloned();
        let decision = self.decided(&mut gathering.ids, prepared, call);
        match file_id {
            Some(file_id) if !decision.changes.is_empty() => {
                Done::InGroup(self.join(gathering, file_id, decision, call))
            }
            // What is refused waits for nobody.
            _ => Done::Alone(decision.answer, None),
        }
    }

    fn in_turn<'a>(
        self: &'a Arc<Self>,
        turn: Turn<'_, Ledger>,
        prepared: Prepared<'_>,
        call: &mut OpenCall,
    ) -> Done<'a> {
        let file_id = prepared.writes_only_to();
        if let Some(gathering) = self.gathering_in_turn(file_id, &turn) {
            return self.gather(gathering, prepared, call);
        }
        let is_of_one_file = file_id.is_some();
        let mut alone = self.alone(turn);
        if is_of_one_file {
            // What it waited for is written down.
            return self.gather(alone.gathering, prepared, call);
        }
        let decision = self.decided(&mut alone.gathering.ids, prepared, call);
        self.carried_out(&mut alone.ledger, decision, call)
            .unwrap_or_else(|reason| Done::Alone(errors::internal(reason), None))
    }

    fn decided(&self, ids: &mut Ids, prepared: Prepared<'_>, call: &mut OpenCall) -> Decision {
        let now = self.now();
        let state = self.state();
        let decision = decide(&state, prepared, now, ids);
        if let Some(file_id) = &decision.file_id {
            call.names_file(file_id.clone(), event_of_file(&state, Some(file_id)));
        }
        decision
    }

    /// Carries out what stands for itself, and tells of it.
    fn carried_out(
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
