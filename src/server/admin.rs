//! The admin API below `/_mock/`: how replay, `env` and scripts speak to a running mock. It
//! answers only clients that named a loopback host, so that no page in a browser reaches it by
//! rebinding a name, and it asks for a token where the mock listens beyond loopback.

use std::{fmt::Write, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{
    port::Origin,
    wire::{RequestBody, WireBody},
};
use crate::{
    domain::{
        call::WriteRecord,
        event::{Captured, Event},
        hosts::{HostPort, is_loopback},
        notice::Notice,
        secret::Secret,
    },
    host::Host,
    mock_box::{content::Content, faults::Rule, registration::Registering},
};

/// The largest JSON body, in bytes.
const MOST_JSON: usize = 64 * 1024 * 1024;
/// Records and calls that one answer lists at the most.
const MOST_LISTED: usize = 1000;
/// Bytes of records that one answer lists, give or take the last of them.
const MOST_LISTED_BYTES: usize = 16 * 1024 * 1024;

/// What the admin API knows beside the host.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Where the mock is reached: `http://127.0.0.1:7269`.
    pub url: String,
    /// The token that is asked for, if any.
    pub token: Option<Secret>,
    /// The certificate of the authority, in PEM.
    pub certificate: String,
    /// Where the certificate, the bundle and the preload lie, for `health`. They are made beside
    /// the start, so they may come a moment later; never, where the sender is gone.
    pub trust: watch::Receiver<Option<Trust>>,
}

/// The files that lead a Skill's TLS to the mock.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The certificate of the authority.
    pub ca: Option<PathBuf>,
    /// The system's roots with the authority among them.
    pub bundle: Option<PathBuf>,
    /// The script that Node loads first.
    pub preload: Option<PathBuf>,
}

/// An answer of the admin API, or its refusal.
type Answered = Result<Response<WireBody>, Refused>;

struct Refused(StatusCode, String);

/// Answers a call of the admin API.
pub async fn answer(
    host: &Arc<Host>,
    admin: &Admin,
    origin: &Origin,
    parts: &Parts,
    body: RequestBody,
) -> Response<WireBody> {
    let answered = match check(admin, origin, parts) {
        Ok(()) => route(host, admin, parts, body).await,
        Err(refused) => Err(refused),
    };
    answered.unwrap_or_else(|Refused(status, error)| {
        let mut response = json_response(&json!({ "error": error }));
        *response.status_mut() = status;
        response
    })
}

fn check(admin: &Admin, origin: &Origin, parts: &Parts) -> Result<(), Refused> {
    let named = origin.authority.as_ref().map(|meant| meant.host.as_str());
    if admin.token.is_none() && !named.is_some_and(is_loopback) {
        let message = "the admin API answers only to loopback host names such as 127.0.0.1";
        return Err(Refused(StatusCode::FORBIDDEN, message.to_owned()));
    }
    // A page in a browser may send to a loopback name what needs no leave to be sent.
    let page = parts.headers.get(header::ORIGIN);
    if page.is_some_and(|page| !is_own_page(page)) {
        let message = "the admin API does not answer pages of other hosts";
        return Err(Refused(StatusCode::FORBIDDEN, message.to_owned()));
    }
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
    let message = "the admin API of this mock asks for its token, as a bearer token";
    Err(Refused(StatusCode::UNAUTHORIZED, message.to_owned()))
}

/// Whether the `Origin` of a page is this machine.
fn is_own_page(origin: &HeaderValue) -> bool {
    let host = origin
        .to_str()
        .ok()
        .and_then(|origin| HostPort::parse(origin.split_once("://")?.1));
    host.is_some_and(|host| host.is_loopback())
}

