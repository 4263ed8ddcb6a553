//! Events, tokens, cards, metadata and outcomes, and their rules. Pure: no files, network, clock,
//! randomness, command line or colour, and no import of a sibling module.

pub mod call;
pub mod card;
pub mod cards_from;
pub mod cassette;
pub mod diagnostic;
pub mod duration;
pub mod event;
pub mod file_name;
pub mod hex;
pub mod hints;
pub mod hosts;
pub mod json;
pub mod metadata;
pub mod notice;
pub mod operation;
pub mod outcome;
pub mod picture;
pub mod schema;
pub mod scope;
pub mod secret;
pub mod secret_values;
pub mod shard;
pub mod stats;
pub mod subtitles;
pub mod text;
pub mod token;
