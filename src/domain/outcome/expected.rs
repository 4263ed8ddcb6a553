//! What `expected.json` says of the final state: how it is read, compared, and written by `--update`.

use std::collections::BTreeMap;

use serde_json::json;

use super::observed::{CARDS_NAME, Observed, Status};
use crate::domain::{
    card::normalise::{ANY, Difference, difference, normalise},
    diagnostic::{Diagnostic, Severity},
    json::{
        pointer::Pointer,
        tree::{Items, Tape, Tree},
    },
};

/// The members of an `expected.json`.
const MEMBERS: [&str; 3] = ["status", "cards", "metadata"];

/// What `expected.json` says of the final state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The status; `None` where the file does not name it.
    status: Option<ExpectedStatus>,
    /// The cards; `None` where the file does not name them.
    cards: Option<ExpectedCards>,
    /// Instances of other templates by scope and key, such as `global/properties`, without their `$`
    /// members.
    metadata: BTreeMap<String, Tape<'static>>,
    /// By how much numbers may differ.
    tolerance: f64,
}

/// The status in an `expected.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpectedStatus {
    Reported(Status),
    /// `null`: the skill reports none.
    NotReported,
}

/// The cards in an `expected.json`.
#[derive(Clone, Debug, PartialEq)]
enum ExpectedCards {
    /// Normalised, with `"<any>"` for a value that may be anything.
    Exactly(Tape<'static>),
    /// `"<any>"`: there are some.
    Any,
}

/// The status that an event must end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WantedStatus {
    /// This one, or none.
    Exactly(Option<Status>),
    /// None, or success: the case is not about the status.
    NoFailure,
}

impl Expected {
    /// Reads the JSON of an `expected.json`.
    ///
    /// # Errors
    /// The first member that is unknown or has a wrong value.
    pub fn read(value: Tree<'_>) -> Result<Self, Diagnostic> {
        let Some(members) = value.as_object() else {
            return Err(wrong(
                Pointer::ROOT,
                "this is not an expected.json",
                "an object with status, cards or metadata",
            ));
        };
        if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(name)) {
            return Err(wrong(
                Pointer::ROOT.key(unknown),
                &format!("expected.json has no member `{unknown}`"),
                "status, cards or metadata",
            ));
        }
        Ok(Self {
            status: members.get("status").map(read_status).transpose()?,
            cards: members.get("cards").map(read_cards).transpose()?,
            metadata: match members.get("metadata") {
                Some(metadata) => read_metadata(metadata)?,
                None => BTreeMap::new(),
            },
            tolerance: 0.0,
        })
    }

    /// The same, where numbers may differ by `tolerance`.
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// What an event that ended like this should be expected to end with again.
    pub fn from_observed(observed: &Observed) -> Self {
        let status = observed.status();
        let mut cards = observed.cards().map(Tape::into_owned);
        cards.iter_mut().for_each(normalise);
        let metadata: BTreeMap<_, _> = observed
            .metadata()
            .map(|(name, fields)| (name.to_owned(), fields))
            .collect();
        // Where other metadata alone was written, the case is about that.
        let is_named = status.is_some() || cards.is_some() || metadata.is_empty();
        Self {
            status: is_named.then_some(match status {
                Some(status) => ExpectedStatus::Reported(status),
                None => ExpectedStatus::NotReported,
            }),
            cards: is_named.then(|| {
                ExpectedCards::Exactly(
                    cards.unwrap_or_else(|| Tape::from_value(&EMPTY).into_owned()),
                )
            }),
            metadata,
            tolerance: 0.0,
        }
    }

    /// The text of an `expected.json` with these members.
    pub fn to_text(&self) -> String {
        let mut members = serde_json::Map::new();
        match self.status {
            Some(ExpectedStatus::Reported(status)) => {
                members.insert("status".to_owned(), json!(status.as_str()));
            }
            Some(ExpectedStatus::NotReported) => {
                members.insert("status".to_owned(), json!(null));
            }
            None => {}
        }
        match &self.cards {
            Some(ExpectedCards::Exactly(cards)) => {
                members.insert("cards".to_owned(), json!(cards));
            }
            Some(ExpectedCards::Any) => {
                members.insert("cards".to_owned(), json!(ANY));
            }
            None => {}
        }
        if !self.metadata.is_empty() {
            members.insert("metadata".to_owned(), json!(self.metadata));
        }
        format!("{:#}\n", serde_json::Value::Object(members))
    }

    /// A few words for it: `success, 2 cards`.
    pub fn summary(&self) -> String {
        let status = match self.status {
            Some(ExpectedStatus::Reported(status)) => Some(status.as_str().to_owned()),
            Some(ExpectedStatus::NotReported) => Some("no status".to_owned()),
            None => None,
        };
        let cards = self.cards.as_ref().map(|cards| match cards {
            ExpectedCards::Exactly(cards) => match cards.tree().as_array().map_or(0, Items::len) {
                0 => "no cards".to_owned(),
                1 => "1 card".to_owned(),
                many => format!("{many} cards"),
            },
            ExpectedCards::Any => "any cards".to_owned(),
        });
        let metadata = self.metadata.keys().cloned();
        let parts: Vec<_> = status.into_iter().chain(cards).chain(metadata).collect();
        parts.join(", ")
    }

    /// Whether the file names cards or metadata, which are compared.
    pub(super) fn is_compared(&self) -> bool {
        self.cards.is_some() || !self.metadata.is_empty()
    }

    /// The status that the event must end with.
    pub(super) fn wanted_status(&self) -> WantedStatus {
        match self.status {
            Some(ExpectedStatus::Reported(status)) => WantedStatus::Exactly(Some(status)),
            Some(ExpectedStatus::NotReported) => WantedStatus::Exactly(None),
            None if self.is_about_metadata_alone() || self.expects_no_cards() => {
                WantedStatus::NoFailure
            }
            None => WantedStatus::Exactly(Some(Status::Success)),
        }
    }

    /// Whether a final status is to come.
    pub(super) fn expects_final(&self) -> bool {
        match self.wanted_status() {
            WantedStatus::Exactly(status) => status.is_some_and(Status::is_final),
            WantedStatus::NoFailure => false,
        }
    }

    /// Whether the case is about metadata of other templates, and about nothing else.
    pub(super) fn is_about_metadata_alone(&self) -> bool {
        self.status.is_none() && self.cards.is_none() && !self.metadata.is_empty()
    }

    /// Whether every instance that it names was written.
    pub(super) fn has_all_metadata(&self, observed: &Observed) -> bool {
        self.metadata
            .keys()
            .all(|name| observed.metadata().any(|(written, _)| written == name))
    }

    fn expects_no_cards(&self) -> bool {
        matches!(&self.cards, Some(ExpectedCards::Exactly(cards))
            if cards.tree().as_array().is_some_and(Items::is_empty))
    }

    /// Where the cards differ from the expected ones; a sentence where there are none to compare.
    pub(super) fn compare_cards(
        &self,
        observed: &Observed,
    ) -> Result<Vec<Difference>, &'static str> {
        const NONE: &str = "expected.json expects cards, and none were written";
        let actual = observed.cards();
        match (&self.cards, actual) {
            (None, _) => Ok(Vec::new()),
            (Some(ExpectedCards::Any), Some(cards))
                if cards
                    .tree()
                    .as_array()
                    .is_some_and(|cards| !cards.is_empty()) =>
            {
                Ok(Vec::new())
            }
            (Some(ExpectedCards::Exactly(_)), None) if self.expects_no_cards() => Ok(Vec::new()),
            (Some(ExpectedCards::Exactly(wanted)), Some(mut actual)) => {
                normalise(&mut actual);
                Ok(difference(wanted.tree(), actual.tree(), self.tolerance))
            }
            (Some(_), _) => Err(NONE),
        }
    }

    /// Where each named instance of another template differs from the expected one, by its name;
    /// `None` for an instance that was not written.
    pub(super) fn compare_metadata<'a>(
        &'a self,
        observed: &'a Observed,
    ) -> impl Iterator<Item = (&'a str, Option<Vec<Difference>>)> {
        self.metadata.iter().map(|(name, wanted)| {
            let written = observed.metadata().find(|(written, _)| written == name);
            let differences =
                written.map(|(_, actual)| difference(wanted.tree(), actual.tree(), self.tolerance));
            (name.as_str(), differences)
        })
    }
}

