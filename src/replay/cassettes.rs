//! The cassettes of a run: which case has which, and the calls of providers to the skill that they hold.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::tracker::TrackedEvent;
use crate::{
    client::Http,
    delivery::CallbackClient,
    domain::{
        cassette::{
            deck::{Deck, Mode},
            exchange::Callback,
            values::EventValues,
        },
        event::invocation::Invocation,
        json::tree::Tape,
    },
};

/// How a case uses its cassette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseCassette {
    /// The number of its cassette in the deck, if it has one.
    pub index: Option<usize>,
    /// What happens to the calls of its events.
    pub mode: Mode,
}

/// The cassettes of a run.
#[derive(Clone, Debug)]
pub struct Cassettes {
    /// What answers and records calls; the mock of the run has the same.
    pub deck: Arc<Deck>,
    /// The cassettes by the names of the cases.
    pub by_case: Arc<HashMap<Arc<str>, CaseCassette>>,
    /// The mode of cases without a cassette.
    pub without: Mode,
    /// The URL of the mock, which skills may give to providers.
    pub mock_url: String,
    /// Calls the skill for its providers.
    pub http: Arc<Http>,
}

impl Cassettes {
    /// How a case uses its cassette.
    pub(super) fn of_case(&self, name: &str) -> CaseCassette {
        let without = CaseCassette {
            index: None,
            mode: self.without,
        };
        self.by_case.get(name).copied().unwrap_or(without)
    }

    /// The event of a case is about to be sent with this body.
    pub(super) fn begin(&self, case: &str, event_id: Arc<str>, body: &[u8]) {
        let CaseCassette { index, mode } = self.of_case(case);
        let event = Tape::read(body).ok();
        let event = event.and_then(|tape| Invocation::read(tape).ok());
        let values = event.map(|event| EventValues::new(&event, Some(&self.mock_url)));
        self.deck
            .begin(event_id, index, mode, values.unwrap_or_default());
    }
}

/// Sends the calls of providers to the skill, each when its time has come, until all are sent.
pub(super) async fn call_back(
    callbacks: Vec<Callback>,
    tracked: Arc<TrackedEvent>,
    caller: CallbackClient,
) {
    for callback in callbacks {
        tracked.provider_calls(callback.after).await;
        sleep(Duration::from_millis(callback.delay_ms)).await;
        let at = tracked.elapsed();
        let (target, reply) = caller.send(callback.request).await;
        tracked.called_back(target, reply, at);
    }
}
