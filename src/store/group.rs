//! Writes that come at the same time go into the record file together: one line costs the system as
//! much as forty. Each is decided against what stands, beside the turn of whoever writes down; it is
//! gathered where no other that is not written down is about the same file, so that it would be
//! decided alike after them. Only when the record file has all lines of a group are they applied,
//! told and answered, in their order; where it has not, each is an error and nothing has changed.

mod gathering;

use std::{
    future::poll_fn,
    hint, mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError},
    task::{Context, Poll, Waker},
};

use smol_str::SmolStr;
use tokio::runtime::{Handle, Id};

use super::{Ledger, Store, call::OpenCall, journal::Ticket, turns::Turn, written};
use crate::{domain::notice::Notice, mock_box::Change};
pub(super) use gathering::Gathering;
use gathering::{Group, Member};

/// A call that waits for the end of its group.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    store: &'a Store,
    /// There until it need not wait any more.
    call: Option<Box<OpenCall>>,
    end: Arc<End>,
}

/// The end of a group, and what came of it.
#[derive(Debug, Default)]
pub(super) struct End {
    result: OnceLock<Result<Option<Ticket>, String>>,
    waiting: Mutex<Waiting>,
}

/// Who waits for the end of a group.
#[derive(Debug, Default)]
struct Waiting {
    wakers: Vec<Waker>,
    /// Calls whose clients went away. They close then: not before their write is told.
    left: Vec<OpenCall>,
}

/// A turn in which nothing is left to be written down, and nothing gathers.
pub(super) struct Alone<'a> {
    pub(super) gathering: MutexGuard<'a, Gathering>,
    pub(super) ledger: Turn<'a, Ledger>,
}

impl End {
    fn come(&self, result: Result<Option<Ticket>, String>) {
        // Nobody else ends this group.
        let _ = self.result.set(result);
        let Waiting { wakers, left } = mem::take(&mut *self.waiting());
        wakers.into_iter().for_each(Waker::wake);
        drop(left);
    }

    /// Ready when it has come; until then `place` is the one among those that wait.
    fn poll(&self, place: &mut Option<usize>, context: &Context<'_>) -> Poll<()> {
        if self.has_come() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting();
        // It may have come before the lock; whoever is in after it is woken.
        if self.has_come() {
            return Poll::Ready(());
        }
        let wakers = &mut waiting.wakers;
        if let Some(waker) = place.and_then(|place| wakers.get_mut(place)) {
            waker.clone_from(context.waker());
        } else {
            *place = Some(wakers.len());
            wakers.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// Closes a call when it has come.
    fn close_then(&self, call: Box<OpenCall>) {
        let mut waiting = self.waiting();
        if self.has_come() {
            drop(waiting);
            drop(call);
        } else {
            waiting.left.push(*call);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_come(&self) -> bool {
        self.result.get().is_some()
    }
}

impl Joined<'_> {
    /// Returns the call when the record file has its write, or it is known that it will not; with it
    /// what else is to be waited for, or why not.
    pub(super) async fn ended(mut self) -> (Box<OpenCall>, Result<Option<Ticket>, String>) {
        let mut place = None;
        poll_fn(|context| self.end.poll(&mut place, context)).await;
        let result = self.end.result.get().cloned();
        let result = result.expect("it has come");
        (self.call.take().expect("it is taken once"), result)
    }
}

/// A client goes away: its call closes when its write was told.
impl Drop for Joined<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else {
            return;
        };
        self.end.close_then(call);
        // Where the whole mock goes, nobody else sees to the end of the group.
        if let Some(turn) = self.store.turns.try_take() {
            drop(self.store.alone(turn));
        }
    }
}

/// Where writes gather, if one about `file_id` may join them.
fn open_to<'a>(
    gathering: MutexGuard<'a, Gathering>,
    file_id: &str,
) -> Option<MutexGuard<'a, Gathering>> {
    (!gathering.has(file_id)).then_some(gathering)
}

