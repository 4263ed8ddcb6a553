//! Deliveries over TLS or through a proxy, by the general HTTP client.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;

use super::answer::{Answer, Exchange, MAX_BODY, broke_off};
use crate::{client::Http, domain::text::innermost_cause};

/// Posts `body` and reads the answer to its end.
pub(super) async fn post(http: &Http, url: &Url, body: &Bytes, headers: &HeaderMap) -> Exchange {
    let client = http.client(url).map_err(|error| error.to_string())?;
    let request = client.post(url.clone());
    let request = request.headers(headers.clone()).body(body.clone());
    let mut response = request.send().await.map_err(|error| no_answer(&error))?;
    let status = response.status().as_u16();
    let mut answer = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| broke_off(status, &error))?
    {
        if answer.len() < MAX_BODY {
            answer.extend_from_slice(&chunk);
        }
    }
    Ok(Answer {
        status,
        body: Bytes::from(answer),
        at: Instant::now(),
    })
}

/// The sentence for a request that got no answer.
fn no_answer(error: &reqwest::Error) -> String {
    let cause = innermost_cause(error);
    if cause.contains("certificate") {
        format!(
            "the skill's certificate is not trusted: {}; trust it with --skill-ca FILE",
            certificate_fault(&cause)
        )
    } else if error.is_connect() {
        format!("could not connect to the skill: {cause}")
    } else if cause.contains("closed before message completed") || cause.contains("reset") {
        "the skill closed the connection without an answer".to_owned()
    } else {
        format!("what the skill sent is not an HTTP answer: {cause}")
    }
}

/// What is wrong with a certificate, for the names that the TLS library prints.
fn certificate_fault(cause: &str) -> &str {
    const FAULTS: [(&str, &str); 5] = [
        ("CaUsedAsEndEntity", "it is self-signed"),
        ("UnknownIssuer", "its issuer is unknown"),
        ("NotValidForName", "it is for another host name"),
        ("not valid for name", "it is for another host name"),
        ("xpired", "it has expired"),
    ];
    let known = FAULTS.iter().find(|(name, _)| cause.contains(name));
    known.map_or(cause, |(_, fault)| fault)
}
