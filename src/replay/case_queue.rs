//! The cases in the order in which they are sent, for many workers.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Mutex, mpsc};

use super::{
    plan::{Case, Plan, PlanError},
    run::Rounds,
};

/// Cases that are read ahead.
const READ_AHEAD: usize = 32;

/// The cases of all rounds.
pub(super) struct CaseQueue {
    cases: Cases,
    /// How many were taken.
    taken: AtomicUsize,
}

enum Cases {
    /// Kept in memory, for this many rounds.
    Kept(Arc<[Arc<Case>]>, usize),
    /// A thread reads them from the fixtures, a few ahead.
    Read(Mutex<mpsc::Receiver<Result<QueuedCase<Arc<Case>>, PlanError>>>),
}

/// A case with its number in the plan and that of its round, both from 0.
pub(super) struct QueuedCase<C> {
    pub(super) index: usize,
    pub(super) round: usize,
    pub(super) case: C,
}

/// A case in the hands of a worker. Kept cases are borrowed: a reference count would be written by
/// all workers for every event.
#[derive(Debug)]
pub(super) enum HeldCase<'a> {
    Kept(&'a Arc<Case>),
    Read(Arc<Case>),
}

impl Deref for HeldCase<'_> {
    type Target = Arc<Case>;

    fn deref(&self) -> &Arc<Case> {
        match self {
            Self::Kept(case) => case,
            Self::Read(case) => case,
        }
    }
}

impl CaseQueue {
    pub(super) fn new(plan: &Arc<Plan>, rounds: Rounds) -> Self {
        let rounds = match rounds {
            Rounds::Times(times) => times,
            Rounds::For(_) => usize::MAX,
        };
        let cases = match plan.kept() {
            Some(cases) => Cases::Kept(cases, rounds),
            None => Cases::Read(Mutex::new(read_ahead(Arc::clone(plan), rounds))),
        };
        Self {
            cases,
            taken: AtomicUsize::new(0),
        }
    }

    /// The next case with its number among all that are sent, from 0; `None` after the last.
    pub(super) async fn take(
        &self,
    ) -> Option<(usize, Result<QueuedCase<HeldCase<'_>>, PlanError>)> {
        match &self.cases {
            Cases::Kept(cases, rounds) => {
                if cases.is_empty() {
                    return None;
                }
                let number = self.taken.fetch_add(1, Ordering::Relaxed);
                let (round, index) = (number / cases.len(), number % cases.len());
                let case = HeldCase::Kept(&cases[index]);
                (round < *rounds).then(|| (number, Ok(QueuedCase { index, round, case })))
            }
            Cases::Read(cases) => {
                let mut cases = cases.lock().await;
                let read = cases.recv().await?;
                let queued = read.map(|QueuedCase { index, round, case }| QueuedCase {
                    index,
                    round,
                    case: HeldCase::Read(case),
                });
                Some((self.taken.fetch_add(1, Ordering::Relaxed), queued))
            }
        }
    }

    /// The paths of up to `count` cases from number `from` on. Where cases are read, those that were
    /// read ahead and not sent are missing.
    pub(super) async fn names_from(&self, from: usize, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        match &self.cases {
            Cases::Kept(cases, _) => {
                let path = |number: usize| cases[number % cases.len()].names.path.to_string();
                names.extend((from..from + count).map(path));
            }
            Cases::Read(cases) => {
                let mut cases = cases.lock().await;
                while names.len() < count
                    && let Some(Ok(queued)) = cases.recv().await
                {
                    names.push(queued.case.names.path.to_string());
                }
            }
        }
        names
    }
}

fn read_ahead(
    plan: Arc<Plan>,
    rounds: usize,
) -> mpsc::Receiver<Result<QueuedCase<Arc<Case>>, PlanError>> {
    let (sender, cases) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        for round in 0..rounds {
            if plan.count == 0 {
                return;
            }
            for (index, case) in plan.cases().enumerate() {
                let read = case.map(|case| QueuedCase { index, round, case });
                if sender.blocking_send(read).is_err() {
                    return;
                }
            }
        }
    });
    cases
}
