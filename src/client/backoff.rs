//! The pauses between attempts: asks the policy, reports the pause, sleeps. The rules are in `retry`.

use std::{fmt, sync::Arc, time::Duration};

use super::retry::{Decision, Ending, Policy, Tries};

/// A number in 0..=1, a new one at each call.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Called before each pause.
pub type OnRetry = Arc<dyn Fn(&RetryPause<'_>) + Send + Sync>;

/// A pause before a retry.
#[derive(Clone, Copy)]
pub struct RetryPause<'a> {
    /// Why the last attempt failed.
    pub because: &'a dyn fmt::Display,
    /// How long the pause is.
    pub delay: Duration,
    /// The number of the attempt that follows, from 2.
    pub next_attempt: u32,
}

/// When failed attempts are retried.
#[derive(Clone)]
pub struct Backoff {
    /// The rules.
    pub policy: Policy,
    /// What spreads the back-offs.
    pub jitter: Jitter,
    /// Called before each pause.
    pub on_retry: OnRetry,
}

impl Default for Backoff {
    /// The default policy, random jitter, no report.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            jitter: Arc::new(random),
            on_retry: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Backoff")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Backoff {
    /// Sleeps as the policy says after an attempt that failed with `error`, and returns the attempts
    /// so far; or returns the error with the number of attempts where the policy gives up.
    pub async fn pause<E: fmt::Display>(
        &self,
        tries: Tries,
        error: E,
        ending: Ending,
    ) -> Result<Tries, (E, u32)> {
        let number = tries.failed.saturating_add(tries.pending).saturating_add(1);
        match self.policy.decide(tries, ending, (self.jitter)()) {
            Decision::GiveUp => Err((error, number)),
            Decision::Retry(delay) => {
                (self.on_retry)(&RetryPause {
                    because: &error,
                    delay,
                    next_attempt: number.saturating_add(1),
                });
                tokio::time::sleep(delay).await;
                Ok(tries.after(ending, delay))
            }
        }
    }
}

/// A random number in 0..=1, by the randomness that makes UUIDs.
fn random() -> f64 {
    let [.., high, low] = uuid::Uuid::new_v4().into_bytes();
    f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_stays_in_its_bounds() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&random()));
        }
    }
}
