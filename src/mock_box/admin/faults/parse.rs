//! How a fault is written: `CALL=WHAT[,xN|,pN%]`, as in `download=429:1,x2`.

use std::{num::NonZeroU64, str::FromStr, time::Duration};

use http::StatusCode;

use super::{Call, Often, Rule, What};
use crate::domain::duration::parse_duration;

/// The longest delay.
const MAX_DELAY: Duration = Duration::from_hours(1);

impl FromStr for Rule {
    type Err = String;

    /// Reads a fault.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed there.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let form =
            || format!("`{text}` is not of the form CALL=WHAT[,xN|,pN%]; try download=429:1,x2");
        let (call, rest) = text.split_once('=').ok_or_else(form)?;
        let (what, often) = match rest.split_once(',') {
            None => (rest, None),
            Some((what, often)) => (what, Some(often)),
        };
        let rule = Self {
            text: text.into(),
            call: self::call(call)?,
            what: self::what(what)?,
            often: often.map_or(Ok(Often::Always), self::often)?,
        };
        if matches!(rule.what, What::Pending(_)) {
            if !matches!(rule.call, Call::Download | Call::Representation | Call::Any) {
                return Err(format!(
                    "`{call}` cannot be pending: use pending=N with download or representation"
                ));
            }
            if often.is_some() {
                return Err(format!(
                    "`{what}` includes how often: remove `,{}`",
                    often.unwrap_or_default()
                ));
            }
        }
        Ok(rule)
    }
}

fn call(text: &str) -> Result<Call, String> {
    Ok(match text {
        "download" => Call::Download,
        "cards" => Call::Cards,
        "invocation" => Call::Invocation,
        "info" => Call::Info,
        "representation" => Call::Representation,
        "token" => Call::Token,
        "*" => Call::Any,
        _ => {
            return Err(format!(
                "`{text}` is not a call that a fault can apply to; try download, cards, invocation, info, \
                 representation, token, or * for all"
            ));
        }
    })
}

fn what(text: &str) -> Result<What, String> {
    let (word, value) = match text.split_once('=') {
        None => (text, None),
        Some((word, value)) => (word, Some(value)),
    };
    match (word, value) {
        ("conflict", None) => Ok(status(StatusCode::CONFLICT, None)),
        ("truncate", None) => Ok(What::Truncate),
        ("reset", None) => Ok(What::Reset),
        ("expire", None) => Ok(What::Expire),
        ("delay", Some(value)) => delay(value),
        ("slow", Some(value)) => slow(value),
        ("pending", Some(value)) => match value.parse() {
            Ok(times) if times > 0 => Ok(What::Pending(times)),
            _ => Err(format!(
                "`{value}` is not a number of attempts; try pending=2"
            )),
        },
        (word, None) if word.starts_with(|first: char| first.is_ascii_digit()) => answered(word),
        _ => Err(format!(
            "`{text}` is not a fault; try a status (503, 401, 429:SECONDS), conflict, delay=TIME, \
             slow=BYTES/s, truncate, reset, pending=N, or expire"
        )),
    }
}

fn status(status: StatusCode, retry_after: Option<u64>) -> What {
    What::Status {
        status,
        retry_after,
    }
}

/// `503`, `429:1`.
fn answered(text: &str) -> Result<What, String> {
    let (number, seconds) = match text.split_once(':') {
        None => (text, None),
        Some((number, seconds)) => (number, Some(seconds)),
    };
    let found = StatusCode::from_bytes(number.as_bytes())
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| format!("`{number}` is not a status; use a number from 200 to 599"))?;
    let retry_after = seconds
        .map(|seconds| {
            let wrong = format!("`{seconds}` is not a whole number of seconds; try 429:1");
            seconds.parse().map_err(|_| wrong)
        })
        .transpose()?;
    Ok(status(found, retry_after))
}

