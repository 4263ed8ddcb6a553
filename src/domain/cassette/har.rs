//! A cassette as a file: HAR 1.2, which browsers' tools and others open. What HAR lacks is in members that
//! begin with `_`.

use std::{borrow::Cow, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::exchange::{
    Callback, Cassette, Entry, Exchange, Headers, ProviderAnswer, ProviderRequest,
};
use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    hosts::is_loopback,
    json::{
        document::{Document, SyntaxError},
        pointer::Pointer,
        position,
        tree::{Items, Tree},
    },
};

/// Bytes of the largest cassette that is read.
pub const MAX_BYTES: u64 = 200 << 20;

/// The version of what skillctl adds to HAR.
const FORMAT: i64 = 1;

/// Why a file is not a cassette.
#[derive(Debug)]
pub enum HarError {
    /// It is not JSON, perhaps because it is cut.
    Syntax(Box<SyntaxError>),
    /// It is JSON, but not a cassette.
    Wrong(Box<(Document, Diagnostic)>),
}

/// Reads a cassette. `name` is what messages call it.
///
/// # Errors
/// [`HarError`].
pub fn read(name: &str, bytes: Vec<u8>) -> Result<Cassette, HarError> {
    let document = Document::parse(name, bytes).map_err(HarError::Syntax)?;
    match cassette(document.tree()) {
        Ok(cassette) => Ok(cassette),
        Err(found) => Err(HarError::Wrong(Box::new((document, *found)))),
    }
}

/// Whether a file is meant as a HAR: JSON whose first member is `log`.
pub fn has_the_form(bytes: &[u8]) -> bool {
    let rest = bytes.trim_ascii_start().strip_prefix(b"{");
    rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"log\""))
}

type Read<T> = Result<T, Box<Diagnostic>>;

fn wrong(pointer: Pointer, message: impl Into<String>, expected: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        severity: Severity::Error,
        code: "not-a-cassette",
        message: message.into(),
        pointer,
        found: None,
        expected: Some(expected.to_owned()),
        help: None,
    })
}

fn cassette(tree: Tree<'_>) -> Read<Cassette> {
    let log = Pointer::ROOT.key("log");
    let Some(entries) = tree.below(&["log", "entries"]).and_then(Tree::as_array) else {
        return Err(wrong(
            Pointer::ROOT,
            "this is not a HAR file",
            "an object with log.entries",
        ));
    };
    let format = tree.below(&["log", "_skillctl", "format"]);
    if let Some(format) = format
        && format.as_i64() != Some(FORMAT)
    {
        return Err(wrong(
            log.key("_skillctl").key("format"),
            "this cassette has a format of another version of skillctl",
            "1",
        ));
    }
    let mut cassette = Cassette::default();
    for (index, tree) in entries.iter().enumerate() {
        let at = log.key("entries").index(index);
        cassette.entries.push(entry(tree, &at)?);
    }
    Ok(cassette)
}

fn entry(tree: Tree<'_>, at: &Pointer) -> Read<Entry> {
    let in_request = at.key("request");
    let request = tree
        .get("request")
        .ok_or_else(|| wrong(at.clone(), "this entry has no request", "a request"))?;
    let request = read_request(request, &in_request)?;
    if let Some(callback) = tree.below(&["_skillctl", "callback"]) {
        let number = |name: &str| callback.get(name).and_then(Tree::as_i64);
        let number = |name: &str| number(name).and_then(|it| u64::try_from(it).ok());
        return Ok(Entry::Callback(Callback {
            after: number("after")
                .and_then(|it| it.try_into().ok())
                .unwrap_or(0),
            delay_ms: number("delay_ms").unwrap_or(0),
            request,
        }));
    }
    let url = Url::parse(&request.url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    match host {
        Some(host) if is_loopback(host) => {
            return Err(wrong(
                in_request.key("url"),
                format!(
                    "this entry is a call to this machine ({host}), which is never answered from a cassette"
                ),
                "the URL of a provider",
            ));
        }
        Some(_) => {}
        None => {
            return Err(wrong(
                in_request.key("url"),
                "this is not the URL of a provider",
                "an http or https URL with a host",
            ));
        }
    }
    let in_response = at.key("response");
    let response = tree
        .get("response")
        .ok_or_else(|| wrong(at.clone(), "this entry has no response", "a response"))?;
    Ok(Entry::Call(Exchange {
        request,
        answer: read_answer(response, &in_response)?,
        at: text(tree, "startedDateTime").unwrap_or_default().to_owned(),
        ms: tree.get("time").and_then(Tree::as_f64).unwrap_or(0.0),
    }))
}

fn text<'t>(tree: Tree<'t>, name: &str) -> Option<&'t str> {
    tree.get(name)?.as_str()
}

