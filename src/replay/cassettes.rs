//! The cassettes of a run: which case has which, and the calls of providers to the skill that they hold.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::sleep;
use url::Url;

use super::tracker::TrackedEvent;
use crate::{
    client::Http,
    domain::{
        cassette::{
            deck::{Deck, Mode},
            exchange::{Callback, ProviderRequest},
            values::EventValues,
        },
        event::invocation::Invocation,
        json::tree::Tape,
        outcome::Reply,
        secret::redact_target,
        text::innermost_cause,
    },
};

/// How a case uses its cassette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseCassette {
    /// The number of its cassette in the deck, if it has one.
    pub index: Option<usize>,
    /// What happens to the calls of its events.
    pub mode: Mode,
}

/// The cassettes of a run.
#[derive(Clone, Debug)]
pub struct Cassettes {
    /// What answers and records calls; the mock of the run has the same.
    pub deck: Arc<Deck>,
    /// The cassettes by the names of the cases.
    pub by_case: Arc<HashMap<Arc<str>, CaseCassette>>,
    /// The mode of cases without a cassette.
    pub without: Mode,
    /// The URL of the mock, which skills may give to providers.
    pub mock_url: String,
    /// Calls the skill for its providers.
    pub http: Arc<Http>,
}

impl Cassettes {
    /// How a case uses its cassette.
    pub(super) fn of_case(&self, name: &str) -> CaseCassette {
        let without = CaseCassette {
            index: None,
            mode: self.without,
        };
        self.by_case.get(name).copied().unwrap_or(without)
    }

    /// The event of a case is about to be sent with this body.
    pub(super) fn begin(&self, case: &str, event_id: Arc<str>, body: &[u8]) {
        let CaseCassette { index, mode } = self.of_case(case);
        let event = Tape::read(body).ok();
        let event = event.and_then(|tape| Invocation::read(tape).ok());
        let values = event.map(|event| EventValues::new(&event, Some(&self.mock_url)));
        self.deck
            .begin(event_id, index, mode, values.unwrap_or_default());
    }
}

/// Sends the calls of providers to the skill, each when its time has come, until all are sent.
pub(super) async fn call_back(
    callbacks: Vec<Callback>,
    tracked: Arc<TrackedEvent>,
    http: Arc<Http>,
    skill: Url,
    deadline: Duration,
) {
    for callback in callbacks {
        tracked.provider_calls(callback.after).await;
        sleep(Duration::from_millis(callback.delay_ms)).await;
        let at = tracked.elapsed();
        let started = Instant::now();
        let url = target(&skill, &callback.request);
        let shown = format!("{} {}", callback.request.method, redact_target(&path(&url)));
        let reply = match tokio::time::timeout(deadline, send(&http, url, callback.request)).await {
            Err(_) => Reply::Late(deadline.as_secs_f64() * 1000.0),
            Ok(Err(reason)) => Reply::Failed(reason),
            Ok(Ok(status)) => Reply::Answered {
                status,
                ms: started.elapsed().as_secs_f64() * 1000.0,
            },
        };
        tracked.called_back(shown, reply, at);
    }
}

/// Path and query of the call at the address of the skill.
fn target(skill: &Url, request: &ProviderRequest) -> Url {
    let rest = match request.url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &request.url,
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let mut url = skill.clone();
    url.set_path(path);
    url.set_query(query);
    url
}

fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

async fn send(http: &Http, url: Url, request: ProviderRequest) -> Result<u16, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let method = request.method.parse::<Method>().unwrap_or(Method::POST);
    let client = http.client(&url).map_err(|error| error.to_string())?;
    let sent = client
        .request(method, url)
        .headers(headers)
        .body(request.body)
        .send()
        .await;
    let answer = sent.map_err(|error| innermost_cause(&error.without_url()))?;
    let status = answer.status().as_u16();
    // The skill may work until its answer is read.
    let _ = answer.bytes().await;
    Ok(status)
}
