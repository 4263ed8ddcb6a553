//! What the store, its writer and the open calls share: the state, the faults, the notices and the
//! call log. Locks are taken in this order, and nothing waits while it holds one.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::AtomicU64,
    },
};

use jiff::Timestamp;

use super::{call_log::CallLog, notices::Notices};
use crate::{
    env::Clock,
    mock_box::{State, faults::Faults},
};

/// The shared parts of a mock.
pub(super) struct Shared {
    state: RwLock<State>,
    faults: Mutex<Faults>,
    /// Everything that happens, in order.
    pub(super) notices: Notices,
    /// The last calls, with heads and bodies.
    pub(super) call_log: CallLog,
    /// How many calls were opened.
    pub(super) opened: AtomicU64,
    clock: Clock,
}

// A panic while a lock was held left the data between two changes at worst. A mock that answers is
// better than one that does not.
impl Shared {
    pub(super) fn new(state: State, faults: Faults, clock: Clock) -> Self {
        Self {
            state: RwLock::new(state),
            faults: Mutex::new(faults),
            notices: Notices::default(),
            call_log: CallLog::default(),
            opened: AtomicU64::new(0),
            clock,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the writer, and for changes that no other change depends on.
    pub(super) fn lock_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shared")
    }
}
