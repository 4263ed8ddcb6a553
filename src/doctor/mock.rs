//! What listens at the URL of a mock: a mock of this version, of another one, or something else;
//! and whether its clock agrees with this machine's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::Response;
use serde::Deserialize;
use url::Url;

use super::finding::Finding;
use crate::{client::Connections, domain::secret::redact_url, env::wall_clock};

/// How long a mock may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The longest health that is read, in bytes.
const MAX_HEALTH: usize = 64 * 1024;
/// Clocks that differ by more than this make deliveries look too old or from the future.
const MAX_CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(1);

/// What `GET /_mock/health` says, as far as it is of interest here.
#[derive(Deserialize)]
struct Health {
    version: String,
}

pub(super) async fn examine(url: &Url, connections: Connections) -> Vec<Finding> {
    const CODE: &str = "port";
    let shown = redact_url(url);
    let client = crate::client::Http::new(connections);
    let health = url.join("/_mock/health").unwrap_or_else(|_| url.clone());
    let Ok(client) = client.client(&health) else {
        return vec![Finding::problem(
            CODE,
            format!("{shown} cannot be called: the proxy or certificate settings do not allow it"),
            "check the proxy and certificate variables above",
        )];
    };
    let response = match client.get(health).timeout(TIMEOUT).send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => {
            return vec![Finding::ok(
                CODE,
                format!("nothing listens at {shown}; replay and mock-box can use the port"),
            )];
        }
        Err(_) => return vec![occupied(&shown)],
    };
    let clock = response
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok())
        .and_then(|date| rfc2822::parse(date).ok())
        .map(|date| date.timestamp());
    let mut findings = match health_of(response).await {
        Some(Health { version }) if version == env!("CARGO_PKG_VERSION") => {
            vec![Finding::ok(
                CODE,
                format!("a mock answers at {shown} (version {version})"),
            )]
        }
        Some(Health { version }) => vec![Finding::problem(
            "version",
            format!(
                "the mock at {shown} is of version {version}; this is {}",
                env!("CARGO_PKG_VERSION")
            ),
            "end it and start mock-box of this version; replay finds it there and would use it",
        )],
        None => vec![occupied(&shown)],
    };
    findings.extend(clock.map(|there| compare_clocks(there, wall_clock()(), &shown)));
    findings
}

/// The health in an answer; `None` when it is not a mock's.
async fn health_of(mut response: Response) -> Option<Health> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_HEALTH {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}

fn occupied(shown: &str) -> Finding {
    Finding::problem(
        "port",
        format!("something other than a mock listens at {shown}"),
        "end it, or choose another port: mock-box --listen 127.0.0.1:0, replay --box URL",
    )
}

/// Compares the clock of the mock's machine with this one. Signatures are valid for ten minutes.
fn compare_clocks(there: Timestamp, here: Timestamp, shown: &str) -> Finding {
    const CODE: &str = "clock";
    let difference = here.duration_since(there);
    if difference.abs() <= MAX_CLOCK_DIFFERENCE {
        return Finding::ok(CODE, "the clocks of the mock and of this machine agree");
    }
    let direction = if difference.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    Finding::problem(
        CODE,
        format!(
            "the clock of this machine is {:#} {direction} that of {shown}",
            difference.abs()
        ),
        "set the clock (timedatectl set-ntp true): skills refuse signatures older than 10 minutes",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let here = Timestamp::from_second(1_800_000_000).expect("in range");
        let at = |seconds: i64| here + SignedDuration::from_secs(seconds);
        assert_eq!(compare_clocks(at(59), here, "").state, State::Ok);
        let behind = compare_clocks(at(3600), here, "http://a");
        assert_eq!(behind.state, State::Problem);
        assert!(behind.text.contains("1h behind"), "{}", behind.text);
        assert!(
            compare_clocks(at(-3600), here, "")
                .text
                .contains("1h ahead of")
        );
    }
}
