//! The bus: notices in the order in which they happened, in a ring that is bounded in number and
//! bytes, and a bell that wakes whoever waits for the next one. A reader that is too slow is told
//! that it missed some; nobody who writes ever waits for a reader.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::notice::Notice;

const MOST: usize = 32 * 1024;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The ring and its bell.
#[derive(Debug)]
pub struct Bus {
    ring: Mutex<Ring>,
    bell: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    notices: VecDeque<Notice>,
    /// The number of the newest; numbers start at 1.
    newest: u64,
    bytes: usize,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            ring: Mutex::default(),
            bell: watch::Sender::new(0),
        }
    }
}

impl Bus {
    /// Tells everybody.
    pub fn tell(&self, notice: Notice) {
        let newest = self.lock().push(notice);
        self.bell.send_replace(newest);
    }

    /// The number of the newest notice; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// Up to `most` notices after number `after`, and the number of the last of them. Where some
    /// of those asked for are gone already, the first is a [`Notice::Gap`].
    pub fn after(&self, after: u64, most: usize) -> (Vec<Notice>, u64) {
        self.lock().after(after, most)
    }

    /// A bell that rings when there is something newer than what it last showed.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, notice: Notice) -> u64 {
        self.bytes += notice.weight();
        self.notices.push_back(notice);
        while self.notices.len() > MOST || self.bytes > MOST_BYTES && self.notices.len() > 1 {
            let Some(gone) = self.notices.pop_front() else {
                break;
            };
            self.bytes -= gone.weight();
        }
        self.newest += 1;
        self.newest
    }

    fn after(&self, after: u64, most: usize) -> (Vec<Notice>, u64) {
        let oldest = self.newest - self.notices.len() as u64;
        let start = after.max(oldest).min(self.newest);
        let mut found = Vec::new();
        if after < oldest {
            found.push(Notice::Gap);
        }
        let skip = usize::try_from(start - oldest).unwrap_or(usize::MAX);
        let before = found.len();
        found.extend(self.notices.iter().skip(skip).take(most).cloned());
        let last = start + (found.len() - before) as u64;
        (found, last)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::notice::Connection;

    fn notice(text: &str) -> Notice {
        Notice::Connection(Arc::new(Connection {
            at: Timestamp::UNIX_EPOCH,
            kind: "malformed".to_owned(),
            host: None,
            text: text.to_owned(),
        }))
    }

    fn texts(notices: &[Notice]) -> Vec<&str> {
        notices
            .iter()
            .map(|notice| match notice {
                Notice::Connection(connection) => connection.text.as_str(),
                _ => "gap",
            })
            .collect()
    }

    #[test]
    fn readers_go_on_from_where_they_were() {
        let bus = Bus::default();
        for text in ["a", "b", "c"] {
            bus.tell(notice(text));
        }
        let (first, last) = bus.after(0, 2);
        assert_eq!((texts(&first), last), (vec!["a", "b"], 2));
        let (rest, last) = bus.after(last, 9);
        assert_eq!((texts(&rest), last), (vec!["c"], 3));
        assert_eq!(bus.after(3, 9).0.len(), 0);
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed_and_the_ring_stays_bounded() {
        let bus = Bus::default();
        for _ in 0..MOST + 10 {
            bus.tell(notice("x"));
        }
        let (found, last) = bus.after(0, 1);
        assert_eq!(texts(&found), ["gap", "x"]);
        assert_eq!(last, 11);
        assert_eq!(bus.lock().notices.len(), MOST);
    }
}
