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

/// The death of the Skill. It is waited for beside everything else, all the time: so whoever waits
/// stays registered when the other comes first.
pub(super) struct Death {
    coming: Pin<Box<dyn Future<Output = String> + Send>>,
    why: Option<String>,
}

impl Death {
    fn of(mut died: watch::Receiver<Option<String>>) -> Self {
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
        }
    }

    /// Says why, when the Skill has died; never, where nobody would know.
    pub(super) async fn why(&mut self) -> String {
        if self.why.is_none() {
            self.why = Some(self.coming.as_mut().await);
        }
        self.why.clone().unwrap_or_default()
    }
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
        tell.send_replace(Some("it died".to_owned()));
        for _ in 0..2 {
            assert_eq!(death.why().now_or_never().as_deref(), Some("it died"));
        }
    }

    #[tokio::test]
    async fn where_nobody_would_know_nobody_dies() {
        let (_, died) = watch::channel(None);
        assert_eq!(Death::of(died).why().now_or_never(), None);
    }
}
