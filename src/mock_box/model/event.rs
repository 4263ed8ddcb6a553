//! A registered event: what the mock keeps of it.

use super::grant::Grant;
use crate::domain::secret::Secret;

/// A registered event.
#[derive(Clone, Debug)]
pub struct EventEntry {
    /// The id of its file.
    pub file_id: String,
    /// Its read token and its write token.
    pub tokens: [Secret; 2],
    /// Whether a reset keeps it.
    pub lasting: bool,
}

/// An event to be registered.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The invocation's id.
    pub id: String,
    /// What is kept of it.
    pub entry: EventEntry,
    /// What its tokens permit.
    pub grants: [(Secret, Grant); 2],
}
