//! Notices in the order of what they report, in a ring that is bounded in number and bytes, and a
//! listener that wakes the tasks that wait for the next one. A reader that is too slow gets a notice
//! that it missed some. Publishing never waits for a reader.
//!
//! The ring is long for readers that are behind, and short when all have read: new notices
//! overwrite old ones, which takes longer in a long ring.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

use crate::domain::notice::Notice;

/// Notices that are kept for a reader.
const MAX_NOTICES: usize = 32 * 1024;
/// Bytes that are kept for a reader, about.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Notices that are kept though all readers have them: a reader that reconnects may have missed some.
const HISTORY: usize = 4 * 1024;
/// Bytes that are kept so, about.
const HISTORY_BYTES: usize = 4 * 1024 * 1024;

/// The ring and its listener.
#[derive(Debug)]
pub(super) struct Notices {
    ring: Arc<Mutex<Ring>>,
    notifier: watch::Sender<()>,
    /// Whether a reader has begun to listen since readers were last woken. A wake-up costs more than
    /// publishing, and under load all readers are busy reading.
    is_awaited: Arc<AtomicBool>,
}

/// Wakes a reader that has read everything.
#[derive(Debug)]
pub struct Listener {
    changes: watch::Receiver<()>,
    is_awaited: Arc<AtomicBool>,
}

impl Listener {
    /// Begins to listen. Read the ring after this, and before waiting for [`Listener::notified`]: no
    /// notice is missed then.
    pub fn listen(&mut self) {
        self.changes.mark_unchanged();
        self.is_awaited.store(true, Ordering::SeqCst);
    }

    /// Returns when something was published after [`Listener::listen`].
    pub async fn notified(&mut self) {
        if self.changes.changed().await.is_err() {
            // The mock is gone: nothing more is published.
            std::future::pending::<()>().await;
        }
    }
}

/// Reads notices from some number on. What it has not read is kept for it, within bounds.
#[derive(Debug)]
pub struct Subscription {
    ring: Arc<Mutex<Ring>>,
    /// Its place among the ring's readers.
    place: usize,
    listener: Listener,
}

impl Subscription {
    /// As [`Listener::listen`].
    pub fn listen(&mut self) {
        self.listener.listen();
    }

    /// Returns when something was published after [`Subscription::listen`].
    pub async fn notified(&mut self) {
        self.listener.notified().await;
    }

    /// Up to `most` notices that it has not read, and the number of the last of them. Where some
    /// are gone already, the first is a [`Notice::Gap`].
    pub fn read(&mut self, most: usize) -> (Vec<Notice>, u64) {
        self.read_wanted(most, |_| true)
    }

    /// The same, without those that are not wanted: cloning a notice takes longer than looking at it.
    pub fn read_wanted(
        &mut self,
        most: usize,
        wanted: impl FnMut(&Notice) -> bool,
    ) -> (Vec<Notice>, u64) {
        let mut ring = lock(&self.ring);
        let after = ring.readers[self.place].unwrap_or_default();
        let (found, last) = ring.after(after, most, wanted);
        ring.readers[self.place] = Some(last);
        (found, last)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.ring).readers[self.place] = None;
    }
}

#[derive(Debug, Default)]
struct Ring {
    notices: VecDeque<Notice>,
    /// The number of the newest; numbers start at 1.
    newest: u64,
    bytes: usize,
    /// The number of the last notice that each reader has read; `None` in places that are free.
    readers: Vec<Option<u64>>,
    /// The number up to which all of them had read when this was last computed.
    read_by_all: u64,
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            ring: Arc::default(),
            notifier: watch::Sender::new(()),
            is_awaited: Arc::default(),
        }
    }
}

impl Notices {
    /// Publishes a notice.
    pub(super) fn publish(&self, notice: Notice) {
        // Freed after the lock, which every publisher waits for.
        let gone = self.lock().push(notice);
        drop(gone);
        self.wake();
    }

    /// Publishes two notices, one right after the other.
    pub(super) fn publish_both(&self, first: Notice, second: Notice) {
        let gone = {
            let mut ring = self.lock();
            [ring.push(first), ring.push(second)]
        };
        drop(gone);
        self.wake();
    }

    /// Publishes several notices, one right after the other.
    pub(super) fn publish_all(&self, notices: Vec<Notice>) {
        let gone: Vec<Notice> = {
            let mut ring = self.lock();
            let pushed = notices.into_iter().map(|notice| ring.push(notice));
            pushed.flatten().collect()
        };
        drop(gone);
        self.wake();
    }