async fn route(host: &Arc<Host>, admin: &Admin, parts: &Parts, body: RequestBody) -> Answered {
    let path = parts.uri.path().trim_start_matches("/_mock/");
    let query = Query(parts.uri.query().unwrap_or_default());
    match (&parts.method, path) {
        (&Method::GET, "health") => Ok(health(host, admin)),
        (&Method::GET, "trust") => Ok(trust(admin).await),
        (&Method::GET, "ca.pem") => Ok(certificate(admin)),
        (&Method::GET, "writes") => writes(host, query).await,
        (&Method::GET, "calls") => calls(host, query),
        (&Method::GET, "stream") => Ok(notices(host, query, parts)),
        (&Method::POST, "events") => register(host, query, body).await,
        (&Method::DELETE, "events") => {
            host.retire(&query.all("id"));
            Ok(json_response(&json!({})))
        }
        (&Method::GET, "faults") => Ok(faults(host)),
        (&Method::POST, "faults") => add_faults(host, body).await,
        (&Method::DELETE, "faults") => {
            host.clear_faults();
            Ok(faults(host))
        }
        (&Method::PUT, "contents") => take_content(host, body).await,
        (&Method::POST, "reset") => match host.reset().await {
            Ok(()) => Ok(json_response(&json!({}))),
            Err(reason) => Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, reason)),
        },
        (method, _) => Err(Refused(
            StatusCode::NOT_FOUND,
            format!("the admin API has no {method} /_mock/{path}"),
        )),
    }
}

fn health(host: &Host, admin: &Admin) -> Response<WireBody> {
    let trust = admin.trust.borrow().clone().unwrap_or_default();
    json_response(&json!({
        "ok": true,
        "url": admin.url,
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "ca": trust.ca,
        "bundle": trust.bundle,
        "preload": trust.preload,
        "next": host.bus.newest(),
        "writes": host.look(|state| state.next_seq() - 1)
    }))
}

/// `GET trust`: as `health` says it, but waits until the files are there.
async fn trust(admin: &Admin) -> Response<WireBody> {
    let mut trust = admin.trust.clone();
    let made = trust.wait_for(Option::is_some).await;
    let made = made.ok().and_then(|made| made.clone()).unwrap_or_default();
    json_response(&json!({ "ca": made.ca, "bundle": made.bundle, "preload": made.preload }))
}

/// `GET ca.pem`: what to trust, for whoever has no access to the files.
fn certificate(admin: &Admin) -> Response<WireBody> {
    let mut response = Response::new(WireBody::bytes(admin.certificate.clone()));
    let pem = HeaderValue::from_static("application/x-pem-file");
    response.headers_mut().insert(header::CONTENT_TYPE, pem);
    response
}

/// `GET writes?file_id=&event_id=&after=SEQ&wait=SECONDS`.
async fn writes(host: &Arc<Host>, query: Query<'_>) -> Answered {
    let after = query.number("after")?.unwrap_or(0);
    let wait = Duration::from_secs(query.number("wait")?.unwrap_or(0).min(600));
    let file_id = query.first("file_id");
    let event_id = query.first("event_id");
    let event_file = event_id
        .as_deref()
        .and_then(|id| host.look(|state| state.event(id).map(|event| event.file_id.clone())));
    let wanted = |record: &WriteRecord| {
        file_id.as_ref().is_none_or(|id| *id == record.file_id)
            && event_id.as_ref().is_none_or(|id| {
                record.invocation_id.as_ref() == Some(id)
                    || event_file.as_ref() == Some(&record.file_id)
            })
    };
    let deadline = Instant::now() + wait;
    let mut bell = host.bus.bell();
    let mut next = after;
    let mut found = Vec::new();
    loop {
        bell.mark_unchanged();
        // The bell rings for other things too; the file is looked at for writes alone.
        if host.last_write() > next {
            next = read_writes(host, next, wanted, &mut found)?;
        }
        if !found.is_empty() {
            break;
        }
        match timeout_at(deadline, bell.changed()).await {
            Ok(Ok(())) => {}
            _ => break,
        }
    }
    let next = found.last().map_or(after.max(next), |record| record.seq);
    Ok(json_response(&json!({ "writes": found, "next": next })))
}

