//! How what happens in a mock is published, and followed by the log, the admin API, the replay and
//! the pump.

use std::sync::Arc;

use super::{
    call_log::Entry,
    core::Store,
    notices::{Listener, Subscription},
};
use crate::domain::{
    notice::{Connection, Notice},
    stats::Totals,
};

impl Store {
    /// Publishes something that happened.
    pub fn publish(&self, notice: Notice) {
        self.shared.notices.publish(notice);
    }

    /// Publishes that a connection did not become a call.
    pub fn publish_connection(&self, kind: &str, host: Option<String>, text: String) {
        self.publish_on_connection(Connection {
            kind: kind.to_owned(),
            host,
            text,
            ..Connection::default()
        });
    }

    /// Publishes what happened on a connection, as of now.
    pub fn publish_on_connection(&self, connection: Connection) {
        self.publish(Notice::Connection(Arc::new(Connection {
            at: self.now(),
            ..connection
        })));
    }

    /// Follows what happens from now on.
    pub fn subscribe(&self) -> Subscription {
        self.shared.notices.subscribe()
    }

    /// Follows what happened after the notice with number `after`; from now on, where that is not
    /// reached yet.
    pub fn subscribe_after(&self, after: u64) -> Subscription {
        self.shared.notices.subscribe_after(after)
    }

    /// Learns that something happens, not what.
    pub fn listener(&self) -> Listener {
        self.shared.notices.listener()
    }

    /// The number of the newest notice; 0 before the first.
    pub fn newest_notice(&self) -> u64 {
        self.shared.notices.newest()
    }

    /// Up to `most` calls after number `after`, each with its number.
    pub fn calls(&self, after: u64, most: usize) -> Vec<(u64, Entry)> {
        self.shared.call_log.after(after, most)
    }

    /// How many calls there were since the start.
    pub fn call_totals(&self) -> Totals {
        self.shared.call_log.totals()
    }
}
