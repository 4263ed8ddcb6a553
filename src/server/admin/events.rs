//! Registers events, and receives the contents of their files.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::json;

use super::{
    answer::{Answered, Refused, failed, json_response, read_body, run_blocking},
    query::Query,
};
use crate::{
    domain::{
        event::{Captured, invocation::Invocation},
        json::tree::{Tape, Tree},
    },
    mock_box::{
        Content, Spooled,
        register::{Recorded, Registering},
    },
    server::{body::RequestBody, limit::Limited},
    store::Store,
};

/// The largest JSON body, in bytes.
const MAX_JSON: u64 = 64 * 1024 * 1024;

/// `POST events?keep=true&same_file=true`: one event or a list; each bare, inside an API Gateway
/// event, or as `{"event":…,"content":"<sha1>"}` with content that was uploaded before.
pub(super) async fn register(store: &Arc<Store>, query: Query<'_>, body: RequestBody) -> Answered {
    /// Up to this many bytes are parsed on the thread that serves.
    const MAX_IN_PLACE: usize = 256 * 1024;
    let bytes = read_body(body, MAX_JSON).await?;
    let how = Registering {
        recorded: if query.is_true("keep") {
            Recorded::Kept
        } else {
            Recorded::Replaced
        },
        same_file: query.is_true("same_file"),
        ..Registering::default()
    };
    let (events, is_list) = if bytes.len() <= MAX_IN_PLACE {
        read_events(store, &how, &bytes)?
    } else {
        let store = Arc::clone(store);
        run_blocking(move || read_events(&store, &how, &bytes)).await?
    };
    let registered = store.register(events).await;
    let registered: Vec<_> = registered.iter().map(Invocation::tree).collect();
    Ok(match (is_list, registered.as_slice()) {
        (false, [one]) => json_response(one),
        (_, list) => json_response(list),
    })
}

type Events = Vec<(Invocation<'static>, Registering)>;

/// The events of a body, and whether it is a list.
fn read_events(store: &Store, how: &Registering, bytes: &[u8]) -> Result<(Events, bool), Refused> {
    let body = Tape::read(bytes).map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    let (items, is_list) = match body.tree() {
        Tree::Array(items) => (items.iter().collect(), true),
        one => (vec![one], false),
    };
    let event = |(index, item)| match read_item(store, item, how) {
        Ok((event, how)) => Ok((event.into_owned(), how)),
        Err(message) => Err(bad(format!("event {index}: {message}"))),
    };
    let events = items.into_iter().enumerate().map(event);
    Ok((events.collect::<Result<_, _>>()?, is_list))
}

fn bad(message: String) -> Refused {
    Refused(StatusCode::BAD_REQUEST, message)
}

fn read_item<'a>(
    store: &Store,
    item: Tree<'a>,
    how: &Registering,
) -> Result<(Invocation<'a>, Registering), String> {
    let mut how = how.clone();
    let mut item = item;
    if is_wrapper(item) {
        if let Some(sha1) = item.get("content").and_then(Tree::as_str) {
            let spooled = store.spool().find(sha1);
            let spooled = spooled
                .ok_or_else(|| format!("no content with the SHA-1 {sha1} was uploaded before"))?;
            how.content = Some(Content::from(spooled));
        }
        item = item.get("event").unwrap_or(Tree::Null);
    }
    let event = match item.get("body") {
        None => Invocation::read(item.to_tape()),
        // As an API Gateway event: rare, so it may be copied.
        Some(_) => {
            Captured::read(item, Bytes::new()).map(|captured| captured.event.invocation().clone())
        }
    };
    let event = event.map_err(|found| format!("{} ({})", found.message, found.pointer))?;
    Ok((event, how))
}

/// Whether it is a wrapper around an event. An event has a member `event` of its own, with an
/// `event_id`; the wrapper's has tokens.
fn is_wrapper(item: Tree<'_>) -> bool {
    item.get("event")
        .is_some_and(|inner| inner.get("token").is_some() || inner.get("body").is_some())
}

/// `PUT contents`: raw bytes, to be named by their SHA-1 when events are registered. `--max-body`
/// is for uploads to Box, and not for these.
pub(super) async fn take_content(store: &Store, body: RequestBody) -> Answered {
    /// Larger than any file that Box takes.
    const MAX_CONTENT: u64 = 1 << 40;
    let spooled = spool(store, body, MAX_CONTENT).await?;
    Ok(json_response(
        &json!({ "sha1": spooled.sha1, "size": spooled.size }),
    ))
}

/// Stores a body of at most `limit` bytes as content.
pub(super) async fn spool(
    store: &Store,
    body: RequestBody,
    limit: u64,
) -> Result<Spooled, Refused> {
    let mut body = Limited::new(body, limit);
    let mut writer = store.spool().writer().map_err(|error| failed(&error))?;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            writer.write(&data).map_err(|error| failed(&error))?;
        }
    }
    writer.finish().map_err(|error| failed(&error))
}
