//! What a folder contains as Box's JSON: in an order, page by page.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    fields::{members, names},
    file, folder, mini,
};
use crate::mock_box::{
    http::request::Head,
    model::{file::File, folder::Folder},
    state::State,
};

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The number of entries before it.
    pub offset: usize,
    /// The most entries in it.
    pub limit: usize,
}

/// The order of items, which are always sorted by their type first: folders before files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// What they are sorted by next.
    pub by: SortBy,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

/// What items are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// Their ids.
    Id,
    /// Their names.
    Name,
    /// When they were last changed.
    Date,
    /// Their sizes.
    Size,
}

impl SortBy {
    /// The word for it in a query and an answer.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Date => "date",
            Self::Size => "size",
        }
    }
}

/// A folder with what it contains, with the fields of the call's `?fields=` where it has one.
pub(crate) fn folder_with_fields(
    state: &State,
    head: &Head,
    folder: &Folder,
    page: Page,
    order: Order,
) -> Map<String, Value> {
    let fields = head.query("fields");
    let mut all = folder::full(state, folder);
    let lists_items = |fields: &String| names(fields).any(|name| name == "item_collection");
    if fields.as_ref().is_none_or(lists_items) {
        let items = list(state, &folder.id, page, order, None);
        all.insert("item_collection".to_owned(), Value::Object(items));
    }
    match fields {
        None => all,
        Some(fields) => folder::selected(&all, folder, &fields),
    }
}

/// The items of the folder `id`; with the fields that `head` asks for, else in their short forms.
pub(crate) fn list(
    state: &State,
    id: &str,
    page: Page,
    order: Order,
    head: Option<&Head>,
) -> Map<String, Value> {
    let mut items: Vec<Item<'_>> = state.folders_in(id).map(Item::Folder).collect();
    items.extend(state.files_in(id).map(Item::File));
    items.sort_by(|left, right| compare(state, *left, *right, order));
    let total = items.len();
    let fields = head.and_then(|head| Some((head, head.query("fields")?)));
    let shown = items.into_iter().skip(page.offset).take(page.limit);
    let entries: Vec<Value> = shown
        .map(|item| match (item, &fields) {
            (Item::Folder(folder), None) => mini::folder(folder),
            (Item::File(file), None) => mini::file(file),
            (Item::Folder(folder), Some((_, fields))) => {
                let all = folder::full(state, folder);
                Value::Object(folder::selected(&all, folder, fields))
            }
            (Item::File(file), Some((head, _))) => file::with_fields(state, head, file),
        })
        .collect();
    let direction = if order.is_descending { "DESC" } else { "ASC" };
    members(json!({
        "total_count": total,
        "entries": entries,
        "offset": page.offset,
        "limit": page.limit,
        "order": [
            {"by": "type", "direction": "ASC"},
            {"by": order.by.as_str(), "direction": direction}
        ]
    }))
}

/// An item of a folder.
#[derive(Clone, Copy)]
enum Item<'a> {
    Folder(&'a Folder),
    File(&'a File),
}

impl<'a> Item<'a> {
    fn id(self) -> &'a str {
        match self {
            Self::Folder(folder) => &folder.id,
            Self::File(file) => &file.id,
        }
    }

    fn name(self) -> &'a str {
        match self {
            Self::Folder(folder) => &folder.name,
            Self::File(file) => &file.name,
        }
    }

    fn date(self) -> Timestamp {
        match self {
            Self::Folder(folder) => folder.created_at,
            Self::File(file) => file.modified_at,
        }
    }

    fn size(self, state: &State) -> u64 {
        match self {
            Self::Folder(folder) => folder::size(state, folder),
            Self::File(file) => file.current().content.size,
        }
    }

    fn is_file(self) -> bool {
        matches!(self, Self::File(_))
    }
}

fn compare(state: &State, left: Item<'_>, right: Item<'_>, order: Order) -> Ordering {
    // Ids are numbers, or any text of a fixture.
    let by_id = || (left.id().len(), left.id()).cmp(&(right.id().len(), right.id()));
    let compared = match order.by {
        SortBy::Id => by_id(),
        SortBy::Name => left.name().cmp(right.name()),
        SortBy::Date => left.date().cmp(&right.date()),
        SortBy::Size => left.size(state).cmp(&right.size(state)),
    }
    .then_with(by_id);
    let directed = if order.is_descending {
        compared.reverse()
    } else {
        compared
    };
    left.is_file().cmp(&right.is_file()).then(directed)
}
