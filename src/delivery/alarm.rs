//! The deadline of one delivery after the other, by one timer: putting a timer off that is set is
//! far cheaper than setting one and taking it back for every event.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is set again and again.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Sets it anew: what it gives is ready `pause` after `now`.
    pub(super) fn after(&mut self, pause: Duration, now: Instant) -> Pin<&mut Sleep> {
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
    async fn each_setting_counts_from_its_own_moment() {
        let mut alarm = Alarm::default();
        let began = Instant::now();
        for pause in [30, 10, 60].map(Duration::from_millis) {
            let set = Instant::now();
            alarm.after(pause, set).await;
            assert!(set.elapsed() >= pause);
        }
        assert!(began.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn what_is_put_off_does_not_ring_at_its_old_time() {
        let mut alarm = Alarm::default();
        let early = alarm.after(Duration::from_millis(20), Instant::now());
        assert!(futures_util::FutureExt::now_or_never(early).is_none());
        let set = Instant::now();
        alarm.after(Duration::from_millis(80), set).await;
        assert!(set.elapsed() >= Duration::from_millis(80));
    }
}
