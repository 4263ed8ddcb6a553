//! Amounts as people read them: bytes, spans of time, counts.

use std::time::Duration;

pub use crate::domain::text::counted;

/// Bytes in powers of a thousand, three digits: `7 B`, `1.05 MB`, `734 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    #[allow(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let mut amount = bytes as f64;
    let mut unit = 0;
    // 999.5 would be rounded to four digits.
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let digits = match amount {
        _ if unit == 0 => 0,
        amount if amount < 9.995 => 2,
        amount if amount < 99.95 => 1,
        _ => 0,
    };
    format!("{amount:.digits$} {}", UNITS[unit])
}

/// A span as `0.42 s`, `12.3 s`, `2 min 5 s`, `1 h 4 min`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", span.as_secs_f64()),
        10..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Milliseconds as `0.4 ms`, `12 ms`, `3.4 s`, `2 min 5 s`.
pub fn duration(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 => {
            // Each call that is logged has one, and to format a fraction takes long.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is small, and a negative one is none"
            )]
            let tenths = (ms * 10.0).round() as u8;
            let mut text = *b"0.0 ms";
            text[0] += tenths / 10;
            text[2] += tenths % 10;
            match str::from_utf8(&text) {
                Ok(text) if tenths < 100 => text.to_owned(),
                _ => "10.0 ms".to_owned(),
            }
        }
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!(
            "{:.0} min {:.0} s",
            (ms / 60_000.0).floor(),
            (ms % 60_000.0) / 1000.0
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        let shown: Vec<String> = [
            0,
            999,
            1000,
            1_049_000,
            99_960_000,
            999_500_000,
            1_073_741_824,
            u64::MAX,
        ]
        .map(bytes)
        .into();
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "1.00 kB", "1.05 MB", "100 MB", "1.00 GB", "1.07 GB", "18.4 EB"
            ]
        );
    }

    #[test]
    fn spans_are_in_the_units_of_a_clock() {
        let shown: Vec<String> = [420, 12_340, 125_000, 3_840_000]
            .map(|ms| span(Duration::from_millis(ms)))
            .into();
        assert_eq!(shown, ["0.42 s", "12.3 s", "2 min 5 s", "1 h 4 min"]);
    }

    #[test]
    fn a_duration_has_as_many_digits_as_it_needs() {
        for (ms, text) in [
            (-1.0, "0.0 ms"),
            (0.04, "0.0 ms"),
            (0.05, "0.1 ms"),
            (9.94, "9.9 ms"),
            (9.96, "10.0 ms"),
            (10.0, "10 ms"),
            (999.4, "999 ms"),
            (1500.0, "1.5 s"),
            (90_000.0, "1 min 30 s"),
        ] {
            assert_eq!(duration(ms), text, "{ms}");
        }
    }
}