    fn wake(&self) {
        // Read first: a write to memory that all threads share costs far more than a read. A reader
        // sets the flag before it looks into the ring, so it has seen the notice or is seen here.
        let is_awaited = self.is_awaited.load(Ordering::SeqCst);
        if is_awaited && self.is_awaited.swap(false, Ordering::SeqCst) {
            self.notifier.send_replace(());
        }
    }

    /// The number of the newest notice; 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// A reader of the notices after number `after`; of those from now on, where that number is not
    /// reached yet.
    pub(super) fn subscribe_after(&self, after: u64) -> Subscription {
        Subscription {
            ring: Arc::clone(&self.ring),
            place: self.lock().take_place(after),
            listener: self.listener(),
        }
    }

    /// A reader of the notices from now on.
    pub(super) fn subscribe(&self) -> Subscription {
        self.subscribe_after(u64::MAX)
    }

    /// A listener that wakes when something is published.
    pub(super) fn listener(&self) -> Listener {
        Listener {
            changes: self.notifier.subscribe(),
            is_awaited: Arc::clone(&self.is_awaited),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }
}

impl Ring {
    /// Adds a notice, and returns one that was removed. If several are removed, the others are
    /// freed here: those that a large one replaces, and one more each time while a backlog
    /// that all readers have read shrinks.
    fn push(&mut self, notice: Notice) -> Option<Notice> {
        self.bytes += notice.weight();
        self.notices.push_back(notice);
        self.newest += 1;
        let mut gone = None;
        while self.is_above(MAX_NOTICES, MAX_BYTES) {
            gone = self.pop();
        }
        for _ in 0..2 {
            if self.is_above(HISTORY, HISTORY_BYTES) && self.is_oldest_read() {
                gone = self.pop();
            }
        }
        gone
    }

    fn is_above(&self, most: usize, most_bytes: usize) -> bool {
        self.notices.len() > most || self.bytes > most_bytes && self.notices.len() > 1
    }

    fn pop(&mut self) -> Option<Notice> {
        let gone = self.notices.pop_front()?;
        self.bytes -= gone.weight();
        Some(gone)
    }

    /// The number of the notice before the oldest that is kept.
    fn before_oldest(&self) -> u64 {
        self.newest - self.notices.len() as u64
    }

    /// Whether all readers have the oldest notice.
    fn is_oldest_read(&mut self) -> bool {
        /// There may be many readers.
        const LOOK_EVERY: u64 = 64;
        let oldest = self.before_oldest() + 1;
        if oldest > self.read_by_all && self.newest.is_multiple_of(LOOK_EVERY) {
            let read = self.readers.iter().flatten().min();
            self.read_by_all = read.copied().unwrap_or(self.newest);
        }
        oldest <= self.read_by_all
    }

    /// The index of a place for a reader of the notices after this number.
    fn take_place(&mut self, after: u64) -> usize {
        let after = after.min(self.newest);
        self.read_by_all = self.read_by_all.min(after);
        let place = self.readers.iter().position(Option::is_none);
        let place = place.unwrap_or_else(|| {
            self.readers.push(None);
            self.readers.len() - 1
        });
        self.readers[place] = Some(after);
        place
    }

