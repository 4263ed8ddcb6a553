//! The requests that write the cards of a file, for each API and mode. `client` sends them.

use serde_json::{Map, Value, json};

use crate::domain::metadata::instance::{SKILLS_SCOPE, SKILLS_TEMPLATE};

/// What happens to the cards that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are replaced; where there are none, the instance is made. As the SDKs do it: a POST,
    /// and on a 409 a patch.
    Upsert,
    /// There must be none.
    Create,
    /// They are replaced; there must be some.
    Replace,
    /// They stay, and the new ones follow them.
    Append,
}

/// A call that writes cards.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `POST /files/{id}/metadata/global/boxSkillsCards` with these fields.
    Create(Value),
    /// `PUT /files/{id}/metadata/global/boxSkillsCards` with this JSON Patch.
    Patch(Value),
    /// `PUT /skill_invocations/{skill_id}`.
    Invocation {
        /// The skill.
        skill_id: String,
        /// The body.
        body: Value,
    },
}

impl Request {
    /// The call by the metadata API. An upsert begins with it, and continues with
    /// [`Request::overwriting`] where it is answered with 409.
    pub fn by_metadata(cards: &[Value], mode: Mode) -> Self {
        match mode {
            Mode::Upsert | Mode::Create => Self::Create(json!({"cards": cards})),
            Mode::Replace => {
                Self::Patch(json!([{"op": "replace", "path": "/cards", "value": cards}]))
            }
            Mode::Append => Self::Patch(
                cards
                    .iter()
                    .map(|card| json!({"op": "add", "path": "/cards/-", "value": card}))
                    .collect(),
            ),
        }
    }

    /// The second call of an upsert whose first was this one: `add` replaces a member that is there,
    /// and makes one that is not.
    pub fn overwriting(&self) -> Option<Self> {
        let Self::Create(fields) = self else {
            return None;
        };
        let cards = &fields["cards"];
        Some(Self::Patch(
            json!([{"op": "add", "path": "/cards", "value": cards}]),
        ))
    }

    /// The call by skill_invocations. `given` is the body that the cards came in, if they came in
    /// one: its file version and usage go along.
    pub fn by_invocation(
        cards: &[Value],
        skill_id: &str,
        file_id: &str,
        status: &str,
        given: Option<&Map<String, Value>>,
    ) -> Self {
        let mut body = json!({
            "status": status,
            "metadata": {"cards": cards},
            "file": {"type": "file", "id": file_id},
        });
        for name in ["file_version", "usage"] {
            if let Some(value) = given.and_then(|given| given.get(name)) {
                body[name] = value.clone();
            }
        }
        Self::Invocation {
            skill_id: skill_id.to_owned(),
            body,
        }
    }

    /// Its method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Create(_) => "POST",
            Self::Patch(_) | Self::Invocation { .. } => "PUT",
        }
    }

    /// Its path below the root of the API, for the file `file_id`. Ids are shown as they are.
    pub fn path(&self, file_id: &str) -> String {
        match self {
            Self::Create(_) | Self::Patch(_) => {
                format!("2.0/files/{file_id}/metadata/{SKILLS_SCOPE}/{SKILLS_TEMPLATE}")
            }
            Self::Invocation { skill_id, .. } => format!("2.0/skill_invocations/{skill_id}"),
        }
    }

    /// The type of its body.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Patch(_) => "application/json-patch+json",
            Self::Create(_) | Self::Invocation { .. } => "application/json",
        }
    }

    /// Its body.
    pub fn body(&self) -> &Value {
        match self {
            Self::Create(body) | Self::Patch(body) | Self::Invocation { body, .. } => body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upsert_is_a_post_and_then_the_patch_of_the_sdks() {
        let cards = [json!({"a": 1})];
        let first = Request::by_metadata(&cards, Mode::Upsert);
        assert_eq!(
            (
                first.method(),
                first.path("7").as_str(),
                first.content_type()
            ),
            (
                "POST",
                "2.0/files/7/metadata/global/boxSkillsCards",
                "application/json"
            )
        );
        assert_eq!(first.body(), &json!({"cards": [{"a": 1}]}));
        let second = first.overwriting().expect("a second call");
        assert_eq!(
            (second.method(), second.content_type()),
            ("PUT", "application/json-patch+json")
        );
        assert_eq!(
            second.body(),
            &json!([{"op": "add", "path": "/cards", "value": [{"a": 1}]}])
        );
    }

    #[test]
    fn appending_adds_each_card_at_the_end() {
        let request = Request::by_metadata(&[json!(1), json!(2)], Mode::Append);
        assert_eq!(
            request.body(),
            &json!([{"op": "add", "path": "/cards/-", "value": 1},
                {"op": "add", "path": "/cards/-", "value": 2}])
        );
    }

    #[test]
    fn an_invocation_keeps_version_and_usage_of_the_body_it_came_in() {
        let given = json!({"usage": null, "file_version": {"id": "5"}, "status": "processing"});
        let request = Request::by_invocation(&[], "137", "7", "success", given.as_object());
        assert_eq!(request.path("7"), "2.0/skill_invocations/137");
        assert_eq!(
            request.body(),
            &json!({"status": "success", "metadata": {"cards": []},
                "file": {"type": "file", "id": "7"}, "file_version": {"id": "5"}, "usage": null})
        );
    }
}
