//! Calls of providers to the skill, which a cassette holds: sent as a provider would send them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::timeout;
use url::Url;

use crate::{
    client::Http,
    domain::{
        cassette::exchange::ProviderRequest, outcome::Reply, secret::redact_target,
        text::innermost_cause,
    },
};

/// Calls a skill as its providers do.
#[derive(Clone, Debug)]
pub struct CallbackClient {
    /// The clients for HTTP.
    pub http: Arc<Http>,
    /// The invocation URL: calls go to other paths of the same host.
    pub skill: Url,
    /// How long the skill may take to answer.
    pub deadline: Duration,
}

impl CallbackClient {
    /// Sends a call; returns what it is called in reports (`POST /done`), and its answer.
    pub async fn send(&self, request: ProviderRequest) -> (String, Reply) {
        let started = Instant::now();
        let url = target(&self.skill, &request);
        let shown = format!("{} {}", request.method, redact_target(&path(&url)));
        let reply = match timeout(self.deadline, send(&self.http, url, request)).await {
            Err(_) => Reply::Late(self.deadline.as_secs_f64() * 1000.0),
            Ok(Err(reason)) => Reply::Failed(reason),
            Ok(Ok(status)) => Reply::Answered {
                status,
                ms: started.elapsed().as_secs_f64() * 1000.0,
            },
        };
        (shown, reply)
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
