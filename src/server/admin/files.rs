//! Files, as a script puts, reads and removes them.

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{
    answer::{Answered, Refused, failed, json_response},
    events::spool,
    query::Query,
};
use crate::{
    domain::notice::Placement,
    mock_box::{
        Content,
        contents::{describe, is_id},
    },
    server::{
        body::{RequestBody, ResponseBody},
        respond::open_content,
    },
    store::{NotFired, Store},
};

/// `GET|PUT|DELETE files/{id}`.
pub(super) async fn answer(
    store: &Store,
    method: &Method,
    id: &str,
    query: Query<'_>,
    body: RequestBody,
) -> Answered {
    if !is_id(id) {
        let message =
            format!("`{id}` is not the id of a file: ids at Box are numbers of up to 20 digits");
        return Err(Refused(StatusCode::BAD_REQUEST, message));
    }
    match *method {
        Method::GET if query.is_true("info") => info(store, id),
        Method::GET => content(store, id).await,
        Method::PUT => put(store, id, query, body).await,
        Method::DELETE => match store.remove_file(id.to_owned()).await {
            Ok(true) => Ok(json_response(&serde_json::json!({}))),
            Ok(false) => Err(none(id)),
            Err(reason) => Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, reason)),
        },
        _ => Err(Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "a file accepts GET, PUT and DELETE".to_owned(),
        )),
    }
}

/// `POST files/{id}/fire?trigger=upload|copy|move`: an event for the file in its current state,
/// `202` with the number of the notice after which the stream reports it.
pub(super) fn fire(store: &Store, path: &str, query: Query<'_>) -> Answered {
    let id = path.trim_start_matches("files/").trim_end_matches("/fire");
    let how = match query.first("trigger").as_deref() {
        None | Some("upload") => Placement::Upload,
        Some("copy") => Placement::Copy,
        Some("move") => Placement::Move,
        Some(other) => {
            let message = format!("`trigger` is upload, copy or move, and not {other}");
            return Err(Refused(StatusCode::BAD_REQUEST, message));
        }
    };
    let after = store.fire(id, how).map_err(|error| match error {
        NotFired::NoPump => Refused(StatusCode::CONFLICT, error.to_string()),
        NotFired::NoFile => Refused(StatusCode::NOT_FOUND, format!("{error}: {id}")),
    })?;
    let mut response = json_response(&serde_json::json!({ "file_id": id, "after": after }));
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// `GET files/{id}?info=true`: its metadata, as JSON.
fn info(store: &Store, id: &str) -> Answered {
    let found = store.read(|state| state.file(id).map(describe));
    let found = found.ok_or_else(|| none(id))?;
    Ok(json_response(&found))
}

/// `GET files/{id}`: its bytes, as they were put.
async fn content(store: &Store, id: &str) -> Answered {
    let found = store.read(|state| state.file(id).map(|file| file.current().content.clone()));
    let content = found.ok_or_else(|| none(id))?;
    let body = open_content(&content.source, 0, content.size)
        .await
        .map_err(|error| failed(&error))?;
    let mut response = Response::new(body);
    let bytes = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, bytes);
    Ok(response)
}

/// `PUT files/{id}?name=`: the raw bytes are a new version of the file, or the file where there
/// is none.
async fn put(store: &Store, id: &str, query: Query<'_>, body: RequestBody) -> Answered {
    let limit = store.read(|state| state.settings.max_upload);
    let spooled = spool(store, body, limit).await.map_err(|refused| {
        let Refused(status, reason) = refused;
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Refused(status, format!("{reason} of --max-body")),
            _ => Refused(status, reason),
        }
    })?;
    let content = Content::from(spooled);
    let (file, is_new) = store
        .put_file(id.to_owned(), query.first("name"), content)
        .await;
    let mut response: Response<ResponseBody> = json_response(&describe(&file));
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

fn none(id: &str) -> Refused {
    Refused(StatusCode::NOT_FOUND, format!("there is no file {id}"))
}
