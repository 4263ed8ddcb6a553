//! Makes an event for a local file, with the members of a real one in the same order (`docs/box/events.md`, "Body").

use jiff::{Timestamp, tz::Offset};
use serde_json::{Map, Value, json};

use super::refresh::format_time;
use crate::domain::token::{LIFETIME_SECONDS, TokenKind};

/// The placeholder for a token until a mock mints one.
pub const NO_TOKEN: &str = "REDACTED";

/// What happened to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// It was uploaded.
    Upload,
    /// It was copied into the folder.
    Copy,
    /// It was moved into the folder.
    Move,
    /// The test button of the developer console: ids are integers.
    ConsoleTest,
}

impl Trigger {
    /// `event.event_type`; a console test has none.
    pub fn event_type(self) -> Option<&'static str> {
        match self {
            Self::Upload => Some("ITEM_UPLOAD"),
            Self::Copy => Some("ITEM_COPY"),
            Self::Move => Some("ITEM_MOVE"),
            Self::ConsoleTest => None,
        }
    }
}

/// The values of an event. Every id is a string of digits, except `event_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// What happened.
    pub trigger: Trigger,
    /// `event.event_id`: a UUID, or for a console test digits.
    pub event_id: String,
    /// The digits at the end of the invocation's id.
    pub digits: u64,
    /// When it happened.
    pub created_at: Timestamp,
    /// The UTC offset of its times.
    pub offset: Offset,
    /// The file's id.
    pub file_id: String,
    /// The file version's id.
    pub file_version_id: String,
    /// Counts the file's changes.
    pub sequence_id: u64,
    /// The file's name, with its ending.
    pub file_name: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The folder of the file.
    pub folder_id: String,
    /// Its previous folder, if it was moved.
    pub old_folder_id: Option<String>,
    /// The Skill's id.
    pub skill_id: String,
    /// The Skill's name.
    pub skill_name: String,
    /// The Skill's API key.
    pub api_key: String,
    /// The enterprise's id.
    pub enterprise_id: String,
    /// The enterprise's name.
    pub enterprise_name: String,
    /// The id of the acting user.
    pub user_id: String,
    /// That user's name.
    pub user_name: String,
    /// That user's address.
    pub user_login: String,
}

/// Makes the event. Its tokens are placeholders, which the mock replaces.
pub fn make(plan: &Blueprint) -> Value {
    let at = format_time(plan.created_at, plan.offset);
    let mut event = json!({
        "type": "skill_invocation",
        "skill": {
            "id": plan.id(&plan.skill_id), "type": "skill", "name": plan.skill_name,
            "api_key": plan.api_key
        },
        "token": {"write": plan.token(TokenKind::Write), "read": plan.token(TokenKind::Read)},
        "status": {"state": "invoked", "message": "", "error_code": "", "additional_info": ""},
        "id": format!("{}_{}", plan.event_id, plan.digits),
        "created_at": at,
        "trigger": "FILE_CONTENT",
        "enterprise": {
            "type": "enterprise", "id": plan.enterprise_id, "name": plan.enterprise_name
        },
        "source": plan.source(true),
        "event": plan.inner(&at),
        "parameters": {}
    });
    if plan.trigger == Trigger::ConsoleTest {
        event["trigger"] = json!("SKILL_APP_TEST_EVENT");
    }
    event
}

impl Blueprint {
    /// The event of an upload, with ids of their own: `random` returns a new random number each time.
    pub fn upload(
        file_name: String,
        size: u64,
        created_at: Timestamp,
        random: impl Fn() -> u64,
    ) -> Self {
        // Twelve digits, as Box's newer ids have.
        let id = || (100_000_000_000 + random() % 900_000_000_000).to_string();
        Self {
            trigger: Trigger::Upload,
            event_id: id(),
            digits: random() % 1_000_000_000,
            created_at,
            offset: Offset::UTC,
            file_id: id(),
            file_version_id: id(),
            sequence_id: 0,
            file_name,
            size,
            folder_id: "880100".to_owned(),
            old_folder_id: None,
            skill_id: "4711".to_owned(),
            skill_name: "Local Skill".to_owned(),
            api_key: NO_TOKEN.to_owned(),
            enterprise_id: "700100".to_owned(),
            enterprise_name: "Local Enterprise".to_owned(),
            user_id: "1".to_owned(),
            user_name: "Local User".to_owned(),
            user_login: "local.user@example.com".to_owned(),
        }
    }

    /// An id as this event writes it.
    fn id(&self, id: &str) -> Value {
        match (self.trigger, id.parse::<u64>()) {
            (Trigger::ConsoleTest, Ok(number)) => json!(number),
            _ => json!(id),
        }
    }

    fn token(&self, kind: TokenKind) -> Value {
        json!({
            "access_token": NO_TOKEN,
            "expires_in": self.created_at.as_second() + LIFETIME_SECONDS,
            "restricted_to": kind.restricted_to(&self.file_id),
            "token_type": "bearer"
        })
    }

