//! A metadata instance as Box keeps and answers it (facts §2): the `$` members that Box owns, then
//! the template's own fields.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The scope of the Skills' own template.
pub const SKILLS_SCOPE: &str = "global";
/// The key of the Skills' own template.
pub const SKILLS_TEMPLATE: &str = "boxSkillsCards";

/// One instance of a template on one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its own id, a UUID.
    #[serde(rename = "$id")]
    pub id: String,
    /// `boxSkillsCards-<uuid of the template>`.
    #[serde(rename = "$type")]
    pub kind: String,
    /// `file_<id>`.
    #[serde(rename = "$parent")]
    pub parent: String,
    /// The template's own version.
    #[serde(rename = "$typeVersion")]
    pub type_version: u64,
    /// The template's key.
    #[serde(rename = "$template")]
    pub template: String,
    /// The template's scope.
    #[serde(rename = "$scope")]
    pub scope: String,
    /// 0 at creation, one more with each change.
    #[serde(rename = "$version")]
    pub version: u64,
    /// Whether the caller may change it; the mock's callers always may.
    #[serde(rename = "$canEdit")]
    pub can_edit: bool,
    /// The template's own fields: `cards` for the Skills' template.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// The members that are Box's own.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "$id")]
    id: String,
    #[serde(rename = "$type")]
    kind: String,
    #[serde(rename = "$parent")]
    parent: String,
    #[serde(rename = "$typeVersion")]
    type_version: u64,
    #[serde(rename = "$template")]
    template: String,
    #[serde(rename = "$scope")]
    scope: String,
    #[serde(rename = "$version")]
    version: u64,
    #[serde(rename = "$canEdit")]
    can_edit: bool,
}

impl Instance {
    /// A new instance, version 0, with the members of `fields` that are not Box's own.
    pub fn new(
        id: String,
        type_id: &str,
        file_id: &str,
        scope: &str,
        template: &str,
        fields: Map<String, Value>,
    ) -> Self {
        Self {
            id,
            kind: format!("{template}-{type_id}"),
            parent: format!("file_{file_id}"),
            type_version: 0,
            template: template.to_owned(),
            scope: scope.to_owned(),
            version: 0,
            can_edit: true,
            fields: fields
                .into_iter()
                .filter(|(name, _)| !name.starts_with('$'))
                .collect(),
        }
    }

    /// The instance after a change of its fields: one version on.
    #[must_use]
    pub fn with_fields(self, fields: Map<String, Value>) -> Self {
        Self {
            version: self.version + 1,
            fields,
            ..self
        }
    }

    /// An instance without its fields, for a change that replaces them all: they may be large,
    /// and are passed over.
    ///
    /// # Errors
    /// Where the text is no instance.
    pub fn read_head(json: &str) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_str(json)?;
        Ok(Self {
            id: head.id,
            kind: head.kind,
            parent: head.parent,
            type_version: head.type_version,
            template: head.template,
            scope: head.scope,
            version: head.version,
            can_edit: head.can_edit,
            fields: Map::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_reads_back_as_it_was_written() {
        let fields = json!({"cards": [], "$id": "mine"});
        let instance = Instance::new(
            "i".to_owned(),
            "t",
            "7",
            SKILLS_SCOPE,
            SKILLS_TEMPLATE,
            fields.as_object().expect("an object").clone(),
        );
        let value = serde_json::to_value(&instance).expect("it serialises");
        assert_eq!(
            value,
            json!({
                "$id": "i", "$type": "boxSkillsCards-t", "$parent": "file_7", "$typeVersion": 0,
                "$template": "boxSkillsCards", "$scope": "global", "$version": 0, "$canEdit": true,
                "cards": []
            })
        );
        let back: Instance = serde_json::from_value(value).expect("it reads");
        assert_eq!(back, instance);
        assert_eq!(back.with_fields(Map::new()).version, 1);
    }
}