fn read_request(tree: Tree<'_>, at: &Pointer) -> Read<ProviderRequest> {
    let method = text(tree, "method").unwrap_or_default();
    if method.is_empty() || Method::from_bytes(method.as_bytes()).is_err() {
        return Err(wrong(
            at.key("method"),
            "this is not a method of HTTP",
            "GET, POST, …",
        ));
    }
    let Some(url) = text(tree, "url") else {
        return Err(wrong(at.clone(), "this request has no URL", "`url`"));
    };
    let post = at.key("postData");
    let body = match tree.get("postData") {
        None => Bytes::new(),
        Some(data) => match (data.get("_base64"), data.get("text")) {
            (Some(encoded), _) => base64(encoded, &post.key("_base64"))?,
            (None, Some(text)) => text_body(text, &post.key("text"))?,
            (None, None) => {
                return Err(wrong(
                    post,
                    "the body of this request is missing",
                    "`text`, or `_base64` for a body that is not text",
                ));
            }
        },
    };
    Ok(ProviderRequest {
        method: method.to_ascii_uppercase(),
        url: url.to_owned(),
        headers: headers(tree),
        body,
    })
}

fn read_answer(tree: Tree<'_>, at: &Pointer) -> Read<ProviderAnswer> {
    let status = tree.get("status").and_then(Tree::as_i64);
    let status = status.and_then(|it| u16::try_from(it).ok());
    let Some(status) = status.filter(|it| (200..600).contains(it)) else {
        return Err(wrong(
            at.key("status"),
            "this is not the status of an answer",
            "200 to 599",
        ));
    };
    let in_content = at.key("content");
    let Some(content) = tree.get("content") else {
        return Err(wrong(
            at.clone(),
            "the body of this answer is missing",
            "`content`",
        ));
    };
    let is_empty = content.get("size").and_then(Tree::as_i64) == Some(0);
    let body = match (content.get("text"), text(content, "encoding")) {
        (Some(text), Some("base64")) => base64(text, &in_content.key("text"))?,
        (Some(text), _) => text_body(text, &in_content.key("text"))?,
        (None, _) if is_empty => Bytes::new(),
        (None, _) => {
            return Err(wrong(
                in_content,
                "the body of this answer is missing",
                "`text`; browsers leave it out unless they export the content too",
            ));
        }
    };
    Ok(ProviderAnswer {
        status,
        headers: headers(tree),
        body,
    })
}

fn text_body(tree: Tree<'_>, at: &Pointer) -> Read<Bytes> {
    let text = tree
        .as_str()
        .ok_or_else(|| wrong(at.clone(), "this is not text", "a string"))?;
    Ok(Bytes::from(text.to_owned()))
}

fn base64(tree: Tree<'_>, at: &Pointer) -> Read<Bytes> {
    let decoded = tree.as_str().and_then(|text| STANDARD.decode(text).ok());
    let decoded = decoded.ok_or_else(|| wrong(at.clone(), "this is not base64", "base64"))?;
    Ok(decoded.into())
}

fn headers(tree: Tree<'_>) -> Headers {
    let list = tree.get("headers").and_then(Tree::as_array);
    let items = list.into_iter().flat_map(Items::iter);
    items
        .filter_map(|it| Some((text(it, "name")?.to_owned(), text(it, "value")?.to_owned())))
        .collect()
}