    /// `source`, or `event.source`, which has no size unless it is a console test's.
    fn source(&self, outer: bool) -> Value {
        let is_test = self.trigger == Trigger::ConsoleTest;
        let mut source = Map::new();
        let mut put = |name: &str, value: Value| source.insert(name.to_owned(), value);
        put("type", json!("file"));
        put("id", self.id(&self.file_id));
        put("name", json!(self.file_name));
        put("sequence_id", self.id(&self.sequence_id.to_string()));
        put(
            "file_version",
            json!({"id": self.id(&self.file_version_id)}),
        );
        put("owner_enterprise_id", self.id(&self.enterprise_id));
        put("parent", json!({"id": self.id(&self.folder_id)}));
        if !is_test {
            put(
                "old_parent_id",
                json!(self.old_folder_id.as_deref().unwrap_or_default()),
            );
            put(
                "collab_accessible_by",
                json!({"type": "", "id": "", "name": "", "login": ""}),
            );
        }
        if outer || is_test {
            put("size", json!(self.size));
        }
        Value::Object(source)
    }

    fn inner(&self, at: &str) -> Value {
        let mut event = Map::new();
        event.insert("event_id".to_owned(), json!(self.event_id));
        if let Some(kind) = self.trigger.event_type() {
            event.insert("event_type".to_owned(), json!(kind));
        }
        event.insert("created_at".to_owned(), json!(at));
        let user = json!({
            "type": "user", "id": self.id(&self.user_id), "name": self.user_name,
            "login": self.user_login
        });
        event.insert("created_by".to_owned(), user);
        event.insert("source".to_owned(), self.source(false));
        Value::Object(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;

    fn plan(trigger: Trigger) -> Blueprint {
        let text = str::to_owned;
        Blueprint {
            trigger,
            event_id: text("00000000-0000-4000-8000-000000000001"),
            digits: 5,
            created_at: Timestamp::from_second(1_800_000_000).expect("in range"),
            offset: Offset::constant(-7),
            file_id: text("42"),
            file_version_id: text("43"),
            sequence_id: 3,
            file_name: text("a.txt"),
            size: 9,
            folder_id: text("44"),
            old_folder_id: (trigger == Trigger::Move).then(|| text("45")),
            skill_id: text("46"),
            skill_name: text("A Skill"),
            api_key: text("key"),
            enterprise_id: text("47"),
            enterprise_name: text("An Enterprise"),
            user_id: text("48"),
            user_name: text("Somebody"),
            user_login: text("somebody@example.com"),
        }
    }

    fn keys(value: &Value) -> Vec<&str> {
        let members = value.as_object().expect("an object");
        members.keys().map(String::as_str).collect()
    }

    #[test]
    fn an_upload_has_the_members_of_a_real_one_in_their_order() {
        let event = make(&plan(Trigger::Upload));
        assert_eq!(
            keys(&event),
            [
                "type",
                "skill",
                "token",
                "status",
                "id",
                "created_at",
                "trigger",
                "enterprise",
                "source",
                "event",
                "parameters"
            ]
        );
        assert_eq!(
            keys(&event["source"]),
            [
                "type",
                "id",
                "name",
                "sequence_id",
                "file_version",
                "owner_enterprise_id",
                "parent",
                "old_parent_id",
                "collab_accessible_by",
                "size"
            ]
        );
        assert_eq!(
            keys(&event["event"]),
            [
                "event_id",
                "event_type",
                "created_at",
                "created_by",
                "source"
            ]
        );
        assert!(event["event"]["source"].get("size").is_none());
        assert_eq!(event["id"], "00000000-0000-4000-8000-000000000001_5");
        assert_eq!(event["created_at"], "2027-01-15T01:00:00-07:00");
        assert_eq!(event["token"]["read"]["expires_in"], 1_800_086_400);
        assert_eq!(event["token"]["write"]["access_token"], NO_TOKEN);
        assert!(Event::from_value(&event).is_ok());
    }

    #[test]
    fn a_move_names_the_folder_it_came_from() {
        let event = make(&plan(Trigger::Move));
        assert_eq!(event["event"]["event_type"], "ITEM_MOVE");
        assert_eq!(event["source"]["sequence_id"], "3");
        assert_eq!(event["source"]["old_parent_id"], "45");
        assert_eq!(make(&plan(Trigger::Copy))["source"]["old_parent_id"], "");
    }

    #[test]
    fn a_console_test_has_integer_ids_and_lacks_what_real_ones_lack() {
        let event = make(&plan(Trigger::ConsoleTest));
        assert_eq!(event["trigger"], "SKILL_APP_TEST_EVENT");
        for pointer in [
            "/skill/id",
            "/source/id",
            "/source/sequence_id",
            "/source/file_version/id",
            "/source/parent/id",
            "/source/owner_enterprise_id",
            "/event/created_by/id",
        ] {
            let id = event.pointer(pointer).expect(pointer);
            assert!(id.is_u64(), "{pointer}: {id}");
        }
        assert!(event["enterprise"]["id"].is_string());
        assert!(event["event"].get("event_type").is_none());
        assert!(event["source"].get("old_parent_id").is_none());
        assert!(event["event"]["source"]["size"].is_u64());
    }
}
