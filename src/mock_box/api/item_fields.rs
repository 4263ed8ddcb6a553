//! The fields of files and folders that a body sets: name, description, parent folder.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    domain::{json::tree::Tape, operation::Operation},
    mock_box::{
        context::Context,
        http::{answer::Answer, errors},
        model::{folder::Folder, item_name},
        ops::{self, files::Item},
        state::State,
        view::mini,
    },
};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 256;

/// A body as a JSON object.
///
/// # Errors
/// 400 where it is not one.
pub(super) fn body(bytes: &[u8]) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(errors::bad_request("The request body is not a JSON object")),
        Err(error) => Err(errors::bad_request(format!(
            "The request body is not valid JSON: {error}"
        ))),
    }
}

/// The name that a body sets, if any.
///
/// # Errors
/// 400 for a name that Box refuses.
pub(super) fn name(body: &Map<String, Value>) -> Result<Option<String>, Answer> {
    // Older Python SDKs send null for a name that does not change.
    let Some(value) = body.get("name").filter(|name| !name.is_null()) else {
        return Ok(None);
    };
    let Some(name) = value.as_str() else {
        return Err(errors::bad_request("'name' must be a string"));
    };
    item_name::check(name).map_err(|invalid| {
        errors::client(StatusCode::BAD_REQUEST, invalid.code(), invalid.message())
    })?;
    Ok(Some(name.to_owned()))
}

/// The description that a body sets, if any.
///
/// # Errors
/// 400 for one that is not a string, or too long.
pub(super) fn description(body: &Map<String, Value>) -> Result<Option<String>, Answer> {
    match body.get("description") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= MAX_DESCRIPTION => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(errors::bad_request(format!(
            "'description' must be a string of at most {MAX_DESCRIPTION} characters"
        ))),
    }
}

/// The folder that a body names as `parent.id`, if any.
///
/// # Errors
/// 404 where there is no such folder, 403 where the caller's token is for another.
pub(super) fn parent(
    context: &Context<'_>,
    body: &Map<String, Value>,
) -> Result<Option<String>, Answer> {
    let Some(parent) = body.get("parent").filter(|parent| !parent.is_null()) else {
        return Ok(None);
    };
    let id = parent
        .get("id")
        .and_then(|id| Tape::from_value(id).tree().as_id())
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    let state = context.state;
    let folder = state.folder(&id).ok_or_else(errors::not_found)?;
    context
        .caller
        .check_folder(state, &folder.id, Operation::Folder)?;
    Ok(Some(folder.id.clone()))
}

/// The time in the member `name`, if any.
///
/// # Errors
/// 400 for text that is not a time.
pub(super) fn time(body: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Answer> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.parse::<Timestamp>().is_ok() => Ok(text.parse().ok()),
        Some(_) => Err(errors::bad_request(format!("'{name}' must be a time"))),
    }
}

/// The text in the member `name` of `what`, if any.
///
/// # Errors
/// 400 for what is not text.
pub(super) fn text(
    body: &Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<Option<String>, Answer> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(errors::bad_request(format!(
            "'{what}.{name}' must be a string"
        ))),
    }
}

/// The time in the member `name` of `what`, if any, as the caller wrote it.
///
/// # Errors
/// 400 for text that is not a time.
pub(super) fn time_text(
    body: &Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<Option<String>, Answer> {
    let text = text(body, name, what)?;
    match text {
        Some(text) if text.parse::<Timestamp>().is_err() => Err(errors::bad_request(format!(
            "'{what}.{name}' must be a time"
        ))),
        text => Ok(text),
    }
}

/// The `true` or `false` in the member `name` of `what`, if any.
///
/// # Errors
/// 400 for anything else.
pub(super) fn flag(
    body: &Map<String, Value>,
    name: &str,
    what: &str,
) -> Result<Option<bool>, Answer> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(errors::bad_request(format!(
            "'{what}.{name}' must be true or false"
        ))),
    }
}

/// Checks that `name` is free in the folder `parent_id` for a folder, which may have it already.
///
/// # Errors
/// As [`check_free`].
pub(super) fn check_free_for_folder(
    state: &State,
    parent_id: &str,
    name: &str,
    folder: &Folder,
) -> Result<(), Answer> {
    match ops::files::item_named(state, parent_id, name, None) {
        Some(Item::Folder(other)) if other.id == folder.id => Ok(()),
        _ => check_free(state, parent_id, name, None),
    }
}

/// Checks that `name` is free in a folder; the file `except` may have it.
///
/// # Errors
/// 409 with the item that has the name.
pub(super) fn check_free(
    state: &State,
    folder_id: &str,
    name: &str,
    except: Option<&str>,
) -> Result<(), Answer> {
    let conflicts = match ops::files::item_named(state, folder_id, name, except) {
        None => return Ok(()),
        Some(Item::File(file)) => mini::file(file),
        // Box sends a list for a folder.
        Some(Item::Folder(folder)) => json!([mini::folder(folder)]),
    };
    Err(errors::with_context(
        errors::client(
            StatusCode::CONFLICT,
            "item_name_in_use",
            "Item with the same name already exists",
        ),
        json!({ "conflicts": conflicts }),
    ))
}
