//! Skill cards: the one model of what a card is, how Box's preview shows it, what makes it wrong,
//! and how it is built. The commands, the mock and the replay checks all use this one.

pub mod build;
mod check;
pub mod codes;
mod entries;
pub mod face;
mod members;
pub mod model;
pub mod normalise;
mod path;
pub mod preview;
pub mod request;
pub mod shape;
pub mod subtitles;
mod types;
pub mod validate;
mod violation;
mod wording;
pub mod write;
