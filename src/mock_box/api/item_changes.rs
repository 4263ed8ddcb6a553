//! What the body of a `PUT` changes in a file or a folder. A member that the mock does not keep is refused,
//! since it would be answered 200 and dropped.

use serde_json::{Map, Value};

use super::item_fields;
use crate::mock_box::{
    context::Context,
    http::{answer::Answer, envelope::Envelope, errors},
    model::{
        ids::Ids,
        item_details::{ItemDetails, LinkOptions, SharedLink},
    },
};

/// The most tags of an item.
const MAX_TAGS: usize = 100;
/// The values of a shared link's `access`.
const LINK_ACCESS: [&str; 3] = ["open", "company", "collaborators"];

/// The changes that files and folders have in common. `None` leaves a value as it is.
#[derive(Debug, Default)]
pub(super) struct ItemChanges {
    pub name: Option<String>,
    pub parent_id: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    shared_link: Setting<LinkOptions>,
}

/// What a body says about a value that can be removed.
#[derive(Debug, Default)]
pub(super) enum Setting<T> {
    /// Nothing.
    #[default]
    Unchanged,
    /// It is removed.
    Removed,
    /// It is set.
    Set(T),
}

impl<T> Setting<T> {
    /// The value after the change.
    pub(super) fn or(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Unchanged => before,
            Self::Removed => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl ItemChanges {
    /// Reads the changes in `body`.
    ///
    /// # Errors
    /// 400 for an invalid value, 404 for an unknown parent.
    pub(super) fn read(context: &Context<'_>, body: &Map<String, Value>) -> Result<Self, Answer> {
        Ok(Self {
            name: item_fields::name(body)?,
            parent_id: item_fields::parent(context, body)?,
            description: item_fields::description(body)?,
            tags: tags(body)?,
            shared_link: shared_link(body)?,
        })
    }

    /// `before` with these changes. A link that exists keeps its URL.
    pub(super) fn details(&self, before: &ItemDetails, ids: &mut Ids) -> ItemDetails {
        let mut details = before.clone();
        if let Some(description) = &self.description {
            details.description.clone_from(description);
        }
        if let Some(tags) = &self.tags {
            details.tags.clone_from(tags);
        }
        match &self.shared_link {
            Setting::Unchanged => {}
            Setting::Removed => details.shared_link = None,
            Setting::Set(options) => {
                let old_id = before.shared_link.as_ref().map(|link| link.id.clone());
                details.shared_link = Some(SharedLink {
                    id: old_id.unwrap_or_else(|| ids.token().expose().to_lowercase()),
                    options: options.clone(),
                });
            }
        }
        details
    }
}

/// Refuses a body with a member that the mock does not keep; null and an empty list change nothing in Box
/// either.
///
/// # Errors
/// 405 with the name of the first such member.
pub(super) fn refuse_others(
    body: &Map<String, Value>,
    kept: &[&str],
    of_what: &str,
) -> Result<(), Answer> {
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let other = body
        .iter()
        .find(|(name, value)| !kept.contains(&name.as_str()) && !is_empty(value));
    match other {
        None => Ok(()),
        Some((name, _)) => {
            let what = format!("the member '{name}' of {of_what}");
            Err(errors::not_played(Envelope::Client, &what))
        }
    }
}

fn tags(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Answer> {
    let invalid = || {
        errors::bad_request(format!(
            "'tags' must be an array of at most {MAX_TAGS} strings"
        ))
    };
    match body.get("tags") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) if items.len() <= MAX_TAGS => {
            let texts = items.iter().map(|tag| tag.as_str().map(str::to_owned));
            let tags: Option<Vec<String>> = texts.collect();
            tags.map(Some).ok_or_else(invalid)
        }
        Some(_) => Err(invalid()),
    }
}

fn shared_link(body: &Map<String, Value>) -> Result<Setting<LinkOptions>, Answer> {
    const WHAT: &str = "shared_link";
    const KEPT: [&str; 5] = [
        "access",
        "password",
        "vanity_name",
        "unshared_at",
        "permissions",
    ];
    let link = match body.get("shared_link") {
        None => return Ok(Setting::Unchanged),
        Some(Value::Null) => return Ok(Setting::Removed),
        Some(Value::Object(link)) => link,
        Some(_) => {
            return Err(errors::bad_request(
                "'shared_link' must be an object or null",
            ));
        }
    };
    refuse_others(link, &KEPT, "a shared link")?;
    let text = |name: &str| item_fields::text(link, name, WHAT);
    let access = match text("access")? {
        None => "open",
        Some(asked) => LINK_ACCESS
            .into_iter()
            .find(|access| *access == asked)
            .ok_or_else(|| {
                let allowed = LINK_ACCESS.join(", ");
                errors::bad_request(format!("'shared_link.access' must be one of {allowed}"))
            })?,
    };
    let (can_download, can_edit) = permissions(link)?;
    let default = LinkOptions::default();
    Ok(Setting::Set(LinkOptions {
        access,
        has_password: text("password")?.is_some(),
        vanity_name: text("vanity_name")?,
        unshared_at: item_fields::time_text(link, "unshared_at", WHAT)?,
        can_download: can_download.unwrap_or(default.can_download),
        can_edit: can_edit.unwrap_or(default.can_edit),
    }))
}

/// Whether a shared link permits downloads and changes, where it says so.
fn permissions(link: &Map<String, Value>) -> Result<(Option<bool>, Option<bool>), Answer> {
    const WHAT: &str = "shared_link.permissions";
    let permissions = match link.get("permissions") {
        None | Some(Value::Null) => return Ok((None, None)),
        Some(Value::Object(permissions)) => permissions,
        Some(_) => return Err(errors::bad_request(format!("'{WHAT}' must be an object"))),
    };
    let kept = ["can_download", "can_edit", "can_preview"];
    refuse_others(permissions, &kept, "the permissions of a shared link")?;
    // Every link permits the preview.
    if item_fields::flag(permissions, "can_preview", WHAT)? == Some(false) {
        let message = format!("'{WHAT}.can_preview' cannot be false");
        return Err(errors::bad_request(message));
    }
    let flag = |name: &str| item_fields::flag(permissions, name, WHAT);
    Ok((flag("can_download")?, flag("can_edit")?))
}
