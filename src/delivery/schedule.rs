//! When a delivery with a late or non-2xx reply is repeated: an exponential back-off. Box repeats such
//! deliveries too; it does not publish how often and when (docs/box/events.md).

use std::time::Duration;

/// The pause before the first repeat.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How often a delivery is repeated, and after which pauses. There is no jitter, so that runs are
/// reproducible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    retries: u32,
}

impl Schedule {
    /// A schedule with `retries` repeats: half a second after the first attempt, then twice as long
    /// each time, up to a minute.
    pub fn new(retries: u32) -> Self {
        Self { retries }
    }

    /// The maximum number of attempts.
    pub fn attempts(self) -> u32 {
        self.retries.saturating_add(1)
    }

    /// The pause after attempt `number`, counted from 1, has failed; `None` where it was the last.
    pub fn pause_after(self, number: u32) -> Option<Duration> {
        let doublings = number.saturating_sub(1);
        (number <= self.retries).then(|| {
            FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(doublings))
                .min(MAX_PAUSE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_end_with_the_retries() {
        let schedule = Schedule::new(3);
        let pauses: Vec<_> = (1..=4).map(|number| schedule.pause_after(number)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(500), ms(1000), ms(2000), None]);
        assert_eq!(schedule.attempts(), 4);
        assert_eq!(Schedule::new(u32::MAX).pause_after(50), Some(MAX_PAUSE));
    }

    #[test]
    fn without_retries_nothing_is_repeated() {
        assert_eq!(Schedule::new(0).pause_after(1), None);
    }
}
