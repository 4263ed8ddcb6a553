//! A metadata instance as Box keeps and answers it (facts §2): the `$` members that Box owns, then
//! the template's own fields.
//!
//! An instance is kept and answered as text. Its fields are written as JSON once, when they come;
//! with each change only the head is written anew.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use crate::domain::json::tree::{Members, Tree};

/// The scope of the Skills' own template.
pub const SKILLS_SCOPE: &str = "global";
/// The key of the Skills' own template.
pub const SKILLS_TEMPLATE: &str = "boxSkillsCards";

/// The most levels of lists and objects in the fields of an instance. Readers of JSON commonly end
/// at 128, and answers put a few around an instance.
pub const DEEPEST: usize = 100;
/// What serde_json takes for its own when it reads a member of such a name.
const PRIVATE: &str = "$serde_json::private::";

/// The members of an instance that are Box's own. All but the version are those of the instance
/// before a change, and shared with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceHead {
    /// Its own id, a UUID.
    #[serde(rename = "$id")]
    pub id: Arc<str>,
    /// `boxSkillsCards-<uuid of the template>`.
    #[serde(rename = "$type")]
    pub kind: Arc<str>,
    /// `file_<id>`.
    #[serde(rename = "$parent")]
    pub parent: Arc<str>,
    /// The template's own version.
    #[serde(rename = "$typeVersion")]
    pub type_version: u64,
    /// The template's key.
    #[serde(rename = "$template")]
    pub template: Arc<str>,
    /// The template's scope.
    #[serde(rename = "$scope")]
    pub scope: Arc<str>,
    /// 0 at creation, one more with each change.
    #[serde(rename = "$version")]
    pub version: u64,
    /// Whether the caller may change it; the mock's callers always may.
    #[serde(rename = "$canEdit")]
    pub can_edit: bool,
}

impl InstanceHead {
    /// The head of a new instance, version 0.
    pub fn new(id: String, type_id: &str, file_id: &str, scope: &str, template: &str) -> Self {
        Self {
            id: id.into(),
            kind: format!("{template}-{type_id}").into(),
            parent: format!("file_{file_id}").into(),
            type_version: 0,
            template: template.into(),
            scope: scope.into(),
            version: 0,
            can_edit: true,
        }
    }

    /// The head of an instance that is already there; its fields are passed over.
    ///
    /// # Errors
    /// Where the text is no instance.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The head after a change of the fields: one version on.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// The whole instance with these fields, as compact JSON.
    ///
    /// # Errors
    /// None that is known of: heads and fields are plain JSON.
    pub fn with(&self, fields: &Fields) -> Result<Box<RawValue>, serde_json::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            head: &'a InstanceHead,
            #[serde(flatten)]
            fields: &'a Fields,
        }
        to_raw_value(&Whole { head: self, fields })
    }
}

/// The template's own fields (`cards` for the Skills' template), each value as compact JSON.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Writes the members of `fields` that are not Box's own.
    ///
    /// # Errors
    /// None that is known of: a value is plain JSON.
    pub fn write(fields: &Members<'_>) -> Result<Self, serde_json::Error> {
        fields
            .iter()
            .filter(|(name, _)| !is_box_own(name))
            .map(|(name, value)| Ok((name.to_owned(), to_raw_value(value)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The fields of an instance, for a change of a part of them.
///
/// # Errors
/// Where the text is no JSON object.
pub fn fields_of(json: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut members: Map<String, Value> = serde_json::from_str(json)?;
    members.retain(|name, _| !is_box_own(name));
    Ok(members)
}

fn is_box_own(name: &str) -> bool {
    name.starts_with('$')
}

/// Why `fields` cannot be kept so that they can be read back; nothing where they can.
pub fn not_to_be_kept(fields: &Members<'_>) -> Option<String> {
    if fields.values().map(Tree::depth).max() >= Some(DEEPEST) {
        return Some(format!(
            "the instance is nested deeper than {DEEPEST} levels"
        ));
    }
    let is_private = |name: &str| name.starts_with(PRIVATE);
    let has_private = fields
        .iter()
        .any(|(name, value)| is_private(name) || value.has_name(is_private));
    has_private.then(|| format!("no member may be named {PRIVATE}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_reads_back_as_it_was_written() {
        let fields = json!({"cards": [{"a": 1}], "$id": "mine", "other": null});
        let fields = fields.as_object().expect("an object");
        let head = InstanceHead::new("i".to_owned(), "t", "7", SKILLS_SCOPE, SKILLS_TEMPLATE);
        let written = Fields::write(&Members::of(fields)).expect("it is written");
        let json = head.with(&written).expect("it is written");
        assert_eq!(
            json.get(),
            r#"{"$id":"i","$type":"boxSkillsCards-t","$parent":"file_7","$typeVersion":0,"$template":"boxSkillsCards","$scope":"global","$version":0,"$canEdit":true,"cards":[{"a":1}],"other":null}"#
        );
        assert_eq!(InstanceHead::read(json.get()).expect("it reads"), head);
        let own = fields_of(json.get()).expect("they read");
        assert_eq!(
            Value::Object(own),
            json!({"cards": [{"a": 1}], "other": null})
        );
        assert_eq!(head.next().version, 1);
        assert!(InstanceHead::read(r#"{"cards":[]}"#).is_err());
    }

    #[test]
    fn what_cannot_be_read_back_is_not_kept() {
        let nested = |levels: usize| {
            let inner = (0..levels).fold(json!(1), |inner, _| json!([inner]));
            Map::from_iter([("a".to_owned(), inner)])
        };
        assert_eq!(not_to_be_kept(&Members::of(&nested(DEEPEST - 1))), None);
        let refused = not_to_be_kept(&Members::of(&nested(DEEPEST))).expect("it is too deep");
        assert!(refused.contains("100 levels"), "{refused}");
        let named = json!({"a": [{"b": 1, "$serde_json::private::RawValue": "x"}]});
        let named = Members::of(named.as_object().expect("an object"));
        assert!(not_to_be_kept(&named).is_some());
    }
}