/// A cassette as the text of a file.
pub fn write(cassette: &Cassette, version: &str) -> String {
    let har = json!({"log": {
        "version": "1.2",
        "creator": {"name": "skillctl", "version": version},
        "_skillctl": {"format": FORMAT},
        "entries": cassette.entries.iter().map(entry_value).collect::<Vec<_>>(),
    }});
    format!("{har:#}\n")
}

/// The text of a cassette with entries added to it. All that is there stays, byte for byte.
pub fn append(text: &str, entries: &[Entry]) -> String {
    let list = Pointer::ROOT.key("log").key("entries");
    let positions = position::locate(text, [&list]);
    let Some(Range { start, end }) = positions.get(&list) else {
        return text.to_owned();
    };
    let inside = text[start + 1..end - 1].trim_end();
    let is_empty = inside.trim().is_empty();
    let mut added = String::from(&text[..start + 1 + inside.len()]);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 || !is_empty {
            added.push(',');
        }
        added.push_str("\n      ");
        added.push_str(&format!("{:#}", entry_value(entry)).replace('\n', "\n      "));
    }
    added.push_str("\n    ");
    added.push_str(&text[end - 1..]);
    added
}

fn entry_value(entry: &Entry) -> Value {
    match entry {
        Entry::Call(exchange) => {
            // JSON has no infinity.
            let ms = Some((exchange.ms * 10.0).round() / 10.0).filter(|ms| ms.is_finite());
            let ms = ms.unwrap_or_default();
            json!({
                "startedDateTime": exchange.at,
                "time": ms,
                "request": request_value(&exchange.request),
                "response": answer_value(&exchange.answer),
                "cache": {},
                "timings": {"send": 0, "wait": ms, "receive": 0},
            })
        }
        Entry::Callback(callback) => json!({
            "_skillctl": {"callback": {"after": callback.after, "delay_ms": callback.delay_ms}},
            "startedDateTime": "1970-01-01T00:00:00.000Z",
            "time": 0,
            "request": request_value(&callback.request),
            "response": answer_value(&ProviderAnswer { status: 200, ..ProviderAnswer::default() }),
            "cache": {},
            "timings": {"send": 0, "wait": 0, "receive": 0},
        }),
    }
}

fn request_value(request: &ProviderRequest) -> Value {
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({"name": name, "value": value})
        });
    let mut value = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": header_values(&request.headers),
        "queryString": query.collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": request.body.len(),
    });
    if !request.body.is_empty() {
        let mime = request.header("content-type").unwrap_or_default();
        value["postData"] = match std::str::from_utf8(&request.body) {
            Ok(text) => json!({"mimeType": mime, "text": text}),
            Err(_) => {
                json!({"mimeType": mime, "text": "", "_base64": STANDARD.encode(&request.body)})
            }
        };
    }
    value
}

fn answer_value(answer: &ProviderAnswer) -> Value {
    let mime = answer.header("content-type").unwrap_or_default();
    let (text, encoding) = match std::str::from_utf8(&answer.body) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) => (Cow::Owned(STANDARD.encode(&answer.body)), Some("base64")),
    };
    let mut content = json!({"size": answer.body.len(), "mimeType": mime, "text": text});
    if let Some(encoding) = encoding {
        content["encoding"] = encoding.into();
    }
    let reason = StatusCode::from_u16(answer.status).ok();
    json!({
        "status": answer.status,
        "statusText": reason.and_then(|it| it.canonical_reason()).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": header_values(&answer.headers),
        "content": content,
        "redirectURL": answer.header("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": answer.body.len(),
    })
}

