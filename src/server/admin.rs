//! The admin API below `/_mock/`: how replay, `env` and scripts speak to a running mock. Without a
//! token it answers only clients that named a loopback host, so that no page in a browser reaches
//! it by rebinding a name (the guard keeps other pages out); a mock that listens beyond loopback
//! requires its token. Here is the table of its routes; a file below answers each family of them.

pub(super) mod answer;
mod events;
mod files;
mod query;
mod records;

use std::{path::PathBuf, sync::Arc};

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde_json::json;
use tokio::sync::watch;

use self::{
    answer::{Answered, Refused, json_response, read_body},
    query::Query,
};
use super::{
    body::{RequestBody, ResponseBody},
    handler::Origin,
    inspector,
};
use crate::{
    domain::{hosts::is_loopback, secret::Secret},
    mock_box::faults::Rule,
    store::Store,
};

/// What the admin API knows besides the store.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Where the mock is reached: `http://127.0.0.1:7269`.
    pub url: String,
    /// The token that is required, if any.
    pub token: Option<Secret>,
    /// The token of the inspector's page, without which a browser changes nothing.
    pub page_token: String,
    /// The certificate of the authority, in PEM.
    pub certificate: String,
    /// Where the certificate and the bundle are, for `health`. They are made in the background,
    /// possibly a moment after the start; never if the sender is dropped.
    pub trust: watch::Receiver<Option<Trust>>,
}

/// The files with which a skill trusts the mock's TLS.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The certificate of the authority.
    pub ca: Option<PathBuf>,
    /// The system's roots with the authority among them.
    pub bundle: Option<PathBuf>,
}

/// Answers a call of the admin API.
pub async fn answer(
    store: &Arc<Store>,
    admin: &Admin,
    origin: &Origin,
    parts: &Parts,
    body: RequestBody,
) -> Response<ResponseBody> {
    let checked = check_host(admin, origin);
    if checked.is_ok()
        && let Some(part) = inspector::part(parts, &admin.page_token)
    {
        return part;
    }
    let checked = checked
        .and_then(|()| check_token(admin, parts))
        .and_then(|()| inspector::check_page(origin, parts, &admin.page_token));
    let answered = match checked {
        Ok(()) => route(store, admin, parts, body).await,
        Err(refused) => Err(refused),
    };
    answered.unwrap_or_else(|Refused(status, error)| {
        let mut response = json_response(&json!({ "error": error }));
        *response.status_mut() = status;
        response
    })
}

fn check_host(admin: &Admin, origin: &Origin) -> Result<(), Refused> {
    let named = origin.authority.as_ref().map(|meant| meant.host.as_str());
    if admin.token.is_none() && !named.is_some_and(is_loopback) {
        let message = "the admin API answers only to loopback host names such as 127.0.0.1";
        return Err(Refused(StatusCode::FORBIDDEN, message.to_owned()));
    }
    Ok(())
}

fn check_token(admin: &Admin, parts: &Parts) -> Result<(), Refused> {
    let Some(token) = &admin.token else {
        return Ok(());
    };
    let given = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if given == Some(token.expose()) {
        return Ok(());
    }
    let message = "the admin API of this mock requires its token, as a bearer token";
    Err(Refused(StatusCode::UNAUTHORIZED, message.to_owned()))
}

async fn route(store: &Arc<Store>, admin: &Admin, parts: &Parts, body: RequestBody) -> Answered {
    let path = parts.uri.path().trim_start_matches("/_mock/");
    let query = Query(parts.uri.query().unwrap_or_default());
    match (&parts.method, path) {
        (&Method::GET, "health") => Ok(health(store, admin)),
        (&Method::GET, "trust") => Ok(trust(admin).await),
        (&Method::GET, "ca.pem") => Ok(certificate(admin)),
        (&Method::GET, "writes") => records::writes(store, query).await,
        (&Method::GET, "calls") => records::calls(store, query).await,
        (&Method::GET, "stream") => Ok(records::notices(store, query, parts)),
        (&Method::POST, "events") => events::register(store, query, body).await,
        (&Method::DELETE, "events") => {
            store.retire(query.all("id")).await;
            Ok(json_response(&json!({})))
        }
        (&Method::GET, "faults") => Ok(faults(store)),
        (&Method::POST, "faults") => add_faults(store, body).await,
        (&Method::DELETE, "faults") => {
            store.clear_faults();
            Ok(faults(store))
        }
        (&Method::PUT, "contents") => events::take_content(store, body).await,
        (&Method::POST, "reset") => match store.reset().await {
            Ok(()) => Ok(json_response(&json!({}))),
            Err(reason) => Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, reason)),
        },
        (&Method::GET, "inspector/overview") => Ok(inspector::overview(store)),
        (&Method::GET, "inspector/plain") => Ok(inspector::plain(store)),
        (&Method::POST, path) if path.ends_with("/fire") => files::fire(store, path, query),
        (&Method::GET, path) if path.starts_with("inspector/cards/") => {
            inspector::cards(store, path.trim_start_matches("inspector/cards/")).await
        }
        (method, _) => match path.strip_prefix("files/") {
            Some(id) => files::answer(store, method, id, query, body).await,
            None => Err(Refused(
                StatusCode::NOT_FOUND,
                format!("the admin API has no {method} /_mock/{path}"),
            )),
        },
    }
}

fn health(store: &Store, admin: &Admin) -> Response<ResponseBody> {
    let trust = admin.trust.borrow().clone().unwrap_or_default();
    // Read first, so that `writes` counts what the notices up to it report.
    let next = store.newest_notice();
    json_response(&json!({
        "ok": true,
        "url": admin.url,
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "ca": trust.ca,
        "bundle": trust.bundle,
        "next": next,
        "writes": store.last_write()
    }))
}

/// `GET trust`: the files that `health` names, once they exist.
async fn trust(admin: &Admin) -> Response<ResponseBody> {
    let mut trust = admin.trust.clone();
    let made = trust.wait_for(Option::is_some).await;
    let made = made.ok().and_then(|made| made.clone()).unwrap_or_default();
    json_response(&json!({ "ca": made.ca, "bundle": made.bundle }))
}

/// `GET ca.pem`: the certificate to trust, for clients without access to the files.
fn certificate(admin: &Admin) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(admin.certificate.clone()));
    let pem = HeaderValue::from_static("application/x-pem-file");
    response.headers_mut().insert(header::CONTENT_TYPE, pem);
    response
}

fn faults(store: &Store) -> Response<ResponseBody> {
    json_response(&json!({ "faults": store.faults() }))
}

/// `POST faults`: the text of `--fault`, one a line.
async fn add_faults(store: &Store, body: RequestBody) -> Answered {
    /// The largest body, in bytes.
    const MAX_BYTES: u64 = 256 * 1024;
    let bytes = read_body(body, MAX_BYTES).await?;
    let bad = |reason: String| Refused(StatusCode::BAD_REQUEST, reason);
    let rules = String::from_utf8_lossy(&bytes)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::parse)
        .collect::<Result<Vec<Rule>, String>>()
        .map_err(bad)?;
    if rules.is_empty() {
        return Err(bad(
            "the body names no fault, as in download=429:1,x2".to_owned()
        ));
    }
    store.add_faults(rules).map_err(bad)?;
    Ok(faults(store))
}
