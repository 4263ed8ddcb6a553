//! The pauses between tries: asks the policy, tells whoever listens, sleeps. The rules are in
//! `retry`.

use std::{fmt, sync::Arc, time::Duration};

use super::retry::{Decision, Ending, Policy, Tries};

/// A number in 0..=1, drawn anew at each call.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Who is told when something waits before it is tried again.
pub type OnWait = Arc<dyn Fn(&Wait<'_>) + Send + Sync>;

/// A pause before something is tried again.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// What the last try came to.
    pub because: &'a dyn fmt::Display,
    /// How long the pause is.
    pub delay: Duration,
    /// The number of the try that follows, from 2.
    pub next_try: u32,
}

/// When things are tried again.
#[derive(Clone)]
pub struct Pace {
    /// The rules.
    pub policy: Policy,
    /// What spreads the back-offs.
    pub jitter: Jitter,
    /// Who is told of pauses.
    pub on_wait: OnWait,
}

impl Default for Pace {
    /// The usual policy, random jitter, nobody told.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            jitter: Arc::new(random),
            on_wait: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Pace")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Pace {
    /// Waits as the policy says after a try that came to `error`, and gives back what has been
    /// tried by then; or gives the error back with the number of tries it took.
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
                (self.on_wait)(&Wait {
                    because: &error,
                    delay,
                    next_try: number.saturating_add(1),
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