    fn after(
        &self,
        after: u64,
        most: usize,
        mut wanted: impl FnMut(&Notice) -> bool,
    ) -> (Vec<Notice>, u64) {
        let oldest = self.before_oldest();
        let start = after.max(oldest).min(self.newest);
        let skip = usize::try_from(start - oldest).unwrap_or(usize::MAX);
        let read = self.notices.len().saturating_sub(skip).min(most);
        let mut found = Vec::with_capacity(read + 1);
        if after < oldest {
            found.push(Notice::Gap);
        }
        let notices = self.notices.iter().skip(skip).take(read);
        found.extend(notices.filter(|notice| wanted(notice)).cloned());
        (found, start + read as u64)
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
            ..Connection::default()
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
    fn readers_continue_where_they_stopped() {
        let bus = Notices::default();
        for text in ["a", "b", "c"] {
            bus.publish(notice(text));
        }
        let mut reader = bus.subscribe_after(0);
        let (first, last) = reader.read(2);
        assert_eq!((texts(&first), last), (vec!["a", "b"], 2));
        let (rest, last) = reader.read(9);
        assert_eq!((texts(&rest), last), (vec!["c"], 3));
        assert_eq!(reader.read(9).0.len(), 0);
        let (again, last) = bus.subscribe_after(2).read(9);
        assert_eq!((texts(&again), last), (vec!["c"], 3));
    }

    #[tokio::test]
    async fn notices_are_published_in_order_and_wake_the_reader() {
        let bus = Notices::default();
        let mut reader = bus.subscribe_after(0);
        reader.listen();
        bus.publish_both(notice("a"), notice("b"));
        reader.notified().await;
        reader.listen();
        bus.publish_all(["c", "d", "e"].map(notice).into());
        reader.notified().await;
        let (found, last) = reader.read(9);
        assert_eq!((texts(&found), last), (vec!["a", "b", "c", "d", "e"], 5));
    }

    #[tokio::test]
    async fn every_listener_wakes_for_a_notice_after_it_began_to_listen() {
        let bus = Notices::default();
        let mut listeners = [bus.listener(), bus.listener()];
        for _ in 0..3 {
            listeners.iter_mut().for_each(Listener::listen);
            bus.publish(notice("a"));
            bus.publish(notice("b"));
            for listener in &mut listeners {
                listener.notified().await;
            }
        }
        listeners[0].listen();
        let silent = futures_util::FutureExt::now_or_never(listeners[0].notified());
        assert!(silent.is_none());
    }

    #[test]
    fn slow_reader_gets_a_gap_and_the_ring_stays_bounded() {
        let bus = Notices::default();
        let mut reader = bus.subscribe_after(0);
        for _ in 0..MAX_NOTICES + 10 {
            bus.publish(notice("x"));
        }
        let (found, last) = reader.read(1);
        assert_eq!(texts(&found), ["gap", "x"]);
        assert_eq!(last, 11);
        bus.publish_all(vec![notice("x"); 9]);
        let (found, last) = reader.read(1);
        assert_eq!((texts(&found), last), (vec!["gap", "x"], 20));
        assert_eq!(bus.lock().notices.len(), MAX_NOTICES);
    }

    #[test]
    fn notices_that_are_not_wanted_count_as_read() {
        let bus = Notices::default();
        bus.publish_all(["a", "b", "a", "c"].map(notice).into());
        let mut reader = bus.subscribe_after(0);
        let is_no_a = |notice: &Notice| texts(std::slice::from_ref(notice)) != ["a"];
        let (found, last) = reader.read_wanted(3, is_no_a);
        assert_eq!((texts(&found), last), (vec!["b"], 3));
        let (found, last) = reader.read_wanted(3, is_no_a);
        assert_eq!((texts(&found), last), (vec!["c"], 4));
    }

    #[test]
    fn reader_after_a_future_number_gets_the_next_notices() {
        let bus = Notices::default();
        bus.publish(notice("a"));
        let mut readers = [bus.subscribe(), bus.subscribe_after(7)];
        bus.publish(notice("b"));
        for reader in &mut readers {
            let (found, last) = reader.read(9);
            assert_eq!((texts(&found), last), (vec!["b"], 2));
        }
        // The ring keeps later notices for them, as for any reader.
        (0..HISTORY * 2).for_each(|_| bus.publish(notice("x")));
        assert_eq!(bus.lock().notices.len(), HISTORY * 2);
    }

    #[test]
    fn notices_that_all_have_read_are_kept_for_a_while() {
        const MORE: usize = 1000;
        let bus = Notices::default();
        let kept = || bus.lock().notices.len();
        let publish = |number: usize| (0..number).for_each(|_| bus.publish(notice("x")));
        let (mut quick, mut slow) = (bus.subscribe_after(0), bus.subscribe_after(0));
        publish(HISTORY + MORE);
        quick.read(usize::MAX);
        publish(MORE);
        assert_eq!(kept(), HISTORY + 2 * MORE, "one is behind");
        assert_eq!(slow.read(1).1, 1, "and misses nothing");
        slow.read(usize::MAX);
        publish(3 * MORE);
        assert_eq!(kept(), HISTORY, "the backlog is given up");
        drop((quick, slow));
        publish(6 * MORE);
        assert_eq!(kept(), HISTORY);
        let late = bus.subscribe_after(0).read(1);
        assert_eq!(texts(&late.0), ["gap", "x"]);
        // A place that is free again is taken first.
        assert_eq!(bus.lock().readers, [None, None]);
    }
}
