//! The one user of the mock Box: whoever has a token is this user.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{answer::Answer, decide::Context, object};

/// The user's id.
pub const ID: &str = "11446498";
/// The user's name.
pub const NAME: &str = "Mock User";
/// The user's address.
pub const LOGIN: &str = "mock.user@example.com";
/// The id of the user's enterprise: what the scope `enterprise` of a template means.
pub const ENTERPRISE_ID: &str = "801234";

/// The user in few words.
pub fn mini() -> Value {
    json!({"type": "user", "id": ID, "name": NAME, "login": LOGIN})
}

/// `GET /users/me`.
pub fn me(context: &Context<'_>) -> Answer {
    let all = full(context.state.settings.max_upload);
    let user = match context.request.head.query("fields") {
        None => all,
        Some(fields) => {
            let mut extended = all;
            extended.insert("enterprise".to_owned(), enterprise());
            object::pick(&extended, &fields)
        }
    };
    Answer::json(StatusCode::OK, &user)
}

fn enterprise() -> Value {
    json!({"type": "enterprise", "id": ENTERPRISE_ID, "name": "Mock Enterprise"})
}

fn full(max_upload: u64) -> Map<String, Value> {
    object::members(json!({
        "type": "user",
        "id": ID,
        "name": NAME,
        "login": LOGIN,
        "created_at": "2017-01-01T00:00:00+00:00",
        "modified_at": "2017-01-01T00:00:00+00:00",
        "language": "en",
        "timezone": "Etc/UTC",
        "space_amount": 10_737_418_240_u64,
        "space_used": 0,
        "max_upload_size": max_upload,
        "status": "active",
        "job_title": "",
        "phone": "",
        "address": "",
        "avatar_url": "",
        "notification_email": null
    }))
}
