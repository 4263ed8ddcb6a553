//! The one retry policy: when a call is tried again, and after how long. Pure: no socket, no
//! clock, no randomness; the jitter is handed in. Who waits and calls again is for the callers.

use std::time::Duration;

/// The limits of the retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often a failed call is tried again; 0 for a single attempt.
    pub retries: u32,
    /// The first back-off; each next one doubles.
    pub base: Duration,
    /// The longest back-off.
    pub cap: Duration,
    /// How long to wait in all for something that Box is still making (202), and the longest
    /// single wait that an answer may ask for.
    pub patience: Duration,
}

impl Default for Policy {
    /// Five retries from 400 ms up to 20 s, as Box's own SDKs do; a minute for what Box is still
    /// making.
    fn default() -> Self {
        Self {
            retries: 5,
            base: Duration::from_millis(400),
            cap: Duration::from_secs(20),
            patience: Duration::from_mins(1),
        }
    }
}

/// How a try ended, as far as trying again is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// 202, or a representation that is being made: not a failure, but not finished.
    Pending {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// 429: the rate limit.
    Limited {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// 5xx: Box, or something before it, failed.
    ServerError {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// The connection failed, broke or stalled, or the answer was damaged.
    Broken,
    /// A retry would give the same: every other 4xx, a certificate that is not trusted.
    Final,
}

/// What has been tried and waited so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Tries that failed.
    pub failed: u32,
    /// Attempts that were answered with "not yet".
    pub pending: u32,
    /// Time spent waiting after "not yet".
    pub waited: Duration,
}

impl Tries {
    /// The same after one more try that ended with `ending` and was followed by `delay`.
    #[must_use]
    pub fn after(self, ending: Ending, delay: Duration) -> Self {
        match ending {
            Ending::Pending { .. } => Self {
                pending: self.pending.saturating_add(1),
                waited: self.waited.saturating_add(delay),
                ..self
            },
            _ => Self {
                failed: self.failed.saturating_add(1),
                ..self
            },
        }
    }
}

/// What to do after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this long.
    Retry(Duration),
    /// Report the failure.
    GiveUp,
}

impl Policy {
    /// Whether to try again after a try that ended with `ending`, with `jitter` in 0..=1.
    ///
    /// `Retry-After` is obeyed where an answer carries it; everything else waits for a back-off
    /// that doubles from `base` to `cap`, jittered between half of it and all of it so that many
    /// callers do not come back at once. "Not yet" is not a failure: it is bounded by `patience`
    /// instead of `retries`, and a `Retry-After: 0` there backs off too, so that no server can
    /// make the caller spin.
    pub fn decide(&self, so_far: Tries, ending: Ending, jitter: f64) -> Decision {
        match ending {
            Ending::Final => Decision::GiveUp,
            Ending::Pending { retry_after } => {
                let delay = retry_after
                    .filter(|asked| !asked.is_zero())
                    .unwrap_or_else(|| self.backoff(so_far.pending, jitter));
                let delay = delay.max(Duration::from_millis(1));
                if so_far.waited.saturating_add(delay) > self.patience {
                    Decision::GiveUp
                } else {
                    Decision::Retry(delay)
                }
            }
            Ending::Limited { retry_after } | Ending::ServerError { retry_after } => {
                self.failed(so_far, retry_after, jitter)
            }
            Ending::Broken => self.failed(so_far, None, jitter),
        }
    }

    fn failed(&self, so_far: Tries, asked: Option<Duration>, jitter: f64) -> Decision {
        if so_far.failed >= self.retries || asked.is_some_and(|asked| asked > self.patience) {
            return Decision::GiveUp;
        }
        Decision::Retry(asked.unwrap_or_else(|| self.backoff(so_far.failed, jitter)))
    }

