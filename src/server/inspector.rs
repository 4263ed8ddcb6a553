//! The inspector: the page at `/_mock/`, which shows what the mock sees. Its parts are plain files in
//! `inspector/`; everything else that it needs comes from the admin API. Here are also the cards of a
//! write as the page shows them, and the check of what pages may change.

use std::sync::Arc;

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde_json::{Value, json};

use super::{
    admin::answer::{Answered, Refused, json_response, run_blocking},
    body::ResponseBody,
    handler::Origin,
};
use crate::{
    domain::{
        call::WriteRecord,
        card::{
            preview::sidebar,
            validate::{Schema, validate_list},
        },
        diagnostic::Diagnostic,
        outcome::Observed,
    },
    render::cards::html::{SCRIPT, STYLE, fragment},
    store::Store,
};

/// The header in which the page repeats its token.
const PAGE_TOKEN: &str = "x-skillctl-page";
/// The only sources of the page are its own parts. Pictures of cards from elsewhere are not loaded.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("inspector/page.html");
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// The parts of the page by their names below `/_mock/inspector/`.
const PARTS: &[(&str, &str, &str)] = &[
    ("sidebar.css", CSS, STYLE),
    ("style.css", CSS, include_str!("inspector/style.css")),
    ("sidebar.js", JS, SCRIPT),
    ("main.js", JS, include_str!("inspector/main.js")),
    ("admin.js", JS, include_str!("inspector/admin.js")),
    ("model.js", JS, include_str!("inspector/model.js")),
    ("list.js", JS, include_str!("inspector/list.js")),
    ("waterfall.js", JS, include_str!("inspector/waterfall.js")),
    ("call.js", JS, include_str!("inspector/call.js")),
    ("cards.js", JS, include_str!("inspector/cards.js")),
    ("actions.js", JS, include_str!("inspector/actions.js")),
];

/// The page or one of its parts, which hold no data. `token` is the page's own.
pub(super) fn part(parts: &Parts, token: &str) -> Option<Response<ResponseBody>> {
    if parts.method != Method::GET {
        return None;
    }
    let path = parts.uri.path().strip_prefix("/_mock/")?;
    if path.is_empty() {
        return Some(file(HTML, PAGE.replace("{page-token}", token)));
    }
    let name = path.strip_prefix("inspector/")?;
    let (_, kind, text) = PARTS.iter().find(|(known, ..)| *known == name)?;
    Some(file(kind, (*text).to_owned()))
}

fn file(kind: &'static str, text: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(text));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses a change that a browser asks for, unless it comes from the inspector's own page: from this
/// very address, and with the token of the page. Other programs send neither header.
pub(super) fn check_page(origin: &Origin, parts: &Parts, token: &str) -> Result<(), Refused> {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let page = parts.headers.get(header::ORIGIN);
    let is_from_browser = page.is_some() || parts.headers.contains_key("sec-fetch-site");
    if is_read || !is_from_browser {
        return Ok(());
    }
    let own = origin
        .authority
        .as_ref()
        .map(|authority| format!("{}://{authority}", origin.scheme.as_str()));
    let is_own =
        page.is_some_and(|page| Some(page.as_bytes()) == own.as_deref().map(str::as_bytes));
    let given = parts.headers.get(PAGE_TOKEN);
    if is_own && given.is_some_and(|given| given.as_bytes() == token.as_bytes()) {
        return Ok(());
    }
    let message = "only the page of the inspector may change the mock from a browser";
    Err(Refused(StatusCode::FORBIDDEN, message.to_owned()))
}

/// `GET inspector/overview`: the registered events with their files, and whether a skill gets events.
pub(super) fn overview(store: &Store) -> Response<ResponseBody> {
    let events: Vec<Value> = store.read(|state| {
        let events = state.events().map(|(id, entry)| {
            let name = state.file(&entry.file_id).map(|file| file.name.clone());
            json!({"id": id, "file_id": entry.file_id, "name": name})
        });
        events.collect()
    });
    json_response(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "sends_events": store.has_pump(),
        "events": events,
    }))
}

