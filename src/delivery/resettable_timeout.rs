//! A timeout that is reused for each delivery: resetting a registered timer is far cheaper than
//! registering and removing one for each event.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is reset for each use.
#[derive(Debug, Default)]
pub struct ResettableTimeout {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl ResettableTimeout {
    /// Resets the timer: it completes `pause` after `now`.
    pub fn after(&mut self, pause: Duration, now: Instant) -> Pin<&mut Sleep> {
        let end = now + pause;
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(end);
        }
        self.sleep
            .get_or_insert_with(|| Box::pin(sleep_until(end)))
            .as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_reset_counts_from_its_own_moment() {
        let mut timeout = ResettableTimeout::default();
        let began = Instant::now();
        for pause in [30, 10, 60].map(Duration::from_millis) {
            let reset = Instant::now();
            timeout.after(pause, reset).await;
            assert!(reset.elapsed() >= pause);
        }
        assert!(began.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn a_reset_timeout_does_not_complete_at_its_old_time() {
        let mut timeout = ResettableTimeout::default();
        let early = timeout.after(Duration::from_millis(20), Instant::now());
        assert!(futures_util::FutureExt::now_or_never(early).is_none());
        let reset = Instant::now();
        timeout.after(Duration::from_millis(80), reset).await;
        assert!(reset.elapsed() >= Duration::from_millis(80));
    }
}