    /// `base` doubled `times` over, at most `cap`, between half of it and all of it by `jitter`.
    fn backoff(&self, times: u32, jitter: f64) -> Duration {
        let whole = self
            .base
            .saturating_mul(2_u32.saturating_pow(times))
            .min(self.cap);
        let jitter = if jitter.is_finite() {
            jitter.clamp(0.0, 1.0)
        } else {
            1.0
        };
        whole.mul_f64(0.5 + jitter / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        retries: 3,
        base: Duration::from_millis(100),
        cap: Duration::from_millis(350),
        patience: Duration::from_secs(10),
    };

    fn failed(times: u32) -> Tries {
        Tries {
            failed: times,
            ..Tries::default()
        }
    }

    fn retry_ms(ms: u64) -> Decision {
        Decision::Retry(Duration::from_millis(ms))
    }

    #[test]
    fn back_off_doubles_up_to_the_cap() {
        let delays: Vec<Decision> = (0..4)
            .map(|times| POLICY.decide(failed(times), Ending::Broken, 1.0))
            .collect();
        assert_eq!(
            delays,
            [
                retry_ms(100),
                retry_ms(200),
                retry_ms(350),
                Decision::GiveUp
            ]
        );
    }

    #[test]
    fn jitter_halves_a_back_off_at_most() {
        assert_eq!(
            POLICY.decide(failed(1), Ending::Broken, 0.0),
            retry_ms(100),
            "half of 200 ms"
        );
        for odd in [-5.0, 7.0, f64::NAN, f64::INFINITY] {
            let Decision::Retry(delay) = POLICY.decide(failed(1), Ending::Broken, odd) else {
                panic!("one retry of three is left");
            };
            assert!((100..=200).contains(&delay.as_millis()), "{odd}: {delay:?}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_to_the_second() {
        let asked = Some(Duration::from_secs(7));
        for ending in [
            Ending::Limited { retry_after: asked },
            Ending::ServerError { retry_after: asked },
            Ending::Pending { retry_after: asked },
        ] {
            assert_eq!(POLICY.decide(failed(0), ending, 0.3), retry_ms(7000));
        }
    }

    #[test]
    fn a_retry_after_of_zero_after_429_tries_at_once() {
        let ending = Ending::Limited {
            retry_after: Some(Duration::ZERO),
        };
        assert_eq!(POLICY.decide(failed(0), ending, 0.5), retry_ms(0));
    }

    #[test]
    fn a_wait_beyond_all_patience_is_not_begun() {
        let ending = Ending::Limited {
            retry_after: Some(Duration::from_secs(11)),
        };
        assert_eq!(POLICY.decide(failed(0), ending, 0.5), Decision::GiveUp);
    }

    #[test]
    fn a_final_answer_is_final() {
        assert_eq!(
            POLICY.decide(failed(0), Ending::Final, 0.5),
            Decision::GiveUp
        );
    }

    #[test]
    fn not_yet_for_ever_ends_with_the_patience_whatever_is_asked_for() {
        for asked in [None, Some(0), Some(1), Some(3)] {
            let ending = Ending::Pending {
                retry_after: asked.map(Duration::from_secs),
            };
            let mut tries = Tries::default();
            let mut rounds = 0;
            while let Decision::Retry(delay) = POLICY.decide(tries, ending, 0.0) {
                tries = tries.after(ending, delay);
                rounds += 1;
                assert!(rounds < 200, "{asked:?} never ends");
            }
            assert!(rounds > 1, "{asked:?}");
            assert!(tries.waited <= POLICY.patience);
            assert_eq!(tries.failed, 0, "not yet is not a failure");
        }
    }

    #[test]
    fn no_number_of_tries_overflows() {
        let tries = Tries {
            failed: u32::MAX - 1,
            pending: u32::MAX,
            waited: Duration::ZERO,
        };
        let endless = Policy {
            retries: u32::MAX,
            ..POLICY
        };
        assert_eq!(endless.decide(tries, Ending::Broken, 1.0), retry_ms(350));
        let later = tries
            .after(Ending::Broken, Duration::MAX)
            .after(Ending::Broken, Duration::ZERO);
        assert_eq!(later.failed, u32::MAX);
    }
}
