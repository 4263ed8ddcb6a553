//! Skill cards: their model, how Box's preview shows them, the rules that they are checked by, and how
//! they are built. The commands, the mock and the checks of a replay use this module.

pub mod breakage;
pub mod build;
mod check;
pub mod codes;
mod entries;
pub mod face_spec;
mod javascript;
mod members;
mod messages;
pub mod model;
pub mod normalise;
mod path;
pub mod preview;
pub mod reported;
pub mod request;
pub mod shape;
pub mod thumbnail;
mod types;
pub mod validate;
mod violation;
pub mod write;