/// `GET inspector/plain`: the newest calls as a page for browsers without scripts.
pub(super) fn plain(store: &Store) -> Response<ResponseBody> {
    /// Calls that are listed.
    const MAX_LISTED: usize = 500;
    let mut calls = store.calls(0, usize::MAX);
    calls.reverse();
    let rows = calls.iter().take(MAX_LISTED).map(|(_, entry)| {
        let record = &entry.record;
        [
            record.at.strftime("%H:%M:%S%.3f").to_string(),
            record.status.to_string(),
            format!("{} {}", record.method, record.target),
            record
                .note
                .clone()
                .or_else(|| record.code.clone())
                .unwrap_or_default(),
        ]
    });
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "skillctl inspector: calls" }
                link rel="stylesheet" href="/_mock/inspector/sidebar.css";
                link rel="stylesheet" href="/_mock/inspector/style.css";
            }
            body .plain {
                h1 { "Calls, newest first" }
                table {
                    tr { th scope="col" { "time (UTC)" } th scope="col" { "status" } th scope="col" { "call" } th scope="col" { "note" } }
                    @for row in rows { tr { @for cell in row { td { bdi { (cell) } } } } }
                }
            }
        }
    };
    file(HTML, page.into_string())
}

/// `GET inspector/cards/{seq}`: the cards after a write, as HTML and with the findings of
/// `cards validate`.
pub(super) async fn cards(store: &Arc<Store>, seq: &str) -> Answered {
    let none = || Refused(StatusCode::NOT_FOUND, format!("there is no write {seq}"));
    let seq: u64 = seq.parse().map_err(|_| none())?;
    let after = seq.checked_sub(1).ok_or_else(none)?;
    let reader = Arc::clone(store);
    let record = run_blocking(move || {
        let record = reader.records(after).next().transpose();
        record.map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    });
    let record = record.await?.filter(|record| record.seq == seq);
    Ok(json_response(&shown(&record.ok_or_else(none)?)))
}

/// The cards of a record for the page.
fn shown(record: &WriteRecord) -> Value {
    let mut observed = Observed::default();
    observed.written(record, 0.0, 0.0);
    let Some(tape) = observed.cards() else {
        return json!({"html": "", "cards": 0, "findings": []});
    };
    let cards = tape.tree().as_array().unwrap_or_default();
    let findings = validate_list(tape.tree(), Schema::Box);
    json!({
        "html": fragment(&sidebar(cards.iter(), Some(&record.file_version_id))),
        "cards": cards.len(),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(found: &Diagnostic) -> Value {
    json!({
        "severity": found.severity.as_str(),
        "code": found.code,
        "message": found.message,
        "pointer": found.pointer.as_str(),
        "help": found.help,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use http::Request;

    use super::*;
    use crate::{domain::hosts::HostPort, server::handler::Scheme};

    fn parts(method: Method, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/_mock/reset");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn is_refused(method: Method, headers: &[(&'static str, &str)]) -> bool {
        let origin = Origin {
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            scheme: Scheme::Clear,
            authority: HostPort::parse("127.0.0.1:7269"),
            via_proxy: false,
        };
        check_page(&origin, &parts(method, headers), "the-token").is_err()
    }

    const OWN: (&str, &str) = ("origin", "http://127.0.0.1:7269");

    #[test]
    fn a_page_changes_nothing_without_its_token_and_origin() {
        let token = (PAGE_TOKEN, "the-token");
        assert!(!is_refused(Method::POST, &[OWN, token]));
        assert!(is_refused(Method::POST, &[OWN]));
        assert!(is_refused(Method::POST, &[OWN, (PAGE_TOKEN, "another")]));
        assert!(is_refused(
            Method::DELETE,
            &[("sec-fetch-site", "same-origin")]
        ));
        for elsewhere in ["http://127.0.0.1:3000", "https://127.0.0.1:7269", "null"] {
            assert!(
                is_refused(Method::POST, &[("origin", elsewhere), token]),
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn programs_and_reads_need_no_page() {
        assert!(!is_refused(Method::POST, &[]));
        assert!(!is_refused(Method::GET, &[OWN]));
    }

    #[test]
    fn all_parts_of_the_page_are_small_and_named_by_it() {
        let total: usize = PARTS.iter().map(|(.., text)| text.len()).sum();
        assert!(total + PAGE.len() < 100 * 1024, "{total} bytes");
        assert!(!POLICY.contains("unsafe"));
        for (name, ..) in PARTS {
            let is_named =
                PAGE.contains(name) || PARTS.iter().any(|(.., text)| text.contains(name));
            assert!(is_named, "{name}");
        }
    }
}
