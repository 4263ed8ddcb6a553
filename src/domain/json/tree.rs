//! A JSON value that borrows from its text: what every event, write and set of cards on the way
//! through a run is read with. It says what a [`Value`] would say, and is written as a [`Value`]
//! would be.

mod read;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
};

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use smol_str::{SmolStr, ToSmolStr};

use super::pointer::Pointer;

/// A JSON value. Texts without escapes are parts of the text that it was read from.
//
// With a whole word for what it is, a tree is moved a word at a time. Else `Bool` would lie right
// behind one byte, and moving trees byte by byte is a sixth of what reading them costs.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(u64)]
pub enum Tree<'a> {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Tree<'a>>),
    /// An object.
    Object(Members<'a>),
}

/// Up to so many members are looked at one after the other; of more that would take the square of
/// their number.
const FEW: usize = 16;

/// The members of an object, in the order of the text. Of members with the same name the last
/// one's value counts, in the place of the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Tree<'a>)>);

impl<'a> Tree<'a> {
    /// The same value, borrowing.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::String(Cow::Borrowed(text)),
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Object(members) => Self::Object(Members::of(members)),
        }
    }

    /// The number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, where it is an object.
    pub fn as_object(&self) -> Option<&Members<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The items, to be changed.
    pub fn as_array_mut(&mut self) -> Option<&mut [Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The whole number, where it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// A member, where it is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// A member to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.get_mut(name),
            _ => None,
        }
    }

    /// The member that a way of names leads to.
    pub fn below(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |found, name| found.get(name))
    }

    /// The member that a way of names leads to, to be changed.
    pub fn below_mut(&mut self, names: &[&str]) -> Option<&mut Self> {
        let mut names = names.iter();
        names.try_fold(self, |found, name| found.get_mut(name))
    }

    /// The same value, that borrows from nothing.
    pub fn into_owned(self) -> Tree<'static> {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(truth) => Tree::Bool(truth),
            Self::Number(number) => Tree::Number(number),
            Self::String(text) => Tree::String(owned(text)),
            Self::Array(items) => Tree::Array(items.into_iter().map(Self::into_owned).collect()),
            Self::Object(Members(members)) => {
                let own = |(name, value): (_, Self)| (owned(name), value.into_owned());
                Tree::Object(Members(members.into_iter().map(own).collect()))
            }
        }
    }

    /// The value that a pointer leads to.
    pub fn at(&self, pointer: &Pointer) -> Option<&Self> {
        pointer.tokens().try_fold(self, |found, token| match found {
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => found.get(&token),
        })
    }

    /// The id that it is, as clients write ids: a text, or a whole number as its digits.
    pub fn as_id(&self) -> Option<SmolStr> {
        match self {
            Self::String(text) => Some(SmolStr::new(text)),
            Self::Number(number) if !number.is_f64() => Some(number.to_smolstr()),
            _ => None,
        }
    }

    /// How many levels of lists and objects it has: none for a text or a number.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether an object in it has a member whose name passes.
    pub fn has_name(&self, passes: impl Fn(&str) -> bool + Copy) -> bool {
        match self {
            Self::Array(items) => items.iter().any(|item| item.has_name(passes)),
            Self::Object(members) => members
                .iter()
                .any(|(name, member)| passes(name) || member.has_name(passes)),
            _ => false,
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl From<Tree<'_>> for Value {
    fn from(tree: Tree<'_>) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(truth) => Self::Bool(truth),
            Tree::Number(number) => Self::Number(number),
            Tree::String(text) => Self::String(text.into_owned()),
            Tree::Array(items) => items.into_iter().map(Self::from).collect(),
            Tree::Object(Members(members)) => {
                let own = |(name, value): (Cow<'_, str>, _)| (name.into_owned(), Self::from(value));
                members.into_iter().map(own).collect()
            }
        }
    }
}

impl<'a> Members<'a> {
    /// The same members, borrowing.
    pub fn of(members: &'a serde_json::Map<String, Value>) -> Self {
        let members = members.iter();
        Self(
            members
                .map(|(name, value)| (Cow::Borrowed(name.as_str()), Tree::of(value)))
                .collect(),
        )
    }

    /// The value of a member. Looks at one after the other: made for objects of a few members.
    pub fn get(&self, name: &str) -> Option<&Tree<'a>> {
        self.iter()
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    /// The value of a member, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree<'a>> {
        let mut members = self.0.iter_mut();
        members.find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Gives a member its value; one that was not there comes last.
    pub fn insert(&mut self, name: &'static str, value: Tree<'a>) {
        match self.get_mut(name) {
            Some(slot) => *slot = value,
            None => self.0.push((Cow::Borrowed(name), value)),
        }
    }

    /// Whether there is such a member.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Names alone.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// Values alone.
    pub fn values(&self) -> impl Iterator<Item = &Tree<'a>> {
        self.iter().map(|(_, value)| value)
    }

    /// To look up many members, of however many.
    pub fn finder(&self) -> Finder<'_, 'a> {
        let index = (self.0.len() > FEW).then(|| self.iter().collect());
        Finder {
            members: self,
            index,
        }
    }

    /// Members as they came, each name once.
    fn unique(members: Vec<(Cow<'a, str>, Tree<'a>)>) -> Self {
        let has_twins = if members.len() > FEW {
            let mut seen = HashSet::new();
            !members.iter().all(|(name, _)| seen.insert(&**name))
        } else {
            let twin = |(nth, (name, _)): (usize, &(Cow<'a, str>, _))| {
                members[..nth].iter().any(|(other, _)| other == name)
            };
            members.iter().enumerate().any(twin)
        };
        if !has_twins {
            return Self(members);
        }
        let mut places = HashMap::new();
        let mut unique: Vec<(Cow<'a, str>, Tree<'a>)> = Vec::new();
        for (name, value) in members {
            if let Some(place) = places.get(&name) {
                let place: usize = *place;
                unique[place].1 = value;
            } else {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
        Self(unique)
    }
}

/// Finds members by their names.
pub struct Finder<'t, 'a> {
    members: &'t Members<'a>,
    index: Option<HashMap<&'t str, &'t Tree<'a>>>,
}

impl<'t, 'a> Finder<'t, 'a> {
    /// The value of a member.
    pub fn find(&self, name: &str) -> Option<&'t Tree<'a>> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.members.get(name),
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Number(number) => number.serialize(to),
            Self::String(text) => to.serialize_str(text),
            Self::Array(items) => to.collect_seq(items),
            Self::Object(members) => to.collect_map(members.iter()),
        }
    }
}

/// As compact JSON.
impl fmt::Display for Tree<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any JSON text, with members of the same name, numbers of all forms and escapes.
    fn texts() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|truth| truth.to_string()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>()
                .prop_filter("JSON has no others", |number| number.is_finite())
                .prop_map(|number| format!("{number:e}")),
            any::<String>().prop_map(|text| Value::from(text).to_string()),
            Just(r#""\u0041\n""#.to_owned()),
        ];
        let name = prop_oneof![
            Just("\"a\"".to_owned()),
            Just(r#""\u0061""#.to_owned()),
            "[a-d]{1,2}".prop_map(|name| format!("\"{name}\"")),
        ];
        leaf.prop_recursive(4, 64, 24, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..6);
            let members = prop::collection::vec((name.clone(), inner), 0..24);
            prop_oneof![
                list.prop_map(|items| format!("[{}]", items.join(" ,"))),
                members.prop_map(|members| {
                    let member = |(name, value)| format!("{name}: {value}");
                    format!(
                        "{{{}}}",
                        members
                            .into_iter()
                            .map(member)
                            .collect::<Vec<_>>()
                            .join(",")
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_says_what_a_value_says(text in texts()) {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let tree: Tree<'_> = serde_json::from_str(&text).expect("JSON");
            prop_assert_eq!(&tree, &Tree::of(&value));
            prop_assert_eq!(tree.to_string(), value.to_string());
            prop_assert_eq!(&tree.clone().into_owned(), &tree);
            prop_assert_eq!(Value::from(tree), value);
        }
    }

    #[test]
    fn of_members_with_one_name_the_last_counts_in_the_place_of_the_first() {
        let tree: Tree<'_> = serde_json::from_str(r#"{"a":1,"b":2,"\u0061":3}"#).expect("JSON");
        assert_eq!(tree.to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn a_pointer_leads_to_a_value() {
        let tree: Tree<'_> = serde_json::from_str(r#"{"a/b":[1,{"c":2}]}"#).expect("JSON");
        let list = Pointer::ROOT.key("a/b");
        assert_eq!(tree.at(&Pointer::ROOT), Some(&tree));
        let two = tree.at(&list.index(1).key("c"));
        assert_eq!(two, Some(&Tree::Number(2.into())));
        assert_eq!(tree.at(&list.index(2)), None);
        assert_eq!(tree.at(&list.key("c")), None);
    }

    #[test]
    fn a_member_is_changed_in_its_place_and_a_new_one_comes_last() {
        let mut tree: Tree<'_> = serde_json::from_str(r#"{"a":{"b":1},"c":2}"#).expect("JSON");
        *tree.below_mut(&["a", "b"]).expect("a member") = Tree::Bool(true);
        let Tree::Object(members) = &mut tree else {
            panic!("it is an object");
        };
        members.insert("a", Tree::Null);
        members.insert("d", Tree::Null);
        assert_eq!(tree.to_string(), r#"{"a":null,"c":2,"d":null}"#);
        assert_eq!(tree.below(&["a", "b"]), None);
        assert_eq!(tree.below_mut(&["c", "b"]), None);
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let tree: Tree<'_> = serde_json::from_str(r#"["plain", "es\"caped"]"#).expect("JSON");
        let items = tree.as_array().expect("a list");
        assert!(matches!(items[0], Tree::String(Cow::Borrowed("plain"))));
        assert!(matches!(&items[1], Tree::String(Cow::Owned(text)) if text == "es\"caped"));
    }
}
