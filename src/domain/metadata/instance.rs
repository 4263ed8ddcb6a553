//! A metadata instance as Box keeps and returns it: the `$` members that Box owns, then the
//! template's own fields (`docs/box/calls.md`, "Metadata").
//!
//! The fields are serialised once, when they arrive; a later change of the head does not copy them.

use std::{borrow::Cow, io::Write, sync::Arc};

use bytes::Bytes;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::{Map, Value, value::RawValue};

use crate::domain::json::tree::{Members, Tape, Tree};

/// The scope of the Skills' own template.
pub const SKILLS_SCOPE: &str = "global";
/// The key of the Skills' own template.
pub const SKILLS_TEMPLATE: &str = "boxSkillsCards";

/// The deepest nesting of the fields of an instance. JSON readers commonly stop at 128 levels, and
/// answers wrap an instance in a few.
pub const MAX_LEVELS: usize = 100;
/// Member names with this prefix have a special meaning for serde_json.
const PRIVATE: &str = "$serde_json::private::";

/// An instance. One that was written here is kept as shared parts and serialised on demand; one that was
/// read keeps its text.
#[derive(Clone, Debug)]
pub enum Instance {
    /// Written here.
    Written {
        /// Box's own members.
        head: InstanceHead,
        /// The fields of the template.
        fields: Fields,
    },
    /// Read: compact JSON.
    Read(Arc<RawValue>),
}

impl Instance {
    /// Its head.
    ///
    /// # Errors
    /// If the text that was read is not an instance.
    pub fn head(&self) -> Result<InstanceHead, serde_json::Error> {
        match self {
            Self::Written { head, .. } => Ok(head.clone()),
            Self::Read(text) => InstanceHead::read(text.get()),
        }
    }

    /// Its fields, for a change of a part of them.
    ///
    /// # Errors
    /// If the text that was read is not an instance.
    pub fn fields(&self) -> Result<Map<String, Value>, serde_json::Error> {
        match self {
            Self::Written { fields, .. } => serde_json::from_slice(&fields.0),
            Self::Read(text) => {
                let mut members: Map<String, Value> = serde_json::from_str(text.get())?;
                members.retain(|name, _| !is_box_own(name));
                Ok(members)
            }
        }
    }

    /// Its cards, if it has any.
    pub fn cards(&self) -> Option<Tape<'_>> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            cards: Option<&'a RawValue>,
        }
        let text = match self {
            Self::Written { fields, .. } => &*fields.0,
            Self::Read(text) => text.get().as_bytes(),
        };
        let cards = serde_json::from_slice::<Members<'_>>(text).ok()?.cards?;
        Tape::read(cards.get().as_bytes()).ok()
    }

    /// Appends the instance to `text` as compact JSON.
    pub fn write_to(&self, text: &mut Vec<u8>) {
        match self {
            Self::Written { head, fields } => {
                head.write_to(text);
                let members = &fields.0[1..];
                if members.len() > 1 {
                    text.push(b',');
                }
                text.extend_from_slice(members);
            }
            Self::Read(read) => text.extend_from_slice(read.get().as_bytes()),
        }
    }

    /// The instance as compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.weight());
        self.write_to(&mut text);
        text
    }

    /// Its approximate size in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Written { head, fields } => head.fixed.len() + fields.0.len() + 48,
            Self::Read(text) => text.get().len(),
        }
    }
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written { .. } => {
                let text = self.to_json();
                let text: &RawValue = serde_json::from_slice(&text).map_err(ser::Error::custom)?;
                text.serialize(to)
            }
            Self::Read(text) => text.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(from)?;
        Ok(Self::Read(text.into()))
    }
}

/// The members of an instance that are Box's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceHead {
    /// The members that never change, as JSON without the closing brace. Serialised once and shared by all
    /// versions of the instance.
    fixed: Arc<str>,
    /// 0 at creation, one more with each change.
    pub version: u64,
    /// Whether the caller may change it; the mock's callers always may.
    pub can_edit: bool,
}

/// The members that never change.
#[derive(Serialize, Deserialize)]
struct FixedMembers<'a> {
    /// The id, a UUID.
    #[serde(rename = "$id", borrow)]
    id: Cow<'a, str>,
    /// `boxSkillsCards-<uuid of the template>`.
    #[serde(rename = "$type", borrow)]
    kind: Cow<'a, str>,
    /// `file_<id>`.
    #[serde(rename = "$parent", borrow)]
    parent: Cow<'a, str>,
    /// The template's own version.
    #[serde(rename = "$typeVersion")]
    type_version: u64,
    /// The template's key.
    #[serde(rename = "$template", borrow)]
    template: Cow<'a, str>,
    /// The template's scope.
    #[serde(rename = "$scope", borrow)]
    scope: Cow<'a, str>,
}

impl InstanceHead {
    /// The head of a new instance, version 0.
    pub fn new(id: &str, type_id: &str, file_id: &str, scope: &str, template: &str) -> Self {
        let fixed = FixedMembers {
            id: id.into(),
            kind: format!("{template}-{type_id}").into(),
            parent: format!("file_{file_id}").into(),
            type_version: 0,
            template: template.into(),
            scope: scope.into(),
        };
        Self {
            fixed: fixed.to_json(),
            version: 0,
            can_edit: true,
        }
    }

