//! Statistics of calls. Latencies are kept in a histogram, so the memory does not grow with their number.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies in milliseconds, with three significant digits between a microsecond and an hour.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// The number of calls that a mock has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All calls.
    pub calls: u64,
    /// By status; 0 where the connection ended before.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that a fault applied to.
    pub faults: u64,
}

/// Quantiles of latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// The number of latencies.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        const HOUR_IN_MICROSECONDS: u64 = 3_600_000_000;
        Self(
            Histogram::new_with_bounds(1, HOUR_IN_MICROSECONDS, 3)
                .expect("these bounds are within what a histogram takes"),
        )
    }
}

impl Latencies {
    /// Records one; a value outside the bounds is recorded as the bound.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the positive, and saturating where it is huge"
    )]
    pub fn record(&mut self, ms: f64) {
        let microseconds = (ms.max(0.001) * 1000.0).round() as u64;
        self.0.saturating_record(microseconds);
    }

    /// Adds the latencies of another histogram.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// The quantiles so far; all zero if there are none.
    pub fn quantiles(&self) -> Quantiles {
        #[allow(clippy::cast_precision_loss, reason = "an hour in microseconds fits")]
        let at = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        if self.0.is_empty() {
            return Quantiles::default();
        }
        Quantiles {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::default();
        for ms in 1..=100 {
            latencies.record(f64::from(ms));
        }
        let found = latencies.quantiles();
        assert_eq!(found.count, 100);
        for (value, wanted) in [(found.p50, 50.0), (found.p90, 90.0), (found.max, 100.0)] {
            assert!(
                (value - wanted).abs() / wanted < 0.002,
                "{value} for {wanted}"
            );
        }
        assert_eq!(Latencies::default().quantiles(), Quantiles::default());
    }
}
