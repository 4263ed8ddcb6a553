//! Times as subtitles and people write them.

use super::cue::Timing;

/// Seconds of `h:mm:ss`, `m:ss` or `s`, with a fraction after a point or a comma.
pub fn seconds(text: &str) -> Option<f64> {
    const MAX_LENGTH: usize = 20;
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    let mut total = 0.0;
    let mut parts = 0;
    for part in text.split(':') {
        let (whole, fraction) = part.split_once([',', '.']).unwrap_or((part, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        parts += 1;
        total = total * 60.0 + format!("{whole}.{fraction}").parse::<f64>().ok()?;
    }
    // Rounded to milliseconds: sums of binary fractions are inexact.
    (parts <= 3).then(|| (total * 1000.0).round() / 1000.0)
}

/// Seconds of `h:mm:ss` or `m:ss`: a number alone is not a time.
pub(super) fn clock_seconds(text: &str) -> Option<f64> {
    seconds(text).filter(|_| text.contains(':'))
}

/// The times of `00:00:01,000 --> 00:00:02.500 align:start`.
pub(super) fn arrow_timing(line: &str) -> Option<Timing> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some(Timing {
        start: seconds(start)?,
        end: seconds(end)?,
    })
}

/// Whether a line is a timing that cannot be read: one with an arrow, or one whose arrow is misspelt.
pub(super) fn is_broken_timing(line: &str) -> bool {
    const MISSPELT: [&str; 5] = ["->", "=>", "→", "–>", "—>"];
    let starts_with_time = |arrow: &&str| {
        let time = line.split_once(*arrow).map(|(start, _)| start);
        time.is_some_and(|start| clock_seconds(start).is_some())
    };
    line.contains("-->") || MISSPELT.iter().any(starts_with_time)
}

/// The times of `0:00:00.599,0:00:04.160`.
pub(super) fn comma_timing(line: &str) -> Option<Timing> {
    // A comma may also be in front of the fraction: then there are three.
    let commas: Vec<usize> = line.match_indices(',').map(|(at, _)| at).collect();
    let between = match commas.as_slice() {
        [only] => *only,
        [_, between, _] => *between,
        _ => return None,
    };
    Some(Timing {
        start: clock_seconds(&line[..between])?,
        end: clock_seconds(&line[between + 1..])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        assert_eq!(seconds("1:02:03.5"), Some(3723.5));
        assert_eq!(seconds("75"), Some(75.0));
        let long = "9".repeat(50);
        for text in ["", ":", "1:", "1:2:3:4", "-1", "1e5", "１", "NaN", &long] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(clock_seconds("75"), None);
        assert_eq!(clock_seconds("1:15"), Some(75.0));
    }

    #[test]
    fn timings_of_both_kinds_are_read() {
        let timing = |start, end| Some(Timing { start, end });
        assert_eq!(
            arrow_timing("00:01.000 --> 00:02.5 line:0"),
            timing(1.0, 2.5)
        );
        assert_eq!(arrow_timing("00:01.000 --> "), None);
        assert_eq!(comma_timing("0:00:00.599,0:00:04.160"), timing(0.599, 4.16));
        assert_eq!(comma_timing("00:01,5,00:02,5"), timing(1.5, 2.5));
        assert_eq!(comma_timing("1,2"), None);
        assert!(is_broken_timing("00:00:01,000 -> 00:00:02,000"));
        assert!(!is_broken_timing("Anna -> Ben"));
    }
}
