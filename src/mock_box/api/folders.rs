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
        http::{answer::Answer, errors, request::Head},
        model::{folder::Folder, ids::Ids},
        state::{Change, MAX_DEPTH},
        view::folder_items::{self as view, Order, Page, SortBy},
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST,   "folders",                   Operation::Folder, InMemory, Write(create_folder)),
    row(Method::GET,    "folders/{folder_id}",       Operation::Folder, NoBody,   Read(read_folder)),
    unplayed(Method::GET, "folders/trash/items", "the trash"),
    row(Method::GET,    "folders/{folder_id}/items", Operation::Folder, NoBody,   Read(list_items)),
];

/// `limit`, `offset`, `sort` and `direction` are those of its items.
fn read_folder(context: &Context<'_>) -> Result<Answer, Answer> {
    let folder = find(context)?;
    let head = &context.request.head;
    let page = list_page::by_offset(head, LIMITS)?;
    let order = order(head, folder)?;
    Ok(answer(context, StatusCode::OK, folder, page, order))
}

/// The lengths of a list of items.
const LIMITS: Limits = Limits {
    default: 100,
    max: 1000,
};
/// The items of a folder in the answer to its change.
const FIRST: Page = Page {
    offset: 0,
    limit: LIMITS.default,
};
/// The order of items that a call does not name another one for.
const BY_NAME: Order = Order {
    by: SortBy::Name,
    is_descending: false,
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
    let order = order(head, folder)?;
    let mut list = view::list(context.state, &folder.id, page, order, Some(head));
    if is_by_marker {
        let total = list.remove("total_count").and_then(|total| total.as_u64());
        let total = total.and_then(|total| usize::try_from(total).ok());
        list.remove("offset");
        list.remove("order");
        if let Some(next) = total.and_then(|total| list_page::next_marker(page, total)) {
            list.insert("next_marker".to_owned(), json!(next));
        }
    }
    Ok(Answer::json(StatusCode::OK, &list))
}

/// The order that a call asks for. The items of the root are sorted by name, whatever it asks for.
fn order(head: &Head, folder: &Folder) -> Result<Order, Answer> {
    const SORTS: [SortBy; 4] = [SortBy::Id, SortBy::Name, SortBy::Date, SortBy::Size];
    let asked = |name: &str| head.query(name).filter(|text| !text.is_empty());
    let by = match asked("sort") {
        None => BY_NAME.by,
        Some(text) => SORTS
            .into_iter()
            .find(|by| by.as_str() == text.to_ascii_lowercase())
            .ok_or_else(|| errors::bad_request("'sort' must be id, name, date or size"))?,
    };
    let is_descending = match asked("direction") {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("asc") => false,
        Some(text) if text.eq_ignore_ascii_case("desc") => true,
        Some(_) => return Err(errors::bad_request("'direction' must be ASC or DESC")),
    };
    let by = if folder.is_root() { BY_NAME.by } else { by };
    Ok(Order { by, is_descending })
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
    let id = ids.number().to_string();
    let folder = Folder::new(id, name, Some(parent_id), context.now);
    Ok(Decision {
        changes: vec![Change::PutFolder(Box::new(folder.clone()))],
        ..Decision::answer(changed_folder(context, StatusCode::CREATED, &folder))
    })
}

/// The folder of the path.
///
/// # Errors
/// 404 where there is no such folder.
pub(super) fn find<'a>(context: &Context<'a>) -> Result<&'a Folder, Answer> {
    let folder = context.state.folder(context.capture("folder_id"));
    folder.ok_or_else(errors::not_found)
}

/// The answer with a folder that was made or changed.
pub(super) fn changed_folder(context: &Context<'_>, status: StatusCode, folder: &Folder) -> Answer {
    answer(context, status, folder, FIRST, BY_NAME)
}

fn answer(
    context: &Context<'_>,
    status: StatusCode,
    folder: &Folder,
    page: Page,
    order: Order,
) -> Answer {
    let head = &context.request.head;
    let object = view::folder_with_fields(context.state, head, folder, page, order);
    let answer = Answer::json(status, &object);
    if folder.is_root() {
        return answer;
    }
    answer.header_text(header::ETAG, &format!("\"{}\"", folder.etag))
}
