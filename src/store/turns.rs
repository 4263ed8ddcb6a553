//! Turns: who changes something does so alone. Taking one is a lock, but for one thing: a task can
//! wait for its turn without holding up the thread that it runs on, for threads that sleep and
//! wake on a lock cost more than most of what is done in a turn.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use tokio::sync::Notify;

/// What is changed in turns.
pub(super) struct Turns<T> {
    inner: Mutex<T>,
    /// Told whenever a turn has ended.
    ended: Notify,
}

/// A turn; it ends when this goes.
pub(super) struct Turn<'a, T> {
    /// Always there, until the turn ends.
    guard: Option<MutexGuard<'a, T>>,
    ended: &'a Notify,
}

impl<T> Turns<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner: Mutex::new(inner),
            ended: Notify::new(),
        }
    }

    /// Waits on this thread.
    pub(super) fn take(&self) -> Turn<'_, T> {
        // A panic in a turn left what it changes between two changes at worst; serving on is
        // better than a mock that answers nothing any more.
        self.begin(self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits as a task.
    pub(super) async fn take_as_task(&self) -> Turn<'_, T> {
        /// Who comes while a turn ends may be first; after so many times it is waited for on this
        /// thread, so that nobody waits for ever.
        const PATIENCE: usize = 100;
        for _ in 0..PATIENCE {
            let mut ended = pin!(self.ended.notified());
            // From here on the end of a turn is heard.
            ended.as_mut().enable();
            if let Some(turn) = self.try_take() {
                return turn;
            }
            ended.await;
        }
        self.take()
    }

    /// Takes it where nobody has it.
    pub(super) fn try_take(&self) -> Option<Turn<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Some(self.begin(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(self.begin(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn begin<'a>(&'a self, guard: MutexGuard<'a, T>) -> Turn<'a, T> {
        Turn {
            guard: Some(guard),
            ended: &self.ended,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Turns<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("the turn lasts")
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("the turn lasts")
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        // Told when it has ended, not before: who hears of it tries at once.
        self.guard = None;
        self.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_task_and_every_thread_has_its_turn_alone() {
        const EACH: usize = 2000;
        let turns = Arc::new(Turns::new((0_usize, false)));
        let change = |mut turn: Turn<'_, (usize, bool)>| {
            assert!(!turn.1, "somebody else is in the middle of a turn");
            turn.1 = true;
            turn.0 += 1;
            turn.1 = false;
        };
        let tasks = (0..64).map(|_| {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move {
                for _ in 0..EACH {
                    change(turns.take_as_task().await);
                }
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let threads = (0..2).map(|_| {
            let turns = Arc::clone(&turns);
            tokio::task::spawn_blocking(move || (0..EACH).for_each(|_| change(turns.take())))
        });
        for done in tasks.into_iter().chain(threads.collect::<Vec<_>>()) {
            done.await.expect("nobody panics");
        }
        assert_eq!(turns.take().0, 66 * EACH);
    }

    #[tokio::test]
    async fn a_turn_goes_on_after_a_panic() {
        let turns = Arc::new(Turns::new(1));
        let other = Arc::clone(&turns);
        let panicked = tokio::task::spawn_blocking(move || {
            let _turn = other.take();
            panic!("in the middle of a turn");
        });
        assert!(panicked.await.is_err());
        assert_eq!(*turns.take_as_task().await, 1);
    }
}
