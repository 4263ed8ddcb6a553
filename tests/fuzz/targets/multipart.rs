//! The body of an upload. The first line is its Content-Type, the second the lengths of the chunks
//! in which it arrives, over and over; the rest is the body.

use std::{collections::VecDeque, convert::Infallible};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use http_body_util::StreamBody;
use hyper::body::Frame;
use skillctl::{
    mock_box::{Answer, Head, Upload, model::content::sha1_hex},
    server::multipart::read,
    store::content::spool::Spool,
};

/// Enough for any body here.
const ROOMY: u64 = 1024 * 1024;
/// Too little for many.
const TIGHT: u64 = 64;

pub(crate) fn check(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (kind, lengths, body) = (line(), line(), line());
    let Ok(kind) = HeaderValue::from_bytes(kind) else {
        return;
    };
    let spool = Spool::default();
    let take = |lengths: &[usize], limit| upload(&kind, chunks(body, lengths), limit, &spool);
    let whole = take(&[], ROOMY);
    let in_chunks = take(&lengths_of(lengths), ROOMY);
    match (&whole, &in_chunks) {
        (Ok(whole), Ok(in_chunks)) => assert_eq!(whole, in_chunks),
        (Err(_), Err(_)) => {}
        other => panic!("it depends on the chunks: {other:?}"),
    }
    if let Ok(upload) = &whole {
        check_upload(upload, body);
    }
    for answer in [whole, in_chunks, take(&[7], TIGHT)] {
        if let Err(answer) = answer {
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(answer.status.is_client_error());
        }
    }
}

fn check_upload(upload: &Upload, body: &[u8]) {
    let is_within =
        |part: &[u8]| part.is_empty() || body.windows(part.len()).any(|window| window == part);
    if let Some(attributes) = &upload.attributes {
        assert!(is_within(attributes));
    }
    if let Some(file) = &upload.file {
        let kept = std::fs::read(&file.path).expect("it is on disk");
        assert_eq!(kept.len() as u64, file.size);
        assert_eq!(sha1_hex(&kept), file.sha1);
        assert!(is_within(&kept));
    }
}

fn lengths_of(line: &[u8]) -> Vec<usize> {
    let line = String::from_utf8_lossy(line);
    let lengths = line.split_whitespace().filter_map(|word| word.parse().ok());
    lengths.filter(|length| *length > 0).take(16).collect()
}

/// The body in chunks of these lengths, over and over; in one where there are none.
fn chunks(body: &[u8], lengths: &[usize]) -> VecDeque<Bytes> {
    let mut rest = body;
    let mut chunks = VecDeque::new();
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths
            .next()
            .map_or(rest.len(), |it| (*it).min(rest.len()));
        let (chunk, after) = rest.split_at(length);
        chunks.push_back(Bytes::copy_from_slice(chunk));
        rest = after;
    }
    chunks
}

fn upload(
    kind: &HeaderValue,
    chunks: VecDeque<Bytes>,
    limit: u64,
    spool: &Spool,
) -> Result<Upload, Answer> {
    let head = Head {
        method: Method::POST,
        origin: "http://127.0.0.1".into(),
        target: PathAndQuery::from_static("/api/2.0/files/content"),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, kind.clone())]),
    };
    let frames = chunks
        .into_iter()
        .map(|it| Ok::<_, Infallible>(Frame::data(it)));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(read(&head, body, limit, spool))
}
