//! Values of options in our own words: what was given, what is expected, with an example. What a
//! library says of a wrong value ("relative URL without a base") helps nobody at a prompt.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use url::Url;

/// Reads a length of time with its units: `300ms`, `10s`, `1m 30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::NumberOverflow => "it is too long".to_owned(),
        _ if is_number(text) => format!("it has no unit: {0}s, {0}ms or {0}m", text.trim()),
        _ => "it is no length of time, such as 300ms, 10s or 1m 30s".to_owned(),
    })
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads an address that can be called: http or https, with a host.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    const SUCH_AS: &str = "such as http://127.0.0.1:8080/";
    let lacks_its_scheme = || {
        let guess = format!("http://{text}");
        let takes = !text.contains("://") && !text.starts_with('/');
        let guess = Url::parse(&guess).ok().filter(|_| takes)?;
        guess.has_host().then_some(guess)
    };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(match lacks_its_scheme() {
            Some(guess) => format!("it is no http(s) URL; did you mean {guess}?"),
            None => format!("it is no http(s) URL, {SUCH_AS}"),
        }),
    }
}

/// Reads a moment as RFC 3339 writes it.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "it is no time with its offset, such as 2026-03-02T09:15:01-08:00 or 2026-03-02T17:15:01Z"
            .to_owned()
    })
}

/// Reads where to listen: an address of this machine, and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.strip_prefix(':').unwrap_or(text);
        let port = text
            .strip_prefix("localhost:")
            .unwrap_or(port)
            .parse::<u16>();
        match port {
            Ok(port) => format!("it is no address with a port; did you mean 127.0.0.1:{port}?"),
            Err(_) => "it is no address with a port, such as 127.0.0.1:7269 or [::1]:0".to_owned(),
        }
    })
}

/// Reads a count of 1 or more.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("it must be a whole number".to_owned()),
    }
}

/// Reads a number above 0.
pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("it must be a number above 0".to_owned()),
    }
}

/// Reads a number that is not negative.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number >= 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("it must be a number, 0 or more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_needs_its_unit() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(
            duration("10"),
            Err("it has no unit: 10s, 10ms or 10m".to_owned())
        );
        for text in ["", "soon", "-1s", "1 fortnight"] {
            let said = duration(text).expect_err(text);
            assert!(said.contains("such as 300ms"), "{text}: {said}");
        }
        assert!(duration("99999999999999999999s").is_err());
    }

    #[test]
    fn an_address_without_its_scheme_gets_a_suggestion() {
        assert!(http_url("http://127.0.0.1:8080/skill").is_ok());
        assert!(http_url("https://skill.example.com").is_ok());
        for text in ["127.0.0.1:8080", "localhost:8080", "skill.example.com/a"] {
            let said = http_url(text).expect_err(text);
            assert!(
                said.contains(&format!("did you mean http://{text}")),
                "{said}"
            );
        }
        for text in ["", "/skill", "ftp://127.0.0.1/", "http://", "file:///etc"] {
            let said = http_url(text).expect_err(text);
            assert!(
                said.ends_with("such as http://127.0.0.1:8080/"),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn moments_and_addresses_come_with_an_example() {
        assert!(moment("2026-03-02T09:15:01-08:00").is_ok());
        assert!(moment("yesterday").is_err_and(|said| said.contains("2026-03-02T17:15:01Z")));
        assert!(address("127.0.0.1:0").is_ok() && address("[::1]:7269").is_ok());
        for text in ["7269", ":7269", "localhost:7269"] {
            let said = address(text).expect_err(text);
            assert!(
                said.ends_with("did you mean 127.0.0.1:7269?"),
                "{text}: {said}"
            );
        }
        assert!(address("here").is_err_and(|said| said.contains("[::1]:0")));
    }
}
