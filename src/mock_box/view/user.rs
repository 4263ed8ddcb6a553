//! The user as `GET /users/me` answers it.

use serde_json::{Map, Value, json};

use super::fields::members;
use crate::mock_box::model::{settings::Settings, user};

/// A user with the members that Box sends by default: the mock's own, or the subject of a token.
pub(crate) fn full(settings: &Settings, id: Option<&str>) -> Map<String, Value> {
    let (id, name, login) = match id {
        None | Some(user::ID) => (user::ID, user::NAME.to_owned(), user::LOGIN.to_owned()),
        Some(id) => (id, format!("User {id}"), format!("user-{id}@example.com")),
    };
    members(json!({
        "type": "user",
        "id": id,
        "name": name,
        "login": login,
        "created_at": "2017-01-01T00:00:00+00:00",
        "modified_at": "2017-01-01T00:00:00+00:00",
        "language": "en",
        "timezone": "Etc/UTC",
        "space_amount": 10_737_418_240_u64,
        "space_used": 0,
        "max_upload_size": settings.max_upload,
        "status": "active",
        "job_title": "",
        "phone": "",
        "address": "",
        "avatar_url": "",
        "notification_email": null
    }))
}

/// The user's enterprise, which Box sends only where a call asks for it.
pub(crate) fn enterprise() -> Value {
    json!({"type": "enterprise", "id": user::ENTERPRISE_ID, "name": user::ENTERPRISE_NAME})
}
