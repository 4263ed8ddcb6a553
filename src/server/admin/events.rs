//! Events are registered, and the contents of their files are taken in.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{Answered, Query, Refused, collect, failed, json_response};
use crate::{
    domain::event::{Captured, Event},
    host::Host,
    mock_box::{content::Content, registration::Registering, request::Spooled},
    server::wire::RequestBody,
};

/// The largest JSON body, in bytes.
const MOST_JSON: usize = 64 * 1024 * 1024;

/// `POST events?keep=true&same_file=true`: one event or a list; each bare, inside an API Gateway
/// event, or as `{"event":…,"content":"<sha1>"}` with content that was put before.
pub(super) async fn register(host: &Host, query: Query<'_>, body: RequestBody) -> Answered {
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
            read_item(host, item, &how).map_err(|message| {
                Refused(StatusCode::BAD_REQUEST, format!("event {index}: {message}"))
            })
        })
        .collect::<Result<_, _>>()?;
    let registered = host.register(events);
    Ok(match (is_list, registered.as_slice()) {
        (false, [one]) => json_response(one),
        (_, list) => json_response(list),
    })
}

fn read_item(
    host: &Host,
    item: &RawValue,
    how: &Registering,
) -> Result<(Event, Registering), String> {
    let Item {
        event,
        text,
        content,
    } = Item::read(item).map_err(|error| error.to_string())?;
    let captured = Captured::read(event, Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|found| format!("{} ({})", found.message, found.pointer))?;
    let content = content
        .map(|sha1| {
            let spooled = host.spool.find(&sha1);
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

/// What is to be registered.
struct Item<'a> {
    event: Value,
    /// Of the event.
    text: &'a str,
    /// The name of its content, where there is one.
    content: Option<String>,
}

/// What may be around an event.
#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    content: Option<Value>,
}

impl<'a> Item<'a> {
    fn read(item: &'a RawValue) -> Result<Self, serde_json::Error> {
        // An event has a member `event` of its own, with an `event_id`; the wrapper's has tokens.
        // A list would be read as its members in their order.
        if item.get().starts_with('{')
            && let Ok(Wrapper {
                event: Some(inner),
                content,
            }) = serde_json::from_str(item.get())
        {
            let event: Value = serde_json::from_str(inner.get())?;
            if event.get("token").is_some() || event.get("body").is_some() {
                return Ok(Self {
                    event,
                    text: inner.get(),
                    content: content.as_ref().and_then(Value::as_str).map(str::to_owned),
                });
            }
        }
        Ok(Self {
            event: serde_json::from_str(item.get())?,
            text: item.get(),
            content: None,
        })
    }
}

/// `PUT contents`: raw bytes, to be named by their SHA-1 when events are registered.
pub(super) async fn take_content(host: &Host, body: RequestBody) -> Answered {
    let spooled = spool(host, body, None).await?;
    Ok(json_response(
        &json!({ "sha1": spooled.sha1, "size": spooled.size }),
    ))
}

/// Takes a body in as content, of at most `limit` bytes if there is one.
pub(super) async fn spool(
    host: &Host,
    mut body: RequestBody,
    limit: Option<u64>,
) -> Result<Spooled, Refused> {
    let mut writer = host.spool.writer().map_err(|error| failed(&error))?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if let Some(limit) = limit.filter(|limit| writer.size() + data.len() as u64 > *limit) {
            return Err(Refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the content is larger than the {limit} bytes of --max-body"),
            ));
        }
        writer.write(&data).map_err(|error| failed(&error))?;
    }
    writer.finish().map_err(|error| failed(&error))
}
