//! What happened in the mock: writes, calls, and the stream of notices about both.

use std::{fmt::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::{
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};

use super::{
    answer::{Answered, Refused, json_text, run_blocking},
    query::Query,
};
use crate::{
    domain::{
        call::{CallRecord, WriteRecord},
        notice::Notice,
    },
    server::body::ResponseBody,
    store::Store,
};

/// The most records or calls in one answer.
const MAX_LISTED: usize = 1000;
/// The most bytes of records in one answer, give or take the last record.
const MAX_LISTED_BYTES: usize = 16 * 1024 * 1024;

/// `GET writes?file_id=&event_id=&after=SEQ&wait=SECONDS`.
pub(super) async fn writes(store: &Arc<Store>, query: Query<'_>) -> Answered {
    let after = query.number("after")?.unwrap_or(0);
    let wait = Duration::from_secs(query.number("wait")?.unwrap_or(0).min(600));
    let wanted = Arc::new(RecordFilter::from_query(store, query));
    let deadline = Instant::now() + wait;
    let mut listener = store.listener();
    let mut last = after;
    loop {
        listener.listen();
        // Other notices arrive too; the record file is read only where there are new writes.
        if store.last_write() > last {
            let (store, wanted) = (Arc::clone(store), Arc::clone(&wanted));
            let answer;
            (answer, last) = run_blocking(move || read_writes(&store, last, &wanted)).await?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        if timeout_at(deadline, listener.notified()).await.is_err() {
            return Ok(writes_response(&[], last));
        }
    }
}

/// The records of a file, of an event, or all.
struct RecordFilter {
    file_id: Option<String>,
    event_id: Option<String>,
    /// The file of that event.
    event_file: Option<String>,
}

impl RecordFilter {
    fn from_query(store: &Store, query: Query<'_>) -> Self {
        let event_id = query.first("event_id");
        let file_of = |id: &str| {
            store.read(|state| {
                state
                    .event(id)
                    .map(|event| event.file_id.as_str().to_owned())
            })
        };
        Self {
            file_id: query.first("file_id"),
            event_file: event_id.as_deref().and_then(file_of),
            event_id,
        }
    }

    fn wants(&self, record: &WriteRecord) -> bool {
        let is_of = |file: &str| record.file_id == file;
        self.file_id.as_deref().is_none_or(is_of)
            && self.event_id.as_deref().is_none_or(|id| {
                record.invocation_id.as_deref() == Some(id)
                    || self.event_file.as_deref().is_some_and(is_of)
            })
    }
}

/// Records as JSON, and the number to continue after.
fn writes_response(writes: &[String], next: u64) -> Response<ResponseBody> {
    let list = writes.join(",");
    json_text(format!("{{\"writes\":[{list}],\"next\":{next}}}"))
}

/// Reads the records after number `after` until there are enough for one answer. Returns the answer,
/// where there are any, and the number of the last record that was read.
fn read_writes(
    store: &Store,
    after: u64,
    wanted: &RecordFilter,
) -> Result<(Option<Response<ResponseBody>>, u64), Refused> {
    let mut found = Vec::new();
    let (mut last, mut next) = (after, after);
    let mut bytes = 0;
    for record in store.records(after) {
        let record = record
            .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        last = record.seq;
        if !wanted.wants(&record) {
            continue;
        }
        let text = record.to_json();
        bytes += text.len();
        found.push(text);
        next = last;
        if found.len() == MAX_LISTED || bytes > MAX_LISTED_BYTES {
            break;
        }
    }
    let answer = (!found.is_empty()).then(|| writes_response(&found, next));
    Ok((answer, last))
}

/// `GET calls?file_id=&event_id=&call=&after=N`: those that the ring still holds, with heads and bodies.
pub(super) async fn calls(store: &Arc<Store>, query: Query<'_>) -> Answered {
    let after = query.number("after")?.unwrap_or(0);
    let file_id = query.first("file_id");
    let event_id = query.first("event_id");
    let call = query.number("call")?;
    let store = Arc::clone(store);
    run_blocking(move || {
        let wanted = |record: &CallRecord| {
            call.is_none_or(|call| record.call == call)
                && (file_id.is_none() || file_id.as_deref() == record.file_id.as_deref())
                && event_id
                    .as_ref()
                    .is_none_or(|id| record.events.contains(id))
        };
        Ok(read_calls(&store, after, wanted))
    })
    .await
}

fn read_calls(
    store: &Store,
    after: u64,
    wanted: impl Fn(&CallRecord) -> bool,
) -> Response<ResponseBody> {
    /// Calls are copied under a lock that ending calls wait for.
    const AT_ONCE: usize = 16;
    let mut next = after;
    let mut found = Vec::new();
    let mut bytes = 0;
    while found.len() < MAX_LISTED && bytes < MAX_LISTED_BYTES {
        let entries = store.calls(next, AT_ONCE);
        if entries.is_empty() {
            break;
        }
        for (number, entry) in entries {
            next = number;
            if !wanted(&entry.record) {
                continue;
            }
            let text = entry.to_json(number).to_string();
            bytes += text.len();
            found.push(text);
            if found.len() == MAX_LISTED || bytes >= MAX_LISTED_BYTES {
                break;
            }
        }
    }
    let list = found.join(",");
    json_text(format!("{{\"calls\":[{list}],\"next\":{next}}}"))
}

/// `GET stream?after=N`: server-sent events, from the newest on where no number is given.
pub(super) fn notices(
    store: &Arc<Store>,
    query: Query<'_>,
    parts: &Parts,
) -> Response<ResponseBody> {
    const AT_ONCE: usize = 256;
    const ALIVE: Duration = Duration::from_secs(15);
    let resumed = parts
        .headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let after = query.number("after").ok().flatten().or(resumed);
    let reader = match after {
        Some(after) => store.subscribe_after(after),
        None => store.subscribe(),
    };
    let state = (reader, true);
    let chunks = stream::unfold(state, |(mut reader, first)| async move {
        if first {
            // Sent at once, so that the client knows that it is connected.
            return Some((": connected\n\n".to_owned(), (reader, false)));
        }
        loop {
            reader.listen();
            let (notices, last) = reader.read(AT_ONCE);
            if !notices.is_empty() {
                return Some((server_sent(&notices, last), (reader, false)));
            }
            if timeout(ALIVE, reader.notified()).await.is_ok() {
                // Other tasks may publish more in a moment: one chunk for all of it.
                yield_now().await;
            } else {
                return Some((": alive\n\n".to_owned(), (reader, false)));
            }
        }
    });
    let frames = StreamBody::new(Frames(Box::pin(chunks)));
    let mut response = Response::new(ResponseBody::streaming(frames));
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