/// No cards.
const EMPTY: serde_json::Value = serde_json::Value::Array(Vec::new());

fn wrong(pointer: Pointer, message: &str, expected: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "not-expected",
        message: message.to_owned(),
        pointer,
        found: None,
        expected: Some(expected.to_owned()),
        help: None,
    }
}

fn read_status(value: Tree<'_>) -> Result<ExpectedStatus, Diagnostic> {
    if value.is_null() {
        return Ok(ExpectedStatus::NotReported);
    }
    let status = value.as_str().and_then(Status::parse);
    status.map(ExpectedStatus::Reported).ok_or_else(|| {
        wrong(
            Pointer::ROOT.key("status"),
            "this is not a status of an invocation",
            "processing, success, transient_failure, permanent_failure, or null where none is reported",
        )
    })
}

fn read_cards(value: Tree<'_>) -> Result<ExpectedCards, Diagnostic> {
    if value.as_str() == Some(ANY) {
        return Ok(ExpectedCards::Any);
    }
    if value.as_array().is_none() {
        return Err(wrong(
            Pointer::ROOT.key("cards"),
            "`cards` is not a list",
            "a list of cards, [] for none, or \"<any>\"",
        ));
    }
    let mut cards = value.to_tape().into_owned();
    normalise(&mut cards);
    Ok(ExpectedCards::Exactly(cards))
}

fn read_metadata(value: Tree<'_>) -> Result<BTreeMap<String, Tape<'static>>, Diagnostic> {
    let at = Pointer::ROOT.key("metadata");
    let Some(members) = value.as_object() else {
        return Err(wrong(
            at,
            "`metadata` is not an object",
            "instances by scope and template: {\"global/properties\": {…}}",
        ));
    };
    let mut metadata = BTreeMap::new();
    for (name, fields) in members.iter() {
        let at = at.key(name);
        let is_name = name
            .split_once('/')
            .is_some_and(|(scope, key)| !scope.is_empty() && !key.is_empty() && !key.contains('/'));
        if !is_name || name == CARDS_NAME {
            return Err(wrong(
                at,
                &format!("`{name}` does not name another template"),
                "a scope and a template key, such as global/properties; the cards are in `cards`",
            ));
        }
        if fields.as_object().is_none() && fields.as_str() != Some(ANY) {
            return Err(wrong(
                at,
                "this is not an instance",
                "an object with the fields of the instance, or \"<any>\"",
            ));
        }
        metadata.insert(name.to_owned(), fields.to_tape().into_owned());
    }
    Ok(metadata)
}
