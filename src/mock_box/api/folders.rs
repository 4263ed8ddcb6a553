//! The endpoints of folders.

use http::{Method, StatusCode, header};
use serde_json::json;

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Endpoint,
        Handler::{Read, Write},
        row,
    },
    item_changes::refuse_others,
    item_fields,
    list_page::{self, Limits},
    unplayed::unplayed,
};
use crate::{
    domain::operation::Operation,
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors},
        model::{folder::Folder, ids::Ids},
        state::{Change, MAX_DEPTH},
        view::folder as view,
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST,   "folders",                   Operation::Folder, InMemory, Write(create_folder)),
    row(Method::GET,    "folders/{folder_id}",       Operation::Folder, NoBody,   Read(read_folder)),
    unplayed(Method::GET, "folders/trash/items", "the trash"),
    row(Method::GET,    "folders/{folder_id}/items", Operation::Folder, NoBody,   Read(list_items)),
    unplayed(Method::PUT, "folders/{folder_id}", "changing folders"),
    unplayed(Method::DELETE, "folders/{folder_id}", "deleting folders"),
];

fn read_folder(context: &Context<'_>) -> Result<Answer, Answer> {
    Ok(answer(context, StatusCode::OK, find(context)?))
}

/// The lengths of a list of items.
const LIMITS: Limits = Limits {
    default: 100,
    max: 1000,
};

fn list_items(context: &Context<'_>) -> Result<Answer, Answer> {
    let folder = find(context)?;
    let head = &context.request.head;
    let is_by_marker = head.query("usemarker").is_some_and(|value| value == "true");
    let page = if is_by_marker {
        list_page::by_marker(head, LIMITS)?
    } else {
        list_page::by_offset(head, LIMITS)?
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
