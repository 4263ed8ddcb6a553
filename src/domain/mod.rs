//! What Box Skills are made of: events, tokens, cards, metadata, outcomes, and the rules they
//! obey. Pure: no files, network, clock, randomness, command line or colour, and no sibling
//! module is imported from here.

pub mod call;
pub mod card;
pub mod diagnostic;
pub mod event;
pub mod file_name;
pub mod hex;
pub mod hosts;
pub mod json;
pub mod metadata;
pub mod notice;
pub mod operation;
pub mod outcome;
pub mod secret;
pub mod shard;
pub mod stats;
pub mod text;
pub mod token;
