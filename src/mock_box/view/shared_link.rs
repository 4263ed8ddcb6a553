//! A shared link as Box's JSON.

use serde_json::{Value, json};

use crate::mock_box::model::item_details::SharedLink;

/// The link; null where there is none. `ending` is the extension of a file's direct URL; a folder has no
/// direct URL.
pub(crate) fn shared_link(link: Option<&SharedLink>, ending: Option<&str>) -> Value {
    let Some(SharedLink { id, options }) = link else {
        return Value::Null;
    };
    let vanity_url = options
        .vanity_name
        .as_ref()
        .map(|name| format!("https://app.box.com/v/{name}"));
    let permission = if options.can_edit {
        "can_edit"
    } else if options.can_download {
        "can_download"
    } else {
        "can_preview"
    };
    let direct = match ending {
        None => None,
        Some("") => Some(format!("https://app.box.com/shared/static/{id}")),
        Some(ending) => Some(format!("https://app.box.com/shared/static/{id}.{ending}")),
    };
    json!({
        "url": format!("https://app.box.com/s/{id}"),
        "download_url": direct,
        "vanity_url": vanity_url,
        "vanity_name": options.vanity_name,
        "access": options.access,
        "effective_access": options.access,
        "effective_permission": permission,
        "unshared_at": options.unshared_at,
        "is_password_enabled": options.has_password,
        "permissions": {
            "can_download": options.can_download, "can_preview": true, "can_edit": options.can_edit
        },
        "download_count": 0,
        "preview_count": 0
    })
}