fn header_values(headers: &Headers) -> Vec<Value> {
    let values = headers
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}));
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: &'static [u8], answer: &'static [u8]) -> Entry {
        Entry::Call(Exchange {
            request: ProviderRequest {
                method: "POST".to_owned(),
                url: "https://ml.example/v1?file={{file_id}}".to_owned(),
                headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
                body: Bytes::from_static(body),
            },
            answer: ProviderAnswer {
                status: 201,
                headers: vec![("X-A".to_owned(), "b".to_owned())],
                body: Bytes::from_static(answer),
            },
            at: "2026-12-01T10:00:00.000Z".to_owned(),
            ms: 12.5,
        })
    }

    fn callback() -> Entry {
        Entry::Callback(Callback {
            after: 1,
            delay_ms: 20,
            request: ProviderRequest {
                method: "POST".to_owned(),
                url: "http://skill.example/done?id={{file_id}}".to_owned(),
                ..ProviderRequest::default()
            },
        })
    }

    fn refused(text: &str) -> (String, String) {
        match read("a.har", text.as_bytes().to_vec()).expect_err("it is refused") {
            HarError::Syntax(error) => (String::new(), error.message),
            HarError::Wrong(wrong) => (wrong.1.pointer.to_string(), wrong.1.message),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let entries = vec![
            call(b"text", b"{\"a\":1}"),
            call(b"\xff\x00", b"\xfe"),
            callback(),
        ];
        let cassette = Cassette { entries };
        let text = write(&cassette, "0.1.0");
        let back = read("a.har", text.clone().into_bytes()).expect("a cassette");
        assert_eq!(back, cassette);
        assert_eq!(write(&back, "0.1.0"), text);
    }

    #[test]
    fn appending_keeps_every_byte_that_was_there() {
        let old = Cassette {
            entries: vec![call(b"one", b"1")],
        };
        let text = write(&old, "0.1.0").replace("\"b\"", "\"edited   by hand\"");
        let longer = append(&text, &[call(b"two", b"2"), callback()]);
        let end = text.rfind("\n    ]").expect("the end of the list");
        assert!(longer.starts_with(&text[..end]), "{longer}");
        let back = read("a.har", longer.into_bytes()).expect("a cassette");
        assert_eq!(back.entries.len(), 3);
        let empty = append(&write(&Cassette::default(), "0.1.0"), &[call(b"two", b"2")]);
        let back = read("a.har", empty.into_bytes()).expect("a cassette");
        assert_eq!(back.entries, [call(b"two", b"2")]);
    }

    #[test]
    fn a_file_that_is_not_a_cassette_is_refused_at_its_place() {
        let entry = |request: &str, response: &str| {
            format!(
                r#"{{"log": {{"entries": [{{"request": {request}, "response": {response}}}]}}}}"#
            )
        };
        let request = r#"{"method": "GET", "url": "https://ml.example/"}"#;
        let content = r#"{"status": 200, "content": {"text": "a"}}"#;
        for (text, pointer, words) in [
            ("{}".to_owned(), "", "not a HAR file"),
            (
                r#"{"log": {"_skillctl": {"format": 2}, "entries": []}}"#.to_owned(),
                "/log/_skillctl/format",
                "another version",
            ),
            (
                entry(
                    r#"{"method": "GET", "url": "http://127.0.0.1:80/"}"#,
                    content,
                ),
                "/log/entries/0/request/url",
                "this machine",
            ),
            (
                entry(r#"{"method": "", "url": "https://ml.example/"}"#, content),
                "/log/entries/0/request/method",
                "method",
            ),
            (
                entry(request, r#"{"status": 0, "content": {}}"#),
                "/log/entries/0/response/status",
                "status",
            ),
            (
                entry(request, r#"{"status": 200, "content": {"size": 7}}"#),
                "/log/entries/0/response/content",
                "missing",
            ),
            (
                entry(
                    request,
                    r#"{"status": 200, "content": {"text": "?", "encoding": "base64"}}"#,
                ),
                "/log/entries/0/response/content/text",
                "base64",
            ),
        ] {
            let found = refused(&text);
            assert_eq!(found.0, pointer, "{text}");
            assert!(found.1.contains(words), "{}", found.1);
        }
        assert!(refused("{\"log\": {").1.contains("too early"));
    }
}
