//! Values of results: services write times and confidences as numbers or strings, in several units.

use super::content::Period;
use crate::domain::{json::tree::Tree, subtitles};

/// Times beyond this, some thirty years, are not times of a file.
const MAX_SECONDS: f64 = 1e9;

/// The items of the list `name`; none if it is not a list.
pub(super) fn items<'a>(value: Tree<'a>, name: &str) -> impl Iterator<Item = Tree<'a>> + use<'a> {
    let list = value.get(name).and_then(Tree::as_array);
    list.unwrap_or_default().iter()
}

/// The items of a list that is below several names.
pub(super) fn items_below<'a>(
    value: Tree<'a>,
    names: &[&str],
) -> impl Iterator<Item = Tree<'a>> + use<'a> {
    let list = value.below(names).and_then(Tree::as_array);
    list.unwrap_or_default().iter()
}

/// The first item of the list `name`.
pub(super) fn first<'a>(value: Tree<'a>, name: &str) -> Option<Tree<'a>> {
    value.get(name)?.as_array()?.first()
}

/// The first of the `alternatives` of a result of speech recognition: the most likely one.
pub(super) fn best(result: Tree<'_>) -> Option<Tree<'_>> {
    first(result, "alternatives")
}

/// The string `name`, trimmed, if it is not empty.
pub(super) fn text<'a>(value: Tree<'a>, name: &str) -> Option<&'a str> {
    let text = value.get(name)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// A string or number `name` as a label, such as that of a speaker.
pub(super) fn label(value: Tree<'_>, name: &str) -> Option<String> {
    match value.get(name)? {
        Tree::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Tree::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The name of a speaker: services number them, from 0 or 1, or name them A and B.
pub(super) fn speaker(value: Tree<'_>, name: &str) -> Option<String> {
    let label = label(value, name)?;
    Some(
        match (label.strip_prefix("spk_"), label.strip_prefix("ch_")) {
            (Some(number), _) => format!("Speaker {number}"),
            (_, Some(number)) => format!("Channel {number}"),
            _ if label.len() <= 2 => format!("Speaker {label}"),
            _ => label,
        },
    )
}

/// A number, also one in a string.
fn number(value: Tree<'_>) -> Option<f64> {
    let number = match value {
        Tree::Number(number) => number.as_f64(),
        Tree::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A time that a file may have.
fn time(seconds: f64) -> Option<f64> {
    (0.0..MAX_SECONDS).contains(&seconds).then_some(seconds)
}

/// Seconds: a number, "0.1", "1.2s", "0:01:02.3", "PT1M2.3S", or `{"seconds": "1", "nanos": 200000000}`.
pub(super) fn seconds(value: Tree<'_>, name: &str) -> Option<f64> {
    let value = value.get(name)?;
    let found = match value {
        Tree::String(text) if text.contains(':') => subtitles::seconds(&without_excess(text)),
        Tree::String(text) if text.starts_with("PT") => iso_seconds(text),
        Tree::String(text) => text.trim().trim_end_matches('s').parse().ok(),
        Tree::Object(_) => {
            let part = |name| value.get(name).and_then(number).unwrap_or_default();
            Some(part("seconds") + part("nanos") / 1e9)
        }
        value => number(value),
    };
    found.filter(|found| found.is_finite()).and_then(time)
}

/// Fractions of seconds are written with up to seven digits; milliseconds are enough.
fn without_excess(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let digits: String = fraction.chars().take(3).collect();
            format!("{whole}.{digits}")
        }
        None => text.to_owned(),
    }
}

/// Seconds of an ISO 8601 duration without days, `PT1H2M3.4S`.
fn iso_seconds(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = 0.0;
    while let Some(at) = rest.find(|it: char| it.is_ascii_alphabetic()) {
        let number: f64 = rest[..at].parse().ok()?;
        total += match &rest[at..=at] {
            "H" => number * 3600.0,
            "M" => number * 60.0,
            "S" => number,
            _ => return None,
        };
        rest = &rest[at + 1..];
    }
    rest.is_empty().then_some(total)
}

/// Seconds of the milliseconds `name`.
pub(super) fn milliseconds(value: Tree<'_>, name: &str) -> Option<f64> {
    time(number(value.get(name)?)? / 1e3)
}

/// Seconds of the ticks `name`, of 100 ns.
pub(super) fn ticks(value: Tree<'_>, name: &str) -> Option<f64> {
    time(number(value.get(name)?)? / 1e7)
}

/// A confidence from 0 to 1.
pub(super) fn confidence(value: Tree<'_>, name: &str) -> Option<f64> {
    number(value.get(name)?).map(|confidence| confidence.clamp(0.0, 1.0))
}

/// A confidence that is a percentage.
pub(super) fn percent(value: Tree<'_>, name: &str) -> Option<f64> {
    number(value.get(name)?).map(|percent| (percent / 100.0).clamp(0.0, 1.0))
}

/// The period from the seconds `start` to the seconds `end`.
pub(super) fn period(value: Tree<'_>, start: &str, end: &str) -> Option<Period> {
    Period::new(seconds(value, start), seconds(value, end))
}

/// The same of milliseconds.
pub(super) fn period_in_ms(value: Tree<'_>, start: &str, end: &str) -> Option<Period> {
    Period::new(milliseconds(value, start), milliseconds(value, end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::tree::Tape;

    #[test]
    fn times_are_read_in_every_unit_and_nonsense_is_not() {
        for (written, read) in [
            (json!(1.5), Some(1.5)),
            (json!("1.5"), Some(1.5)),
            (json!("1.5s"), Some(1.5)),
            (json!("0:01:02.3450000"), Some(62.345)),
            (json!("PT1M2.5S"), Some(62.5)),
            (json!({"seconds": "1", "nanos": 500_000_000}), Some(1.5)),
            (json!(-1), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(1e300), None),
            (json!("PT1D"), None),
            (json!(null), None),
            (json!([]), None),
        ] {
            let value = json!({"t": written});
            assert_eq!(
                seconds(Tape::from_value(&value).tree(), "t"),
                read,
                "{value}"
            );
        }
        let value = json!({"t": 1500, "c": 97.5, "d": "0.5"});
        let tape = Tape::from_value(&value);
        assert_eq!(milliseconds(tape.tree(), "t"), Some(1.5));
        assert_eq!(ticks(tape.tree(), "t"), Some(0.000_15));
        assert_eq!(percent(tape.tree(), "c"), Some(0.975));
        assert_eq!(confidence(tape.tree(), "d"), Some(0.5));
        assert_eq!(confidence(tape.tree(), "c"), Some(1.0));
    }
}
