//! Cassettes: the calls of a skill to its providers, recorded as HAR and answered from the record. How a
//! call is matched, what is redacted, and how a cassette is read and written. Files, sockets and the
//! clock are for others.

pub mod coding;
pub mod deck;
pub mod exchange;
pub mod har;
pub mod key;
mod multipart;
mod nearest;
pub mod player;
pub mod redaction;
pub mod values;
mod volatile;
