//! Types of the domain as the values of options: the checks of a replay, the modes of cassettes, the rules
//! for cards.

use clap::{ValueEnum, builder::PossibleValue};

use crate::domain::{card::validate::Schema, cassette::deck::Mode, outcome::Check};

impl ValueEnum for Check {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.rule()))
    }
}

impl ValueEnum for Mode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Off, Self::Record, Self::Auto, Self::Replay]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Off => ("off", "Calls go to their services and are not recorded"),
            Self::Record => (
                "record",
                "Calls go to their services, and the cassette is replaced",
            ),
            Self::Auto => (
                "auto",
                "Calls are answered from the cassette; those that it lacks are recorded",
            ),
            Self::Replay => ("replay", "Calls are answered from the cassette alone"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Schema {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Box, Self::Documented]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Box => ("box", "What Box is known to refuse"),
            Self::Documented => (
                "documented",
                "Everything that Box's published schema does not allow",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
