//! Types of the domain as the values of options: the checks of a replay, the rules for cards.

use clap::{ValueEnum, builder::PossibleValue};

use crate::domain::{card::validate::Schema, outcome::Check};

impl ValueEnum for Check {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.rule()))
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
