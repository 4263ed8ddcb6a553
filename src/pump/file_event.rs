//! The event of a file in the mock: its user, its skill and its enterprise.

use jiff::{Timestamp, tz::Offset};
use serde_json::Value;

use crate::{
    domain::{
        event::synthesis::{self, Blueprint, NO_TOKEN, Trigger},
        notice::Placement,
    },
    mock_box::{File, model::user},
};

/// The id and name of the skill in the events of the pump.
const SKILL: (&str, &str) = ("4711", "Local Skill");

/// The event of an upload, copy or move of `file`. Its tokens, ids and times are placeholders, which
/// the registration replaces.
pub(super) fn make(
    file: &File,
    how: Placement,
    old_folder_id: Option<String>,
    now: Timestamp,
) -> Value {
    let own = str::to_owned;
    synthesis::make(&Blueprint {
        trigger: match how {
            Placement::Upload => Trigger::Upload,
            Placement::Copy => Trigger::Copy,
            Placement::Move => Trigger::Move,
        },
        event_id: own("0"),
        digits: 0,
        created_at: now,
        offset: Offset::UTC,
        file_id: file.id.clone(),
        file_version_id: file.current().id.clone(),
        sequence_id: file.etag,
        file_name: file.name.clone(),
        size: file.current().content.size,
        folder_id: file.parent_id.clone(),
        old_folder_id,
        skill_id: own(SKILL.0),
        skill_name: own(SKILL.1),
        api_key: own(NO_TOKEN),
        enterprise_id: own(user::ENTERPRISE_ID),
        enterprise_name: own(user::ENTERPRISE_NAME),
        user_id: own(user::ID),
        user_name: own(user::NAME),
        user_login: own(user::LOGIN),
    })
}
