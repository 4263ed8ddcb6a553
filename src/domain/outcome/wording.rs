//! Times in the sentences of checks and timelines.

use super::observed::Millis;

/// A moment after the sending of the event: `+120 ms`, `+13.4 s`.
pub fn at(ms: Millis) -> String {
    if ms < 10_000.0 {
        format!("+{ms:.0} ms")
    } else {
        format!("+{:.1} s", ms / 1000.0)
    }
}

/// A length of time: `400 ms`, `10 s`, `2.5 s`.
pub(super) fn span(ms: Millis) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms % 1000.0 == 0.0 {
        format!("{:.0} s", ms / 1000.0)
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}