/// Reads on after number `after` until there is enough for one answer; gives the number of the
/// last record that was looked at.
fn read_writes(
    host: &Host,
    after: u64,
    wanted: impl Fn(&WriteRecord) -> bool,
    found: &mut Vec<WriteRecord>,
) -> Result<u64, Refused> {
    let mut last = after;
    let mut bytes = 0;
    for record in host.records(after) {
        let record = record
            .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        last = record.seq;
        if !wanted(&record) {
            continue;
        }
        bytes += record.instance.as_ref().map_or(0, |json| json.get().len())
            + record.patch.as_ref().map_or(0, |json| json.get().len());
        found.push(record);
        if found.len() == MOST_LISTED || bytes > MOST_LISTED_BYTES {
            break;
        }
    }
    Ok(last)
}

/// `GET calls?file_id=&event_id=&after=N`: those that the ring still holds, with heads and bodies.
fn calls(host: &Host, query: Query<'_>) -> Answered {
    const AT_ONCE: usize = 100;
    let mut next = query.number("after")?.unwrap_or(0);
    let file_id = query.first("file_id");
    let event_id = query.first("event_id");
    let mut found = Vec::new();
    let mut bytes = 0;
    while found.len() < MOST_LISTED && bytes < MOST_LISTED_BYTES {
        let entries = host.calls.after(next, AT_ONCE);
        if entries.is_empty() {
            break;
        }
        for (number, entry) in entries {
            next = number;
            let record = &entry.record;
            if file_id.is_some() && file_id != record.file_id
                || event_id
                    .as_ref()
                    .is_some_and(|id| !record.events.contains(id))
            {
                continue;
            }
            let text = entry.to_json(number).to_string();
            bytes += text.len();
            found.push(text);
            if found.len() == MOST_LISTED || bytes >= MOST_LISTED_BYTES {
                break;
            }
        }
    }
    let list = found.join(",");
    Ok(json_text(format!("{{\"calls\":[{list}],\"next\":{next}}}")))
}

/// `GET stream?after=N`: server-sent events, from the newest on where no number is given.
fn notices(host: &Arc<Host>, query: Query<'_>, parts: &Parts) -> Response<WireBody> {
    const AT_ONCE: usize = 256;
    const ALIVE: Duration = Duration::from_secs(15);
    let resumed = parts
        .headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let start = query
        .number("after")
        .ok()
        .flatten()
        .or(resumed)
        .unwrap_or_else(|| host.bus.newest());
    let state = (Arc::clone(host), host.bus.bell(), start, true);
    let chunks = stream::unfold(state, |(host, mut bell, after, first)| async move {
        if first {
            // Something goes out at once, so that the client knows that it is connected.
            return Some((": connected\n\n".to_owned(), (host, bell, after, false)));
        }
        loop {
            bell.mark_unchanged();
            let (notices, last) = host.bus.after(after, AT_ONCE);
            if last > after {
                let text = server_sent(&notices, last);
                return Some((text, (host, bell, last, false)));
            }
            match timeout(ALIVE, bell.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some((": alive\n\n".to_owned(), (host, bell, after, false))),
            }
        }
    });
    let frames = StreamBody::new(Frames(Box::pin(chunks)));
    let mut response = Response::new(WireBody::streaming(frames));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Text chunks as body frames.
struct Frames<S>(std::pin::Pin<Box<S>>);

impl<S: stream::Stream<Item = String>> stream::Stream for Frames<S> {
    type Item = Result<Frame<Bytes>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0
            .as_mut()
            .poll_next(context)
            .map(|chunk| chunk.map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}

/// Notices as server-sent events; the last of them has the number `last`.
fn server_sent(notices: &[Notice], last: u64) -> String {
    let numbered = notices
        .iter()
        .filter(|notice| !matches!(notice, Notice::Gap))
        .count() as u64;
    let mut number = last - numbered;
    let mut text = String::new();
    for notice in notices {
        if !matches!(notice, Notice::Gap) {
            number += 1;
        }
        let (kind, data) = (notice.kind(), notice.data());
        // Writing into a string cannot fail.
        let _ = write!(text, "id: {number}\nevent: {kind}\ndata: {data}\n\n");
    }
    text
}

/// `POST events?keep=true&same_file=true`: one event or a list; each bare, inside an API Gateway
/// event, or as `{"event":…,"content":"<sha1>"}` with content that was put before.
async fn register(host: &Host, query: Query<'_>, body: RequestBody) -> Answered {
    let bytes = collect(body, MOST_JSON).await?;
    let text: &RawValue = serde_json::from_slice(&bytes).map_err(|error| {
        Refused(
            StatusCode::BAD_REQUEST,
            format!("the body is not JSON: {error}"),
        )
    })?;
    let is_list = text.get().starts_with('[');
    let items: Vec<&RawValue> = if is_list {
        serde_json::from_str(text.get()).unwrap_or_default()
    } else {
        vec![text]
    };
    let how = Registering {
        keep: query.is_true("keep"),
        same_file: query.is_true("same_file"),
        ..Registering::default()
    };
    let events: Vec<(Event, Registering)> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            read_item(host, item.get(), &how).map_err(|message| {
                Refused(StatusCode::BAD_REQUEST, format!("event {index}: {message}"))
            })
        })
        .collect::<Result<_, _>>()?;
    let registered = host.register(&events);
    Ok(match (is_list, registered.as_slice()) {
        (false, [one]) => json_response(one),
        (_, list) => json_response(&json!(list)),
    })
}

