//! Values of options, with errors of our own: what is wrong, and an example. The errors of the
//! libraries ("relative URL without a base") help nobody at a prompt.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use url::Url;

use crate::domain::duration::parse_duration;

/// Reads a duration: `300ms`, `10s`, `1m 30s`, or a number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(str::to_owned)
}

/// Reads an address that can be called: http or https, with a host.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let with_scheme = || {
        let guess = format!("http://{text}");
        let is_bare = !text.contains("://") && !text.starts_with('/');
        let guess = Url::parse(&guess).ok().filter(|_| is_bare)?;
        guess.has_host().then_some(guess)
    };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(match with_scheme() {
            Some(guess) => format!("not an http(s) URL; did you mean {guess}?"),
            None => "not an http(s) URL; try http://127.0.0.1:8080/".to_owned(),
        }),
    }
}

/// Reads a moment as RFC 3339 writes it.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "not a time with a UTC offset; try 2026-03-02T09:15:01-08:00 or 2026-03-02T17:15:01Z"
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
            Ok(port) => format!("not an address with a port; did you mean 127.0.0.1:{port}?"),
            Err(_) => "not an address with a port; try 127.0.0.1:7269 or [::1]:0".to_owned(),
        }
    })
}

/// Reads a count of 1 or more.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("the number must be 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

/// Reads a number above 0.
pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("not a number above 0".to_owned()),
    }
}

/// Reads a number that is not negative.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number >= 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("not a number that is 0 or more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                said.ends_with("try http://127.0.0.1:8080/"),
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
