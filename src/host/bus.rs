//! The bus: notices in the order in which they happened, in a ring that is bounded in number and
//! bytes, and a bell that wakes whoever waits for the next one. A reader that is too slow is told
//! that it missed some; nobody who writes ever waits for a reader.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

use crate::domain::notice::Notice;

const MOST: usize = 32 * 1024;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The ring and its bell.
#[derive(Debug)]
pub struct Bus {
    ring: Mutex<Ring>,
    rope: watch::Sender<()>,
    /// Whether somebody has begun to listen since the bell last rang. Ringing costs more than
    /// telling, and under load everybody who reads is busy reading.
    is_awaited: Arc<AtomicBool>,
}

/// Wakes a reader that has read everything.
#[derive(Debug)]
pub struct Bell {
    heard: watch::Receiver<()>,
    is_awaited: Arc<AtomicBool>,
}

impl Bell {
    /// From now on the bell counts. What is in the ring is to be looked at after this, and before
    /// [`Bell::rung`] is waited for.
    pub fn listen(&mut self) {
        self.heard.mark_unchanged();
        self.is_awaited.store(true, Ordering::SeqCst);
    }

    /// Returns when something was told after [`Bell::listen`].
    pub async fn rung(&mut self) {
        if self.heard.changed().await.is_err() {
            // The bus is gone, and with it whatever could be told.
            std::future::pending::<()>().await;
        }
    }
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
            rope: watch::Sender::new(()),
            is_awaited: Arc::default(),
        }
    }
}

impl Bus {
    /// Tells everybody.
    pub fn tell(&self, notice: Notice) {
        // What goes is freed after the lock, which everybody waits for.
        let gone = self.lock().push(notice);
        drop(gone);
        self.wake();
    }

    /// Tells everybody of two things, one right after the other.
    pub fn tell_both(&self, first: Notice, second: Notice) {
        let gone = {
            let mut ring = self.lock();
            [ring.push(first), ring.push(second)]
        };
        drop(gone);
        self.wake();
    }

    /// Tells everybody of several things, one right after the other.
    pub fn tell_all(&self, notices: Vec<Notice>) {
        let gone: Vec<Notice> = {
            let mut ring = self.lock();
            let pushed = notices.into_iter().map(|notice| ring.push(notice));
            pushed.flatten().collect()
        };
        drop(gone);
        self.wake();
    }

    fn wake(&self) {
        // Looked at first: to write to what all threads share costs far more than to read it. Who
        // listens says so before it looks into the ring, so it has seen the notice or is seen here.
        let is_awaited = self.is_awaited.load(Ordering::SeqCst);
        if is_awaited && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.rope.send_replace(());
        }
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

    /// A bell that rings when something is told.
    pub fn bell(&self) -> Bell {
        Bell {
            heard: self.rope.subscribe(),
            is_awaited: Arc::clone(&self.is_awaited),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Adds a notice, and gives the one that has no room any more. Where a large one takes the
    /// room of several, it is the last of those.
    fn push(&mut self, notice: Notice) -> Option<Notice> {
        self.bytes += notice.weight();
        self.notices.push_back(notice);
        self.newest += 1;
        let mut gone = None;
        while self.notices.len() > MOST || self.bytes > MOST_BYTES && self.notices.len() > 1 {
            gone = self.notices.pop_front();
            self.bytes -= gone.as_ref().map_or(0, Notice::weight);
        }
        gone
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

    #[tokio::test]
    async fn several_things_are_told_in_order_and_heard() {
        let bus = Bus::default();
        let mut bell = bus.bell();
        bell.listen();
        bus.tell_both(notice("a"), notice("b"));
        bell.rung().await;
        bell.listen();
        bus.tell_all(["c", "d", "e"].map(notice).into());
        bell.rung().await;
        let (found, last) = bus.after(0, 9);
        assert_eq!((texts(&found), last), (vec!["a", "b", "c", "d", "e"], 5));
    }

    #[tokio::test]
    async fn every_listener_hears_what_is_told_after_it_began_to_listen() {
        let bus = Bus::default();
        let mut bells = [bus.bell(), bus.bell()];
        for _ in 0..3 {
            bells.iter_mut().for_each(Bell::listen);
            bus.tell(notice("a"));
            bus.tell(notice("b"));
            for bell in &mut bells {
                bell.rung().await;
            }
        }
        bells[0].listen();
        let silent = futures_util::FutureExt::now_or_never(bells[0].rung());
        assert!(silent.is_none());
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
        bus.tell_all(vec![notice("x"); 5]);
        let (found, last) = bus.after(0, 1);
        assert_eq!((texts(&found), last), (vec!["gap", "x"], 16));
        assert_eq!(bus.lock().notices.len(), MOST);
    }
}
