//! What Box Skills are made of: events, tokens, cards, metadata, outcomes, and the rules they
//! obey. Pure: no files, network, clock, randomness, command line or colour, and no sibling
//! module is imported from here.

pub mod diagnostic;
pub mod json;
pub mod secret;
