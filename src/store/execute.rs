//! A call to Box: opened by its head, then answered from the state, or decided by the writer. A call
//! that may change something is prepared without a lock, submitted, and awaited.

use std::sync::{Arc, atomic::Ordering};

use tokio::sync::oneshot;

use super::{
    call::OpenCall,
    core::Store,
    writer::{Job, Outcome, Submission},
};
use crate::mock_box::{
    Answer, Change, Head, Ids, Request, Seen, admit, decide, errors,
    faults::{Attempt, Strike},
    prepare,
};

impl Store {
    /// Opens a call by its head: what it is, and which body it accepts.
    pub fn open(&self, head: &Head) -> Box<OpenCall> {
        let now = self.now();
        let number = self.shared.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let (admission, file_event) = {
            let state = self.shared.state();
            let admission = admit(&state, head, now);
            let file_event = state.event_of_file(admission.seen.file_id.as_deref());
            (admission, file_event)
        };
        // A call that is refused has its own fault.
        let strike = match &admission.outcome {
            Ok(_) => self.strike(head, &admission.seen, file_event.as_deref()),
            Err(_) => None,
        };
        let shared = Arc::clone(&self.shared);
        Box::new(OpenCall::new(
            shared, head, admission, number, now, file_event, strike,
        ))
    }

    /// The fault that strikes a call, if any.
    fn strike(&self, head: &Head, seen: &Seen, file_event: Option<&str>) -> Option<Strike> {
        let mut faults = self.shared.lock_faults();
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
            // Not by the writer, which may wait for the disk: no other change depends on when a token
            // expires.
            self.shared
                .lock_state()
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
        let decision = decide(&self.shared.state(), request, prepared, call.at(), ids);
        call.struck(decision.answer)
    }

    /// Answers a call that may change something, once what it writes is recorded, under `--fsync` on
    /// the disk itself. Where the record file cannot be written, the answer is an error and nothing
    /// has changed. Once a call was submitted it is decided and recorded, whether or not the client
    /// waits.
    pub async fn execute(
        &self,
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
        // The writer may wait for the disk, and the call is open meanwhile.
        call.publish_open();
        let (reply, outcome) = oneshot::channel();
        self.writer.submit(Job::Call(Submission {
            call,
            request,
            prepared,
            reply,
        }));
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
}