fn read_item(host: &Host, text: &str, how: &Registering) -> Result<(Event, Registering), String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (event, content) = match value.get("event") {
        // An event has a member `event` of its own, with an `event_id`; the wrapper's has a source
        // and tokens.
        Some(inner) if inner.get("token").is_some() || inner.get("body").is_some() => {
            (inner.clone(), value.get("content").and_then(Value::as_str))
        }
        _ => (value.clone(), None),
    };
    let bytes = Bytes::from(event.to_string());
    let captured = Captured::read(&event, &bytes)
        .map_err(|found| format!("{} ({})", found.message, found.pointer))?;
    let content = content
        .map(|sha1| {
            let spooled = host.spool.find(sha1);
            spooled
                .map(Content::from)
                .ok_or_else(|| format!("no content {sha1} was put before"))
        })
        .transpose()?;
    Ok((
        captured.event,
        Registering {
            content,
            ..how.clone()
        },
    ))
}

/// `PUT contents`: raw bytes, to be named by their SHA-1 when events are registered.
async fn take_content(host: &Host, mut body: RequestBody) -> Answered {
    let failed = |error: std::io::Error| {
        Refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("cannot keep the content: {error}"),
        )
    };
    let mut writer = host.spool.writer().map_err(failed)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            writer.write(&data).map_err(failed)?;
        }
    }
    let spooled = writer.finish().map_err(failed)?;
    Ok(json_response(
        &json!({ "sha1": spooled.sha1, "size": spooled.size }),
    ))
}

fn faults(host: &Host) -> Response<WireBody> {
    json_response(&json!({ "faults": host.faults() }))
}

/// `POST faults`: the text of `--fault`, one a line.
async fn add_faults(host: &Host, body: RequestBody) -> Answered {
    const MOST_BYTES: usize = 256 * 1024;
    let bytes = collect(body, MOST_BYTES).await?;
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
    host.add_faults(rules).map_err(bad)?;
    Ok(faults(host))
}

async fn collect(body: RequestBody, limit: usize) -> Result<Bytes, Refused> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes"),
        )),
        Err(error) => Err(Refused(StatusCode::BAD_REQUEST, error.to_string())),
    }
}

fn json_response(value: &Value) -> Response<WireBody> {
    json_text(value.to_string())
}

fn json_text(text: String) -> Response<WireBody> {
    let mut response = Response::new(WireBody::bytes(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The query of an admin call.
#[derive(Clone, Copy)]
struct Query<'a>(&'a str);

impl Query<'_> {
    fn all(self, name: &str) -> Vec<String> {
        self.0
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
            .collect()
    }

    fn first(self, name: &str) -> Option<String> {
        self.all(name).into_iter().find(|value| !value.is_empty())
    }

    fn is_true(self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| value == "true" || value == "1")
    }

    fn number(self, name: &str) -> Result<Option<u64>, Refused> {
        self.first(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    Refused(
                        StatusCode::BAD_REQUEST,
                        format!("`{name}` must be a whole number"),
                    )
                })
            })
            .transpose()
    }
}
