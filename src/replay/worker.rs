//! What a worker keeps from one event to the next, because making it anew for each would cost more
//! than it is used for.

use std::{future::pending, pin::Pin};

use tokio::sync::watch;

use super::engine::Run;
use crate::delivery::Runner;

/// A worker's own.
pub(super) struct Worker<'a> {
    /// Who brings its events.
    pub(super) runner: Runner<'a>,
    /// The end of the Skill, should it come.
    pub(super) death: Death,
}

impl<'a> Worker<'a> {
    /// A worker of `run`.
    pub(super) fn of(run: &'a Run) -> Self {
        Self {
            runner: run.courier.runner(),
            death: Death::of(run.died.clone()),
        }
    }
}

/// The death of the Skill, should it come. It is waited for beside everything else, all the time: so
/// whoever waits stays registered when the other comes first.
pub(super) struct Death {
    coming: Pin<Box<dyn Future<Output = String> + Send>>,
    why: Option<String>,
    /// Where it is told; nothing, where nobody would know of it.
    told: Option<watch::Receiver<Option<String>>>,
}

impl Death {
    fn of(mut died: watch::Receiver<Option<String>>) -> Self {
        let is_known = died.has_changed().is_ok() || died.borrow().is_some();
        let told = is_known.then(|| died.clone());
        let coming = async move {
            let told = died.wait_for(Option::is_some).await;
            let why = told.ok().and_then(|why| why.clone());
            match why {
                Some(why) => why,
                None => pending().await,
            }
        };
        Self {
            coming: Box::pin(coming),
            why: None,
            told,
        }
    }

    /// Says why, when the Skill has died; never, where nobody would know.
    pub(super) async fn why(&mut self) -> String {
        if self.why.is_none() {
            self.why = Some(self.coming.as_mut().await);
        }
        self.why.clone().unwrap_or_default()
    }

    /// Why it has died, where it has by now.
    pub(super) fn by_now(&self) -> Option<String> {
        let told = self.told.as_ref()?;
        has_news(told).then(|| told.borrow().clone())?
    }
}

/// Whether something may have been told since the run began. To look at it costs far more: that
/// writes to what all workers share.
fn has_news<T>(told: &watch::Receiver<T>) -> bool {
    !matches!(told.has_changed(), Ok(false))
}

/// Whether a flag is up that was down when the run began.
pub(super) fn is_up(flag: &watch::Receiver<bool>) -> bool {
    has_news(flag) && *flag.borrow()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_death_is_told_to_whoever_asks_before_or_after() {
        let (tell, died) = watch::channel(None);
        let mut death = Death::of(died);
        assert_eq!(death.why().now_or_never(), None);
        assert_eq!(death.by_now(), None);
        tell.send_replace(Some("it died".to_owned()));
        for _ in 0..2 {
            assert_eq!(death.why().now_or_never().as_deref(), Some("it died"));
            assert_eq!(death.by_now().as_deref(), Some("it died"));
        }
    }

    #[test]
    fn a_flag_is_up_once_it_was_put_up() {
        let (tell, flag) = watch::channel(false);
        assert!(!is_up(&flag));
        tell.send_replace(true);
        assert!(is_up(&flag));
        drop(tell);
        assert!(is_up(&flag));
        assert!(!is_up(&watch::channel(false).1));
    }

    #[tokio::test]
    async fn where_nobody_would_know_nobody_dies() {
        let (_, died) = watch::channel(None);
        let mut death = Death::of(died);
        assert_eq!(death.why().now_or_never(), None);
        assert_eq!(death.by_now(), None);
    }
}