    fn read(json: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Changing {
            #[serde(rename = "$version")]
            version: u64,
            #[serde(rename = "$canEdit")]
            can_edit: bool,
        }
        let fixed: FixedMembers<'_> = serde_json::from_str(json)?;
        let Changing { version, can_edit } = serde_json::from_str(json)?;
        Ok(Self {
            fixed: fixed.to_json(),
            version,
            can_edit,
        })
    }

    /// The head after a change of the fields, with the next version.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Appends the head without the closing brace.
    fn write_to(&self, text: &mut Vec<u8>) {
        let Self {
            fixed,
            version,
            can_edit,
        } = self;
        // Written in pieces, which is faster: every line of the record file has one.
        text.extend_from_slice(fixed.as_bytes());
        text.extend_from_slice(br#","$version":"#);
        write!(text, "{version}").expect("memory takes what is written to it");
        text.extend_from_slice(match can_edit {
            true => br#","$canEdit":true"#,
            false => br#","$canEdit":false"#,
        });
    }
}

impl FixedMembers<'_> {
    fn to_json(&self) -> Arc<str> {
        let text = serde_json::to_string(self).expect("they are plain JSON");
        text.trim_end_matches('}').into()
    }
}

/// The template's own fields (`cards` for the Skills' template): an object, as compact JSON. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct Fields(Bytes);

impl Fields {
    /// Serialises the members of `fields` that are not Box's own. `length` is the expected size in bytes.
    pub fn write(fields: Members<'_>, length: usize) -> Self {
        let mut text = Vec::with_capacity(length);
        text.push(b'{');
        for (name, value) in fields.iter().filter(|(name, _)| !is_box_own(name)) {
            if text.len() > 1 {
                text.push(b',');
            }
            Tree::String(name).write_to(&mut text);
            text.push(b':');
            value.write_to(&mut text);
        }
        text.push(b'}');
        // The text is kept, and much of the input may have been white space.
        if text.capacity() - text.len() > text.len() / 4 {
            text.shrink_to_fit();
        }
        Self(text.into())
    }
}

fn is_box_own(name: &str) -> bool {
    name.starts_with('$')
}

/// Why `fields`, which are in `whole`, cannot be stored and read back; `None` if they can.
pub fn why_not_storable(fields: Members<'_>, whole: &Tape<'_>) -> Option<String> {
    if whole.is_surely_plain(MAX_LEVELS) {
        return None;
    }
    if fields.values().any(|it| it.is_deeper_than(MAX_LEVELS - 1)) {
        return Some(format!(
            "the instance is nested deeper than {MAX_LEVELS} levels"
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
        let fields = Tape::from_value(&fields);
        let fields = fields.tree().as_object().expect("an object");
        let head = InstanceHead::new("i", "t\"", "7", SKILLS_SCOPE, SKILLS_TEMPLATE);
        let fields = Fields::write(fields, 0);
        let written = Instance::Written {
            head: head.clone(),
            fields,
        };
        let text = String::from_utf8(written.to_json()).expect("text");
        assert_eq!(
            text,
            r#"{"$id":"i","$type":"boxSkillsCards-t\"","$parent":"file_7","$typeVersion":0,"$template":"boxSkillsCards","$scope":"global","$version":0,"$canEdit":true,"cards":[{"a":1}],"other":null}"#
        );
        let read: Instance = serde_json::from_str(&text).expect("it reads");
        for instance in [written, read] {
            let serialised = serde_json::to_string(&instance).expect("it is written");
            assert_eq!(serialised, text);
            assert_eq!(instance.to_json(), text.as_bytes());
            assert_eq!(instance.head().expect("it has one"), head);
            let fields = Value::Object(instance.fields().expect("they read"));
            assert_eq!(fields, json!({"cards": [{"a": 1}], "other": null}));
            let cards = instance.cards().map(Value::from);
            assert_eq!(cards, Some(json!([{"a": 1}])));
        }
        assert_eq!(head.next().version, 1);
        let other: Instance = serde_json::from_str(r#"{"cards":[]}"#).expect("it reads");
        assert!(other.head().is_err());
    }

    #[test]
    fn an_instance_may_have_no_fields() {
        let head = InstanceHead::new("i", "t", "7", SKILLS_SCOPE, "properties");
        let fields = Fields::write(Members::default(), 0);
        let text = Instance::Written { head, fields }.to_json();
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(value.as_object().map(Map::len), Some(8));
    }

    #[test]
    fn fields_that_cannot_be_read_back_are_refused() {
        let nested = |levels: usize| {
            let inner = (0..levels).fold(json!(1), |inner, _| json!([inner]));
            json!({ "a": inner })
        };
        let why_not = |fields: &Value| {
            let fields = Tape::from_value(fields);
            why_not_storable(fields.tree().as_object().expect("an object"), &fields)
        };
        assert_eq!(why_not(&nested(MAX_LEVELS - 1)), None);
        let refused = why_not(&nested(MAX_LEVELS)).expect("it is too deep");
        assert!(refused.contains("100 levels"), "{refused}");
        let named = json!({"a": [{"b": 1, "$serde_json::private::RawValue": "x"}]});
        assert!(why_not(&named).is_some());
    }
}
