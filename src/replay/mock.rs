//! The admin API of a mock, as replay uses it: the same calls whether the mock runs inside this
//! process or on another machine.

use std::{borrow::Cow, path::PathBuf};

use bytes::Bytes;
use futures_util::Stream;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use url::Url;

use crate::{
    client::{Connections, Http},
    domain::{
        secret::{Secret, redact_url},
        text::innermost_cause,
    },
};

/// A mock, by its URL.
#[derive(Debug)]
pub struct Mock {
    http: Http,
    url: Url,
    token: Option<Secret>,
}

/// Why the mock did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MockError {
    /// It cannot be reached, or closed the connection.
    #[error("the mock at {} does not answer: {reason}", redact_url(.url))]
    Unreachable {
        /// Where it should be.
        url: Url,
        /// What happened.
        reason: String,
    },
    /// It answered, but not as a mock of this program does.
    #[error("what answers at {} is not a skillctl mock: {reason}", redact_url(.url))]
    NoMock {
        /// Where it is.
        url: Url,
        /// What it answered.
        reason: String,
    },
    /// It refused.
    #[error("the mock at {} refused: {reason}", redact_url(.url))]
    Refused {
        /// Where it is.
        url: Url,
        /// What it said.
        reason: String,
    },
    /// Its stream of what happens lost a part.
    #[error(
        "the mock at {} was too busy to report everything: some calls were not seen",
        redact_url(.url)
    )]
    Gap {
        /// Where it is.
        url: Url,
    },
}

/// What `GET /_mock/health` says.
#[derive(Clone, Debug, Deserialize)]
pub struct Health {
    /// The number of the newest notice.
    pub next: u64,
    /// The version of the skillctl that runs it.
    #[serde(default)]
    pub version: Option<String>,
    /// The certificate of its authority.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The system's roots with that certificate among them.
    #[serde(default)]
    pub bundle: Option<PathBuf>,
}

/// Where the files are with which a skill trusts the mock's TLS; none where the mock made none.
#[derive(Clone, Debug, Deserialize)]
pub struct Trust {
    /// The certificate of its authority.
    pub ca: Option<PathBuf>,
    /// The system's roots with the authority among them.
    pub bundle: Option<PathBuf>,
}

/// An event to be registered. It holds tokens: there is no debug output of it.
pub struct ToRegister<'a> {
    /// The event: JSON.
    pub event: Cow<'a, [u8]>,
    /// The name of its content, if it has one: what [`Mock::put_content`] gave.
    pub content: Option<&'a str>,
}

impl ToRegister<'_> {
    /// Appends it, in the form that the mock reads. The text of the event is sent unchanged: the
    /// event was read from it, or it was written just now.
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(b"{\"event\":");
        to.extend_from_slice(&self.event);
        if let Some(content) = self.content {
            to.extend_from_slice(b",\"content\":");
            serde_json::to_writer(&mut *to, content).expect("a text can be written");
        }
        to.push(b'}');
    }
}

/// How events are registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// As recorded.
    pub keep: bool,
    /// On the recorded file, even where another event has it.
    pub same_file: bool,
}

impl Mock {
    /// The mock at `url`.
    pub fn new(connections: Connections, url: Url, token: Option<Secret>) -> Self {
        Self {
            http: Http::new(connections),
            url,
            token,
        }
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it answers, and the number of its newest notice.
    ///
    /// # Errors
    /// Where nothing, or something else, answers.
    pub async fn health(&self) -> Result<Health, MockError> {
        let response = self.send(self.request(Method::GET, "health")?).await?;
        response.json_as(self).await
    }

    /// Where the files are with which a skill reaches and trusts it.
    ///
    /// # Errors
    /// Where nothing, or something else, answers.
    pub async fn trust(&self) -> Result<Trust, MockError> {
        self.send(self.request(Method::GET, "trust")?)
            .await?
            .json_as(self)
            .await
    }

    /// Uploads content, and returns the name by which events refer to it.
    ///
    /// # Errors
    /// Where the mock does not take it.
    pub async fn put_content(
        &self,
        content: impl Into<reqwest::Body>,
    ) -> Result<String, MockError> {
        #[derive(Deserialize)]
        struct Kept {
            sha1: String,
        }
        let request = self.request(Method::PUT, "contents")?.body(content);
        let kept: Kept = self.send(request).await?.json_as(self).await?;
        Ok(kept.sha1)
    }

    /// Registers events, and returns them as they are to be sent, in the same order.
    ///
    /// # Errors
    /// Where the mock does not take them.
    pub async fn register(
        &self,
        events: &[ToRegister<'_>],
        how: Registration,
    ) -> Result<Vec<Box<RawValue>>, MockError> {
        let path = format!("events?keep={}&same_file={}", how.keep, how.same_file);
        let mut body = vec![b'['];
        for (nth, event) in events.iter().enumerate() {
            if nth > 0 {
                body.push(b',');
            }
            event.write(&mut body);
        }
        body.push(b']');
        let request = self.request(Method::POST, &path)?.body(body);
        self.send(request).await?.json_as(self).await
    }

    /// Forgets events that are over.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub async fn retire(&self, event_ids: &[String]) -> Result<(), MockError> {
        let ids: Vec<String> = event_ids.iter().map(|id| format!("id={id}")).collect();
        let path = format!("events?{}", ids.join("&"));
        self.send(self.request(Method::DELETE, &path)?).await?;
        Ok(())
    }

    /// The stream of what happens after number `after`, as it comes over the wire.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn stream(
        &self,
        after: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, reqwest::Error>> + use<>, MockError> {
        let request = self.request(Method::GET, &format!("stream?after={after}"))?;
        Ok(self.send(request).await?.0.bytes_stream())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, MockError> {
        let mut url = self.url.clone();
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("/_mock/{path}"));
        url.set_query(query);
        let client = self
            .http
            .client(&url)
            .map_err(|error| MockError::Unreachable {
                url: self.url.clone(),
                reason: error.to_string(),
            })?;
        let request = client.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, MockError> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Answer(response));
        }
        let text = response.text().await.unwrap_or_default();
        let said = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| value.get("error")?.as_str().map(str::to_owned));
        Err(match said {
            Some(reason) if status != StatusCode::NOT_FOUND => MockError::Refused {
                url: self.url.clone(),
                reason,
            },
            _ => self.unexpected(&format!("it answered {status}")),
        })
    }

    /// The error that its stream lost a part.
    pub(super) fn gap(&self) -> MockError {
        MockError::Gap {
            url: self.url.clone(),
        }
    }

    /// The error that what answers is not a mock of this program.
    pub(super) fn unexpected(&self, reason: &str) -> MockError {
        MockError::NoMock {
            url: self.url.clone(),
            reason: reason.to_owned(),
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> MockError {
        MockError::Unreachable {
            url: self.url.clone(),
            reason: innermost_cause(&error.without_url()),
        }
    }
}

/// A good answer.
struct Answer(Response);

impl Answer {
    async fn json_as<T: for<'de> Deserialize<'de>>(self, mock: &Mock) -> Result<T, MockError> {
        let bytes = self
            .0
            .bytes()
            .await
            .map_err(|error| mock.unreachable(error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| mock.unexpected(&format!("its answer cannot be parsed: {error}")))
    }
}