fn delay(text: &str) -> Result<What, String> {
    match parse_duration(text) {
        Ok(delay) if delay <= MAX_DELAY => Ok(What::Delay(delay)),
        Ok(_) => Err(format!("`{text}` is longer than the longest delay, 1h")),
        Err(error) => Err(format!("delay={text}: {error}")),
    }
}

/// `1000/s`, `64KB/s`.
fn slow(text: &str) -> Result<What, String> {
    let amount = text.strip_suffix("/s").unwrap_or(text);
    let end = amount
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(amount.len());
    let (number, unit) = amount.split_at(end);
    let factor = match unit.trim() {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1000),
        "KiB" => Some(1024),
        "MB" => Some(1_000_000),
        "MiB" => Some(1024 * 1024),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, factor)| NonZeroU64::new(number.checked_mul(factor)?))
        .map(What::Slow)
        .ok_or_else(|| format!("`{text}` is not a rate; try slow=1000/s or slow=64KB/s"))
}

fn often(text: &str) -> Result<Often, String> {
    let first = text
        .strip_prefix('x')
        .and_then(|number| number.parse().ok());
    let share = text
        .strip_prefix('p')
        .and_then(|number| number.strip_suffix('%')?.parse().ok())
        .filter(|percent| (0.0..=100.0).contains(percent));
    match (first, share) {
        (Some(times), _) if times > 0 => Ok(Often::First(times)),
        (_, Some(percent)) => Ok(Often::Percent(percent)),
        _ => Err(format!(
            "`{text}` is not a frequency; try xN for the first N calls, or pN% for N per cent of them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rule {
        text.parse().expect(text)
    }

    #[test]
    fn every_fault_is_parsed() {
        let rule = read("download=429:1,x2");
        assert_eq!((rule.call, rule.often), (Call::Download, Often::First(2)));
        assert_eq!(rule.what, status(StatusCode::TOO_MANY_REQUESTS, Some(1)));
        assert_eq!(read("*=503").call, Call::Any);
        assert_eq!(
            read("cards=conflict").what,
            status(StatusCode::CONFLICT, None)
        );
        assert_eq!(
            read("info=delay=1s500ms").what,
            What::Delay(Duration::from_millis(1500))
        );
        let rate = NonZeroU64::new(64_000).map(What::Slow);
        assert_eq!(Some(read("download=slow=64KB/s").what), rate);
        assert_eq!(read("download=truncate,p12.5%").often, Often::Percent(12.5));
        assert_eq!(read("representation=pending=3").what, What::Pending(3));
        assert_eq!(read("token=expire,p100%").what, What::Expire);
        assert_eq!(&*read(" invocation=reset ").text, "invocation=reset");
    }

    #[test]
    fn an_error_names_the_fault_and_what_is_allowed() {
        for (text, said) in [
            ("download", "is not of the form CALL=WHAT"),
            ("", "is not of the form CALL=WHAT"),
            (
                "upload=503",
                "download, cards, invocation, info, representation, token, or *",
            ),
            (
                "info=sleep",
                "a status (503, 401, 429:SECONDS), conflict, delay=TIME",
            ),
            ("info=truncate=1", "is not a fault"),
            ("info=99", "from 200 to 599"),
            ("info=5000", "from 200 to 599"),
            ("info=429:soon", "not a whole number of seconds"),
            ("info=delay=fast", "not a duration; try 300ms"),
            ("info=delay=9days", "1h"),
            ("info=slow=0/s", "not a rate; try slow=1000/s"),
            ("info=slow=99999999999999999999MB/s", "not a rate"),
            ("info=503,x0", "xN for the first N calls"),
            ("info=503,p101%", "pN% for N per cent"),
            ("info=503,p5", "pN% for N per cent"),
            ("info=503,x1,p5%", "is not a frequency"),
            ("cards=pending=1", "with download or representation"),
            ("download=pending=1,x2", "includes how often"),
            ("download=pending=0", "not a number of attempts"),
        ] {
            let error = text.parse::<Rule>().expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
