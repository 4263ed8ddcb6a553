//! What a worker keeps from one event to the next, because it is too expensive to create for each.

use std::{future::pending, pin::Pin};

use tokio::sync::watch;

use super::{mock_session::MockSession, run::Run};
use crate::delivery::SkillConnection;

/// One of the tasks that send events, one event after the other.
pub(super) struct Worker<'a> {
    pub(super) run: &'a Run,
    pub(super) session: Option<&'a MockSession>,
    pub(super) connection: SkillConnection<'a>,
    pub(super) skill_exit: SkillExit,
}

impl<'a> Worker<'a> {
    /// A worker of `run`, with the session of its mock.
    pub(super) fn new(run: &'a Run, session: Option<&'a MockSession>) -> Self {
        Self {
            run,
            session,
            connection: run.skill.connection(),
            skill_exit: SkillExit::new(run.skill_exit.clone()),
        }
    }
}

/// The end of the Skill's process. It is awaited next to everything else, all the time, so the
/// registration of the waker is kept when the other future completes first.
pub(super) struct SkillExit {
    future: Pin<Box<dyn Future<Output = String> + Send>>,
    reason: Option<String>,
    /// `None` where nothing watches the process.
    receiver: Option<watch::Receiver<Option<String>>>,
}

impl SkillExit {
    fn new(mut exit: watch::Receiver<Option<String>>) -> Self {
        let is_watched = exit.has_changed().is_ok() || exit.borrow().is_some();
        let receiver = is_watched.then(|| exit.clone());
        let future = async move {
            let changed = exit.wait_for(Option::is_some).await;
            let reason = changed.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => reason,
                None => pending().await,
            }
        };
        Self {
            future: Box::pin(future),
            reason: None,
            receiver,
        }
    }

    /// The reason, when the process has ended; never completes where nothing watches it.
    pub(super) async fn reason(&mut self) -> String {
        if self.reason.is_none() {
            self.reason = Some(self.future.as_mut().await);
        }
        self.reason.clone().unwrap_or_default()
    }

    /// The reason, where the process has ended by now.
    pub(super) fn reason_by_now(&self) -> Option<String> {
        let receiver = self.receiver.as_ref()?;
        may_have_changed(receiver).then(|| receiver.borrow().clone())?
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
        let (sender, exit) = watch::channel(None);
        let mut exit = SkillExit::new(exit);
        assert_eq!(exit.reason().now_or_never(), None);
        assert_eq!(exit.reason_by_now(), None);
        sender.send_replace(Some("it died".to_owned()));
        for _ in 0..2 {
            assert_eq!(exit.reason().now_or_never().as_deref(), Some("it died"));
            assert_eq!(exit.reason_by_now().as_deref(), Some("it died"));
        }
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

    #[tokio::test]
    async fn an_exit_that_nothing_watches_never_comes() {
        let (_, exit) = watch::channel(None);
        let mut exit = SkillExit::new(exit);
        assert_eq!(exit.reason().now_or_never(), None);
        assert_eq!(exit.reason_by_now(), None);
    }
}
