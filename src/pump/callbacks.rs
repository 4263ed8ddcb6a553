//! The calls of providers to the skill that a cassette holds: each is sent when its event was accepted and
//! so many calls to providers were answered.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    delivery::CallbackClient,
    domain::{
        call::EventIds,
        cassette::deck::Deck,
        notice::{Connection, Notice},
        outcome::Reply,
    },
    store::{Store, Subscription},
};

/// Calls the skill as its providers do.
#[derive(Debug)]
pub struct Callbacks {
    /// Holds the calls.
    pub deck: Arc<Deck>,
    /// Sends them.
    pub client: CallbackClient,
}

impl Callbacks {
    /// Sends the calls that belong to an event, and publishes what the skill answers. The calls to
    /// providers after notice `before` are counted.
    pub(super) async fn send(&self, event_id: &str, store: &Store, before: u64) {
        /// A skill that does not call its provider is not waited for without an end.
        const MAX_WAIT: Duration = Duration::from_mins(10);
        let mut answered = AnsweredCalls {
            event_id,
            reader: store.subscribe_after(before),
            count: 0,
        };
        for callback in self.deck.callbacks(event_id) {
            let reached = timeout(MAX_WAIT, answered.until(callback.after)).await;
            if reached.is_err() {
                return;
            }
            sleep(Duration::from_millis(callback.delay_ms)).await;
            let (target, reply) = self.client.send(callback.request).await;
            store.publish_on_connection(Connection {
                kind: "callback".to_owned(),
                text: format!(
                    "the provider called the skill back: {target} {}",
                    words(&reply)
                ),
                events: EventIds::new(Some(event_id.into()), None),
                ..Connection::default()
            });
        }
    }
}

fn words(reply: &Reply) -> String {
    match reply {
        Reply::Answered { status, .. } => format!("was answered {status}"),
        Reply::Late(ms) => format!("had no answer within {} s", ms / 1000.0),
        Reply::Failed(reason) => format!("had no answer: {reason}"),
    }
}

/// Counts the calls of an event to providers that were answered.
struct AnsweredCalls<'a> {
    event_id: &'a str,
    reader: Subscription,
    count: usize,
}

impl AnsweredCalls<'_> {
    async fn until(&mut self, number: usize) {
        const MAX_NOTICES: usize = 256;
        while self.count < number {
            self.reader.listen();
            let (notices, _) = self.reader.read(MAX_NOTICES);
            if notices.is_empty() {
                self.reader.notified().await;
            }
            self.count += notices.iter().filter(|notice| self.counts(notice)).count();
        }
    }

    /// A call that belongs to no event that is known may belong to this one.
    fn counts(&self, notice: &Notice) -> bool {
        let Notice::Connection(connection) = notice else {
            return false;
        };
        let is_answered = connection
            .provider
            .as_ref()
            .is_some_and(|call| call.from.is_some());
        is_answered && (connection.events.is_empty() || connection.events.contains(self.event_id))
    }
}
