//! The endpoints of folders.

use http::{Method, StatusCode, header};
use serde_json::json;

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Endpoint,
        Handler::{NotPlayed, Read, Write},
        row,
    },
    item_changes::refuse_others,
    item_fields,
};
use crate::{
    domain::operation::Operation,
    mock_box::{
        auth::Access,
        context::{Context, Decision},
        http::{answer::Answer, errors, request::Head},
        model::{folder::Folder, ids::Ids},
        state::{Change, MAX_DEPTH},
        view::folder::{self as view, Page},
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST,   "folders",                   Operation::Folder, InMemory, Write(create_folder)),
    row(Method::GET,    "folders/{folder_id}",       Operation::Folder, NoBody,   Read(read_folder)),
    row(Method::GET,    "folders/trash/items",       Operation::NotPlayed, NoBody, NotPlayed("the trash")).with_access(Access::Open),
    row(Method::GET,    "folders/{folder_id}/items", Operation::Folder, NoBody,   Read(list_items)),
    row(Method::PUT,    "folders/{folder_id}",       Operation::Folder, NoBody,   NotPlayed("changing folders")),
    row(Method::DELETE, "folders/{folder_id}",       Operation::Folder, NoBody,   NotPlayed("deleting folders")),
];

fn read_folder(context: &Context<'_>) -> Result<Answer, Answer> {
    Ok(answer(context, StatusCode::OK, find(context)?))
}

fn list_items(context: &Context<'_>) -> Result<Answer, Answer> {
    let folder = find(context)?;
    let head = &context.request.head;
    let is_by_marker = head.query("usemarker").is_some_and(|value| value == "true");
    let start = if is_by_marker { "marker" } else { "offset" };
    let page = Page {
        offset: number(head, start, 0)?,
        limit: number(head, "limit", 100)?.min(1000),
    };
    let fields = head.query("fields");
    let mut list = view::items(context.state, &folder.id, page, fields.as_deref());
    if is_by_marker {
        let total = list.remove("total_count").and_then(|total| total.as_u64());
        let next = page.offset.saturating_add(page.limit) as u64;
        list.remove("offset");
        if total.is_some_and(|total| next < total) {
            list.insert("next_marker".to_owned(), json!(next.to_string()));
        }
    }
    Ok(Answer::json(StatusCode::OK, &list))
}

fn create_folder(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &["name", "parent"], "a new folder")?;
    let name =
        item_fields::name(&body)?.ok_or_else(|| errors::bad_request("'name' is required"))?;
    let parent_id = item_fields::parent(context, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    if context.state.path_to(Some(&parent_id)).len() >= MAX_DEPTH {
        return Err(errors::bad_request("folders are nested too deeply"));
    }
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let folder = Folder {
        id: ids.number().to_string(),
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

fn find<'a>(context: &Context<'a>) -> Result<&'a Folder, Answer> {
    let folder = context.state.folder(context.capture("folder_id"));
    folder.ok_or_else(errors::not_found)
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
