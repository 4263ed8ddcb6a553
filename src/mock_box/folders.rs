//! Folders: what they hold, the way down to them, and new ones. They are told from files by their
//! own numbers; the root has the id 0 and is always there.

use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    decide::{Context, Decision},
    errors, naming, object,
    request::Head,
    state::{Change, State},
    users,
};

/// The id of the root.
pub const ROOT: &str = "0";
/// The deepest way down that is told; deeper folders cannot be made.
const DEEPEST: usize = 100;

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The folder it lies in; only the root lies in none.
    pub parent_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether a reset leaves it.
    pub lasting: bool,
}

impl Folder {
    /// The root.
    pub fn root() -> Self {
        Self {
            id: ROOT.to_owned(),
            name: "All Files".to_owned(),
            parent_id: None,
            created_at: Timestamp::UNIX_EPOCH,
            lasting: true,
        }
    }

    /// A folder that an event names by nothing but its id.
    pub fn named_by_event(id: &str, created_at: Timestamp, lasting: bool) -> Self {
        Self {
            id: id.to_owned(),
            name: format!("folder-{id}"),
            parent_id: Some(ROOT.to_owned()),
            created_at,
            lasting,
        }
    }

    fn is_root(&self) -> bool {
        self.parent_id.is_none()
    }
}

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
    let mut list = collection(context.state, id, page, head.query("fields").as_deref());
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
    let body = naming::body(context.request.bytes())?;
    let name = naming::name(&body)?.ok_or_else(|| errors::bad_request("'name' is required"))?;
    let parent_id = naming::parent(context.state, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    if way_down(context.state, Some(&parent_id)).len() >= DEEPEST {
        return Err(errors::bad_request("folders are nested too deeply"));
    }
    naming::check_free(context.state, &parent_id, &name, None)?;
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
    let mut all = full(context.state, folder);
    if let Some(fields) = context.request.head.query("fields") {
        all = object::pick(&all, &fields);
    }
    let answer = Answer::json(status, &all);
    if folder.is_root() {
        return answer;
    }
    answer.header_text(header::ETAG, "\"0\"")
}

fn full(state: &State, folder: &Folder) -> Map<String, Value> {
    // The root has neither times nor a number of its own.
    let unless_root = |value: Value| {
        if folder.is_root() { Value::Null } else { value }
    };
    let created = unless_root(json!(object::time(folder.created_at)));
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let mut members = object::members(mini(folder));
    members.extend(object::members(json!({
        "created_at": created,
        "modified_at": created,
        "description": "",
        "size": state.files_in(&folder.id).map(|file| file.current().content.size).sum::<u64>(),
        "path_collection": path_collection(state, folder.parent_id.as_deref()),
        "created_by": users::mini(),
        "modified_by": users::mini(),
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": created,
        "content_modified_at": created,
        "owned_by": users::mini(),
        "shared_link": null,
        "folder_upload_email": null,
        "parent": folder.parent_id.as_deref().map(|id| mini_of(state, id)),
        "item_status": "active",
        "item_collection": collection(state, &folder.id, page, None)
    })));
    members
}

/// A folder in few words.
pub fn mini(folder: &Folder) -> Value {
    let number = if folder.is_root() {
        Value::Null
    } else {
        json!("0")
    };
    json!({
        "type": "folder", "id": folder.id, "sequence_id": number, "etag": number,
        "name": folder.name
    })
}

/// The folder `id` in few words.
pub fn mini_of(state: &State, id: &str) -> Value {
    state.folder(id).map_or(Value::Null, mini)
}

/// The way from the root down to the folder `id`, that folder included.
pub fn path_collection(state: &State, id: Option<&str>) -> Value {
    let entries: Vec<Value> = way_down(state, id).into_iter().map(mini).collect();
    json!({"total_count": entries.len(), "entries": entries})
}

fn way_down<'a>(state: &'a State, id: Option<&str>) -> Vec<&'a Folder> {
    let mut way = Vec::new();
    let mut next = id.and_then(|id| state.folder(id));
    while let Some(folder) = next {
        way.push(folder);
        if way.len() > DEEPEST {
            break;
        }
        next = folder.parent_id.as_deref().and_then(|id| state.folder(id));
    }
    way.reverse();
    way
}

#[derive(Clone, Copy)]
struct Page {
    offset: usize,
    limit: usize,
}

/// What lies in a folder: folders first, each kind by name.
fn collection(state: &State, id: &str, page: Page, fields: Option<&str>) -> Map<String, Value> {
    let mut folders: Vec<&Folder> = state.folders_in(id).collect();
    folders.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    let mut files: Vec<_> = state.files_in(id).collect();
    files.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    let total = folders.len() + files.len();
    let few = |full: &dyn Fn() -> Map<String, Value>, mini: Value| match fields {
        None => mini,
        Some(fields) => Value::Object(object::pick(&full(), fields)),
    };
    let folders = folders
        .iter()
        .map(|folder| few(&|| object::members(mini(folder)), mini(folder)));
    let files = files
        .iter()
        .map(|file| few(&|| object::full(state, file), object::mini(file)));
    let entries: Vec<Value> = folders
        .chain(files)
        .skip(page.offset)
        .take(page.limit)
        .collect();
    object::members(json!({
        "total_count": total,
        "entries": entries,
        "offset": page.offset,
        "limit": page.limit,
        "order": [{"by": "type", "direction": "ASC"}, {"by": "name", "direction": "ASC"}]
    }))
}

fn number(head: &Head, name: &str, otherwise: usize) -> Result<usize, Answer> {
    match head.query(name).filter(|text| !text.is_empty()) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .map_err(|_| errors::bad_request(format!("'{name}' must be a whole number"))),
    }
}
