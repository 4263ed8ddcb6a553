//! An upload session and its parts as Box's JSON.

use serde_json::{Value, json};

use super::fields::time;
use crate::mock_box::{
    http::request::Head,
    model::upload_session::{PART_SIZE, Part, UploadSession},
};

/// The session, with the URLs of its endpoints as the caller reaches them.
pub(crate) fn full(head: &Head, session: &UploadSession) -> Value {
    let origin = head.upload_origin();
    let url = format!("{origin}/api/2.0/files/upload_sessions/{}", session.id);
    json!({
        "id": session.id,
        "type": "upload_session",
        "num_parts_processed": session.parts.len(),
        "part_size": PART_SIZE,
        "total_parts": session.total_parts(),
        "session_expires_at": time(session.expires_at),
        "session_endpoints": {
            "abort": url,
            "commit": format!("{url}/commit"),
            "list_parts": format!("{url}/parts"),
            "log_event": format!("{url}/log"),
            "status": url,
            "upload_part": url,
        },
    })
}

/// The part that begins at byte `offset` of the file.
pub(crate) fn part(offset: u64, part: &Part) -> Value {
    json!({"part_id": part.id, "offset": offset, "size": part.size, "sha1": part.sha1})
}
