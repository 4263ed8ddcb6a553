//! An event that is waited for.

use super::{check::Awaited, judged::CaseName, observed::Millis};

/// An event that is waited for.
#[derive(Clone, Debug)]
pub struct InProgress {
    /// The case.
    pub case: CaseName,
    /// What is waited for.
    pub awaiting: Awaiting,
    /// Milliseconds since the event was sent.
    pub after: Millis,
    /// The limit of this wait, in milliseconds.
    pub limit: Millis,
}

/// What an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiting {
    /// This is to happen.
    Event(Awaited),
    /// Nothing is to happen any more.
    Silence,
}
