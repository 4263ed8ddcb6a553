//! What a worker keeps from one event to the next, because it is too expensive to create for each.

use std::{future::pending, pin::Pin, time::Duration};

use futures_util::future::{Either, select};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    mock_session::MockSession,
    run::{Run, RunEvent},
};
use crate::{
    delivery::{ResettableTimeout, SkillConnection},
    domain::outcome::InProgress,
};

/// How often an event that is waited for is reported.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// One of the tasks that send events, one event after the other.
pub(super) struct Worker<'a> {
    pub(super) run: &'a Run,
    pub(super) session: Option<&'a MockSession>,
    pub(super) connection: SkillConnection<'a>,
    pub(super) cutoff: Cutoff,
    pub(super) reports: Reports<'a>,
}

impl<'a> Worker<'a> {
    /// A worker of `run`, with the session of its mock.
    pub(super) fn new(
        run: &'a Run,
        session: Option<&'a MockSession>,
        events: &'a mpsc::Sender<RunEvent>,
    ) -> Self {
        Self {
            run,
            session,
            connection: run.skill.connection(),
            cutoff: Cutoff::new(run),
            reports: Reports {
                events,
                timeout: ResettableTimeout::default(),
            },
        }
    }
}

/// Reports what is waited for, from the first second on.
pub(super) struct Reports<'a> {
    events: &'a mpsc::Sender<RunEvent>,
    timeout: ResettableTimeout,
}

impl Reports<'_> {
    /// Waits for `future`, and reports once a second what `describe` returns.
    pub(super) async fn during<F: Future + Unpin>(
        &mut self,
        mut future: F,
        describe: impl Fn() -> InProgress,
    ) -> F::Output {
        loop {
            let tick = self.timeout.after(REPORT_INTERVAL, Instant::now());
            match select(future, tick).await {
                Either::Left((output, _)) => return output,
                Either::Right(((), rest)) => future = rest,
            }
            // If the receiver is busy, this report is not needed.
            let _ = self.events.try_send(RunEvent::Waiting(describe()));
        }
    }
}

/// Why nothing more is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The skill's process has ended: a sentence.
    Died(String),
    /// The user interrupted the run.
    Interrupted,
}

/// The end of the skill's process, or of the run. It is awaited next to everything else, all the
/// time, so the registration of the waker is kept when the other future completes first.
pub(super) struct Cutoff {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    /// `None` where nothing watches the process.
    exit: Option<watch::Receiver<Option<String>>>,
    stop: watch::Receiver<bool>,
}

impl Cutoff {
    pub(super) fn new(run: &Run) -> Self {
        Self::from_receivers(run.skill_exit.clone(), run.stop.clone())
    }

    fn from_receivers(exit: watch::Receiver<Option<String>>, stop: watch::Receiver<bool>) -> Self {
        let is_watched = exit.has_changed().is_ok() || exit.borrow().is_some();
        let exit = is_watched.then_some(exit);
        let (mut exits, mut stops) = (exit.clone(), stop.clone());
        let future = async move {
            let died = async {
                let is_dead = match &mut exits {
                    Some(exit) => exit.wait_for(Option::is_some).await.is_ok(),
                    None => false,
                };
                if !is_dead {
                    pending::<()>().await;
                }
            };
            let stopped = async {
                if stops.wait_for(|stop| *stop).await.is_err() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                () = died => {}
                () = stopped => {}
            }
        };
        Self {
            future: Box::pin(future),
            is_over: false,
            exit,
            stop,
        }
    }

    /// Completes when the process has ended or the run was interrupted; returns which.
    pub(super) async fn reached(&mut self) -> Cut {
        if !self.is_over {
            self.future.as_mut().await;
            self.is_over = true;
        }
        match self.by_now() {
            Some(cut) => cut,
            None => pending().await,
        }
    }

    /// Why nothing more is waited for, if the process has ended or the run was interrupted.
    pub(super) fn by_now(&self) -> Option<Cut> {
        let died = self.exit.as_ref().filter(|exit| may_have_changed(exit));
        let died = died.and_then(|exit| exit.borrow().clone());
        let stopped = || is_set(&self.stop).then_some(Cut::Interrupted);
        died.map(Cut::Died).or_else(stopped)
    }
}

/// Whether the value may have changed since the run began. Borrowing the value is far more
/// expensive: it writes to memory that all workers share.
fn may_have_changed<T>(receiver: &watch::Receiver<T>) -> bool {
    !matches!(receiver.has_changed(), Ok(false))
}

/// Whether a flag is true that was false when the run began.
pub(super) fn is_set(flag: &watch::Receiver<bool>) -> bool {
    may_have_changed(flag) && *flag.borrow()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_exit_of_a_skill_is_reported_before_and_after_it_is_awaited() {
        let ((sender, exit), (_stop, stopped)) = (watch::channel(None), watch::channel(false));
        let mut cutoff = Cutoff::from_receivers(exit, stopped);
        assert_eq!(cutoff.reached().now_or_never(), None);
        assert_eq!(cutoff.by_now(), None);
        sender.send_replace(Some("it died".to_owned()));
        let died = Some(Cut::Died("it died".to_owned()));
        for _ in 0..2 {
            assert_eq!(cutoff.reached().now_or_never(), died);
            assert_eq!(cutoff.by_now(), died);
        }
    }

    #[tokio::test]
    async fn an_interrupt_is_reported_while_nothing_watches_the_process() {
        let ((_, exit), (stop, stopped)) = (watch::channel(None), watch::channel(false));
        let mut cutoff = Cutoff::from_receivers(exit, stopped);
        assert_eq!(cutoff.reached().now_or_never(), None);
        stop.send_replace(true);
        assert_eq!(cutoff.reached().now_or_never(), Some(Cut::Interrupted));
    }

    #[test]
    fn a_flag_is_set_once_it_was_sent() {
        let (sender, flag) = watch::channel(false);
        assert!(!is_set(&flag));
        sender.send_replace(true);
        assert!(is_set(&flag));
        drop(sender);
        assert!(is_set(&flag));
        assert!(!is_set(&watch::channel(false).1));
    }
}
