//! Bringing an event to a Skill as Box does: headers, signatures, envelope, deadline. One attempt
//! at a time, each with what came of it; whoever repeats them decides when.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use jiff::{Timestamp, tz::Offset};
use url::Url;

use crate::{
    client::{Connections, Http},
    domain::{
        event::{envelope, refresh::format_time, signature, signature::Keys},
        outcome::Reply,
    },
};

/// Box's own name in deliveries (facts §1).
const USER_AGENT: &str = "Box-Skills-Client/0.1";
const CONTENT_TYPE: &str = "application/json; charset=UTF-8";
/// The most that is read of a reply, in bytes: nobody looks at more.
const MOST_OF_A_REPLY: usize = 64 * 1024;

/// What goes around the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// Nothing: headers are headers, the body is the body.
    #[default]
    None,
    /// An API Gateway proxy event around both, for the Lambda runtime interface emulator.
    AwsProxy,
}

/// Where events go, and how.
#[derive(Debug)]
pub struct Courier {
    http: Http,
    url: Url,
    keys: Keys,
    envelope: Envelope,
    deadline: Duration,
}

impl Courier {
    /// A courier to the Skill at `url`, which has `deadline` for each reply.
    pub fn new(
        connections: Connections,
        url: Url,
        keys: Keys,
        envelope: Envelope,
        deadline: Duration,
    ) -> Self {
        Self {
            http: Http::new(connections),
            url,
            keys,
            envelope,
            deadline,
        }
    }

    /// The invocation URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Delivers `body` once. `now` becomes the delivery timestamp: at or before the present
    /// second, since newer SDKs refuse a time ahead.
    pub async fn deliver(&self, body: &Bytes, now: Timestamp) -> Reply {
        let headers = self.headers(body, now);
        match self.envelope {
            Envelope::None => self.post(body.clone(), &headers).await.0,
            Envelope::AwsProxy => {
                let wrapped = envelope::wrap(&headers, body).to_string();
                let json = [("content-type".to_owned(), "application/json".to_owned())];
                let (reply, answer) = self.post(Bytes::from(wrapped), &json).await;
                unwrap(reply, &answer)
            }
        }
    }

    fn headers(&self, body: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let timestamp = format_time(now, Offset::UTC);
        let mut headers = vec![
            (
                header::CONTENT_TYPE.as_str().to_owned(),
                CONTENT_TYPE.to_owned(),
            ),
            (
                header::USER_AGENT.as_str().to_owned(),
                USER_AGENT.to_owned(),
            ),
            (signature::TIMESTAMP.to_owned(), timestamp.clone()),
        ];
        if !self.keys.is_empty() {
            let signed = signature::headers(&self.keys, body, &timestamp);
            for (name, value) in signed {
                headers.retain(|(known, _)| known != name);
                headers.push((name.to_owned(), value));
            }
        }
        headers
    }

    /// Posts, and reads the answer to its end: half an answer is none.
    async fn post(&self, body: Bytes, headers: &[(String, String)]) -> (Reply, Bytes) {
        let client = match self.http.client(&self.url) {
            Ok(client) => client,
            Err(error) => return (Reply::Failed(error.to_string()), Bytes::new()),
        };
        let mut request = client.post(self.url.clone()).body(body);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (
                HeaderName::try_from(name.as_str()),
                HeaderValue::try_from(value.as_str()),
            ) {
                request = request.header(name, value);
            }
        }
        let began = Instant::now();
        let ms = || began.elapsed().as_secs_f64() * 1000.0;
        match tokio::time::timeout(self.deadline, exchange(request)).await {
            Err(_) => (
                Reply::Late(self.deadline.as_secs_f64() * 1000.0),
                Bytes::new(),
            ),
            Ok(Ok((status, answer))) => (Reply::Answered { status, ms: ms() }, answer),
            Ok(Err(reason)) => (Reply::Failed(reason), Bytes::new()),
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<(u16, Bytes), String> {
    let mut response = request.send().await.map_err(|error| sentence(&error))?;
    let status = response.status().as_u16();
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| {
        format!(
            "the skill answered {status}, but broke off in the middle: {}",
            cause(&error)
        )
    })? {
        if answer.len() < MOST_OF_A_REPLY {
            answer.extend_from_slice(&chunk);
        }
    }
    Ok((status, Bytes::from(answer)))
}

/// What became of a request that got no answer, for a newcomer.
fn sentence(error: &reqwest::Error) -> String {
    let cause = cause(error);
    if error.is_connect() {
        format!("could not connect to the skill: {cause}")
    } else if cause.contains("closed before message completed") || cause.contains("reset") {
        "the skill closed the connection without an answer".to_owned()
    } else {
        format!("what the skill sent is no HTTP answer: {cause}")
    }
}

/// The innermost cause.
fn cause(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The answer of a function, out of its envelope.
fn unwrap(reply: Reply, answer: &[u8]) -> Reply {
    match reply {
        Reply::Answered {
            status: 200..=299,
            ms,
        } => match envelope::unwrap_answer(answer) {
            Ok(status) => Reply::Answered { status, ms },
            Err(reason) => Reply::Failed(reason),
        },
        other => other,
    }
}
