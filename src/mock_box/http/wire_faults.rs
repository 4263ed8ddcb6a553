//! Wire faults: how a connection misbehaves while an answer is sent. The state machine only attaches
//! them to the answer; the server applies them to the socket.

use std::{num::NonZeroU64, time::Duration};

/// How an answer is sent. The default is at once, at full speed, and whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireFaults {
    /// The delay before the first byte.
    pub delay: Option<Duration>,
    /// The rate of the body, in bytes per second.
    pub rate: Option<NonZeroU64>,
    /// Where the connection ends before the answer does.
    pub cut: Option<Cut>,
}

impl WireFaults {
    /// Whether the answer is sent without any fault.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// An early end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How much of the answer is sent before it.
    pub at: CutPoint,
    /// How the connection ends.
    pub end: End,
}

/// How much of an answer is sent before the cut. Its head announces the whole length in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutPoint {
    /// Nothing, not even the head.
    BeforeHead,
    /// The head and half of the body; nothing where the answer has no body.
    Half,
    /// The head and this many bytes of the body.
    Bytes(u64),
}

/// How the connection ends at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is closed: the client sees the stream end too early.
    Close,
    /// It is reset: the client sees ECONNRESET.
    Reset,
}
