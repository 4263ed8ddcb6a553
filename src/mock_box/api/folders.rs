//! The endpoints of folders.

use http::{StatusCode, header};
use serde_json::json;

use super::item_fields;
use crate::mock_box::{
    context::{Context, Decision},
    http::{answer::Answer, errors, request::Head},
    model::folder::Folder,
    state::{Change, MAX_DEPTH, State},
    view::folder::{self as view, Page},
};

/// `GET /folders/{id}`.
///
/// # Errors
/// 404 where there is none.
pub fn info(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let folder = find(context.state, id)?;
    Ok(answer(context, StatusCode::OK, folder))
}

/// `GET /folders/{id}/items`.
///
/// # Errors
/// 404 where there is none, 400 for limits that are no numbers.
pub fn items(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    find(context.state, id)?;
    let head = &context.request.head;
    let by_marker = head.query("usemarker").is_some_and(|value| value == "true");
    let start = if by_marker { "marker" } else { "offset" };
    let page = Page {
        offset: number(head, start, 0)?,
        limit: number(head, "limit", 100)?.min(1000),
    };
    let mut list = view::items(context.state, id, page, head.query("fields").as_deref());
    if by_marker {
        let total = list.remove("total_count").and_then(|total| total.as_u64());
        let next = page.offset.saturating_add(page.limit) as u64;
        list.remove("offset");
        if total.is_some_and(|total| next < total) {
            list.insert("next_marker".to_owned(), json!(next.to_string()));
        }
    }
    Ok(Answer::json(StatusCode::OK, &list))
}

/// `POST /folders`.
///
/// # Errors
/// 400 for a body without name and parent, 404 for a parent that is not there, 409 where the name
/// is taken.
pub fn create(context: &mut Context<'_>) -> Result<Decision, Answer> {
    let body = item_fields::body(context.request.bytes())?;
    let name =
        item_fields::name(&body)?.ok_or_else(|| errors::bad_request("'name' is required"))?;
    let parent_id = item_fields::parent(context.state, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    if context.state.path_to(Some(&parent_id)).len() >= MAX_DEPTH {
        return Err(errors::bad_request("folders are nested too deeply"));
    }
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let folder = Folder {
        id: context.ids.number().to_string(),
        name,
        parent_id: Some(parent_id),
        created_at: context.now,
        lasting: false,
    };
    Ok(Decision {
        changes: vec![Change::PutFolder(Box::new(folder.clone()))],
        ..Decision::answer(answer(context, StatusCode::CREATED, &folder))
    })
}

/// The folder `id`.
///
/// # Errors
/// 404 where there is none.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a Folder, Answer> {
    state.folder(id).ok_or_else(errors::not_found)
}

fn answer(context: &Context<'_>, status: StatusCode, folder: &Folder) -> Answer {
    let fields = context.request.head.query("fields");
    let object = view::with_fields(context.state, folder, fields.as_deref());
    let answer = Answer::json(status, &object);
    if folder.is_root() {
        return answer;
    }
    answer.header_text(header::ETAG, "\"0\"")
}

fn number(head: &Head, name: &str, otherwise: usize) -> Result<usize, Answer> {
    match head.query(name).filter(|text| !text.is_empty()) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .map_err(|_| errors::bad_request(format!("'{name}' must be a whole number"))),
    }
}