impl Store {
    /// Where writes gather, if one that writes to `file_id` alone may be decided and join them now.
    pub(super) fn gathering_for(
        &self,
        file_id: Option<&SmolStr>,
    ) -> Option<MutexGuard<'_, Gathering>> {
        /// Whoever holds it lets it go before so many looks, or does more than to decide.
        const LOOKS: usize = 64;
        let file_id = file_id?;
        for _ in 0..LOOKS {
            if let Some(gathering) = self.try_gathering() {
                return open_to(gathering, file_id);
            }
            hint::spin_loop();
        }
        None
    }

    fn try_gathering(&self) -> Option<MutexGuard<'_, Gathering>> {
        match self.gathering.try_lock() {
            Ok(gathering) => Some(gathering),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The same for who has the turn: beside it nobody holds it for long.
    pub(super) fn gathering_in_turn(
        &self,
        file_id: Option<&SmolStr>,
        _turn: &Turn<'_, Ledger>,
    ) -> Option<MutexGuard<'_, Gathering>> {
        open_to(self.gathering(), file_id?)
    }

    /// To be asked for in a turn.
    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what has gathered, and lets nothing more gather.
    pub(super) fn alone<'a>(&'a self, mut ledger: Turn<'a, Ledger>) -> Alone<'a> {
        let mut gathering = self.gathering();
        for group in gathering.leave(None) {
            self.write_down(&mut ledger, group);
        }
        Alone { gathering, ledger }
    }

    /// Takes a decided write about `file_id` into a group, and gives the end of that. Who is first
    /// on this runtime sees to it: when it has looked at whatever else was ready.
    pub(super) fn join(
        self: &Arc<Self>,
        mut gathering: MutexGuard<'_, Gathering>,
        file_id: SmolStr,
        weight: usize,
        changes: Vec<Change>,
        call: &mut OpenCall,
    ) -> Arc<End> {
        let runtime = Handle::current().id();
        let lane = gathering.lane(runtime);
        let is_first = lane.is_empty();
        if lane.waits {
            call.publish_open();
        }
        let member = Member {
            changes,
            events: call.events(),
            opening: call.take_opening(),
        };
        let end = lane.add(file_id, weight, member);
        drop(gathering);
        if is_first {
            // A task of its own: a client that goes away takes its call with it, not the group.
            let store = Arc::clone(self);
            tokio::spawn(async move { store.see_to_the_end(runtime).await });
        }
        end
    }

    /// Writes down what has gathered on this runtime, once it has looked at whatever else is ready.
    async fn see_to_the_end(&self, runtime: Id) {
        tokio::task::yield_now().await;
        let mut ledger = if let Some(turn) = self.turns.try_take() {
            turn
        } else {
            // The disk may take its time.
            self.tell_that_it_waits(runtime);
            self.turns.take_as_task().await
        };
        let groups = self.gathering().leave(Some(runtime));
        for group in groups {
            self.write_down(&mut ledger, group);
        }
    }

    fn tell_that_it_waits(&self, runtime: Id) {
        // Whoever holds it for long has written down what had gathered.
        if let Some(mut gathering) = self.try_gathering() {
            let openings = gathering.lane(runtime).wait();
            self.notices.publish_all(openings);
        }
    }

    /// Waits for the end of a group with a call.
    pub(super) fn joined(&self, call: Box<OpenCall>, end: Arc<End>) -> Joined<'_> {
        Joined {
            store: self,
            call: Some(call),
            end,
        }
    }

    /// Writes a group down, applies and tells it, and lets its members be answered.
    fn write_down(&self, ledger: &mut Ledger, mut group: Group) {
        let mut members = mem::take(&mut group.members);
        // Told before, for the disk may take its time.
        let openings = members.iter_mut().filter_map(|it| it.opening.take());
        self.notices
            .publish_all(openings.map(Notice::Opened).collect());
        let before = ledger.journal.last();
        ledger.number(members.iter_mut().flat_map(|member| &mut member.changes));
        let changes = || members.iter().flat_map(|member| &member.changes);
        let records = changes().filter_map(Change::record);
        let result = ledger.journal.append(records.map(|record| &**record));
        if result.is_ok() {
            self.apply(changes());
            ledger.writes += ledger.journal.last() - before;
            let told = members.into_iter().flat_map(|member| {
                let records = member.changes.into_iter().filter_map(Change::into_record);
                records.map(move |record| written(member.events.clone(), record))
            });
            self.notices.publish_all(told.collect());
        }
        group.end.come(result.map(|()| ledger.journal.ticket()));
    }
}

#[cfg(test)]
mod tests;
