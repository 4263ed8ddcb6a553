//! A metadata instance as Box keeps and answers it (facts §2): the `$` members that Box owns, then
//! the template's own fields.
//!
//! Its fields are written as JSON once, when they come; with each change only the head is new.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use smol_str::SmolStr;

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

/// An instance. What was written here is kept in its parts, which whoever has the instance shares,
/// and becomes text when somebody asks for that; what was read stays the text that it was.
#[derive(Clone, Debug)]
pub enum Instance {
    /// Written here.
    Written {
        /// Box's own members.
        head: InstanceHead,
        /// The template's.
        fields: Fields,
    },
    /// Read: compact JSON.
    Read(Arc<RawValue>),
}

impl Instance {
    /// An instance of these parts.
    pub fn new(head: InstanceHead, fields: Fields) -> Self {
        Self::Written { head, fields }
    }

    /// Its head.
    ///
    /// # Errors
    /// Where what was read is no instance.
    pub fn head(&self) -> Result<InstanceHead, serde_json::Error> {
        match self {
            Self::Written { head, .. } => Ok(head.clone()),
            Self::Read(text) => serde_json::from_str(text.get()),
        }
    }

    /// Its fields, for a change of a part of them.
    ///
    /// # Errors
    /// Where what was read is no instance.
    pub fn fields(&self) -> Result<Map<String, Value>, serde_json::Error> {
        match self {
            Self::Written { fields, .. } => {
                let read = |(name, value): &(SmolStr, Box<RawValue>)| {
                    Ok((name.to_string(), serde_json::from_str(value.get())?))
                };
                fields.0.iter().map(read).collect()
            }
            Self::Read(text) => {
                let mut members: Map<String, Value> = serde_json::from_str(text.get())?;
                members.retain(|name, _| !is_box_own(name));
                Ok(members)
            }
        }
    }

    /// The cards in it, where it has some.
    pub fn cards(&self) -> Option<Tree<'_>> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            cards: Option<Tree<'a>>,
        }
        match self {
            Self::Written { fields, .. } => {
                let (_, cards) = fields.0.iter().find(|(name, _)| name == "cards")?;
                serde_json::from_str(cards.get()).ok()
            }
            Self::Read(text) => serde_json::from_str::<Members<'_>>(text.get()).ok()?.cards,
        }
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        const HEAD: usize = 256;
        match self {
            Self::Written { fields, .. } => HEAD + fields.weight(),
            Self::Read(text) => text.get().len(),
        }
    }
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            head: &'a InstanceHead,
            #[serde(flatten)]
            fields: &'a Fields,
        }
        match self {
            Self::Written { head, fields } => Whole { head, fields }.serialize(to),
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceHead {
    #[serde(flatten)]
    place: Arc<Place>,
    /// 0 at creation, one more with each change.
    #[serde(rename = "$version")]
    pub version: u64,
    /// Whether the caller may change it; the mock's callers always may.
    #[serde(rename = "$canEdit")]
    pub can_edit: bool,
}

/// Those that stay what they are however often the instance changes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Its own id, a UUID.
    #[serde(rename = "$id")]
    id: String,
    /// `boxSkillsCards-<uuid of the template>`.
    #[serde(rename = "$type")]
    kind: String,
    /// `file_<id>`.
    #[serde(rename = "$parent")]
    parent: String,
    /// The template's own version.
    #[serde(rename = "$typeVersion")]
    type_version: u64,
    /// The template's key.
    #[serde(rename = "$template")]
    template: SmolStr,
    /// The template's scope.
    #[serde(rename = "$scope")]
    scope: SmolStr,
}

impl InstanceHead {
    /// The head of a new instance, version 0.
    pub fn new(id: String, type_id: &str, file_id: &str, scope: &str, template: &str) -> Self {
        let place = Place {
            id,
            kind: format!("{template}-{type_id}"),
            parent: format!("file_{file_id}"),
            type_version: 0,
            template: template.into(),
            scope: scope.into(),
        };
        Self {
            place: Arc::new(place),
            version: 0,
            can_edit: true,
        }
    }

    /// The head after a change of the fields: one version on.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}

/// The template's own fields (`cards` for the Skills' template), each value as compact JSON. Cheap to
/// clone.
#[derive(Clone, Debug, Default)]
pub struct Fields(Arc<[(SmolStr, Box<RawValue>)]>);

impl Fields {
    /// Writes the members of `fields` that are not Box's own.
    ///
    /// # Errors
    /// None that is known of: a value is plain JSON.
    pub fn write(fields: &Members<'_>) -> Result<Self, serde_json::Error> {
        fields
            .iter()
            .filter(|(name, _)| !is_box_own(name))
            .map(|(name, value)| Ok((name.into(), to_raw_value(value)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// About how many bytes they take.
    fn weight(&self) -> usize {
        let field = |(name, value): &(SmolStr, Box<RawValue>)| name.len() + value.get().len();
        self.0.iter().map(field).sum()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &*self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
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
        let fields = Fields::write(&Members::of(fields)).expect("they are written");
        let written = Instance::new(head.clone(), fields);
        let text = serde_json::to_string(&written).expect("it is written");
        assert_eq!(
            text,
            r#"{"$id":"i","$type":"boxSkillsCards-t","$parent":"file_7","$typeVersion":0,"$template":"boxSkillsCards","$scope":"global","$version":0,"$canEdit":true,"cards":[{"a":1}],"other":null}"#
        );
        let read: Instance = serde_json::from_str(&text).expect("it reads");
        assert_eq!(serde_json::to_string(&read).expect("it is written"), text);
        for instance in [written, read] {
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
