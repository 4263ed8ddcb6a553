//! A tree out of its text, as serde hands it over. What a tree says is told elsewhere.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{Members, Tree};

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut tree = Tree::Null;
        from.deserialize_any(Put(&mut tree))?;
        Ok(tree)
    }
}

/// Where a value belongs. It is put there when it is read; handed up from call to call, it would be
/// moved several times.
trait Place<'a> {
    fn put(self, value: Tree<'a>);
}

/// At the top.
impl<'a> Place<'a> for &mut Tree<'a> {
    fn put(self, value: Tree<'a>) {
        *self = value;
    }
}

/// At the end of a list.
impl<'a> Place<'a> for &mut Vec<Tree<'a>> {
    fn put(self, value: Tree<'a>) {
        self.push(value);
    }
}

/// Under a name, behind the members before.
struct Member<'l, 'a>(&'l mut Vec<(Cow<'a, str>, Tree<'a>)>, Cow<'a, str>);

impl<'a> Place<'a> for Member<'_, 'a> {
    fn put(self, value: Tree<'a>) {
        let Self(members, name) = self;
        members.push((name, value));
    }
}

/// Reads a value, and puts it in its place.
struct Put<P>(P);

impl<'de, P: Place<'de>> DeserializeSeed<'de> for Put<P> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, P: Place<'de>> Put<P> {
    fn done<E>(self, value: Tree<'de>) -> Result<(), E> {
        self.0.put(value);
        Ok(())
    }
}

impl<'de, P: Place<'de>> Visitor<'de> for Put<P> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.done(Tree::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.done(Tree::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.done(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.done(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.done(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.done(Tree::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.done(Tree::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut list = Vec::new();
        while items.next_element_seed(Put(&mut list))?.is_some() {}
        self.done(Tree::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut list = Vec::new();
        while let Some(name) = members.next_key_seed(Name)? {
            members.next_value_seed(Put(Member(&mut list, name)))?;
        }
        self.done(Tree::Object(Members::unique(list)))
    }
}

/// The name of a member, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
