//! Durations in text: `300ms`, `10s`, `1m 30s`, or a number of seconds.

use std::time::Duration;

/// The longest duration, a hundred years: the clocks of all systems reach this far from now.
const MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// Reads a duration.
///
/// # Errors
/// What is wrong, with examples.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const TOO_LONG: &str = "too long a duration";
    let duration = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|error| match error {
            humantime::DurationError::NumberOverflow => TOO_LONG,
            _ => "not a duration; try 300ms, 10s or 1m 30s",
        })?,
    };
    (duration <= MAX).then_some(duration).ok_or(TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_a_number_of_seconds() {
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("300ms"), Ok(Duration::from_millis(300)));
        for text in ["10", " 10 ", "10s"] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(10)), "{text}");
        }
        for text in ["", "soon", "-1s", "-1", "1 fortnight"] {
            let error = parse_duration(text).expect_err(text);
            assert_eq!(error, "not a duration; try 300ms, 10s or 1m 30s", "{text}");
        }
        for text in [
            "99999999999999999999s",
            "99999999999999999999",
            "18446744073709551615",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
