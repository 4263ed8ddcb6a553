//! Delivery advice: how an answer is to be brought to the client, beside what it says. The state
//! machine and its faults attach it to an answer; `server::wire` carries it out on the socket.

use std::{num::NonZeroU64, time::Duration};

/// How an answer travels. The default is at once, at full speed, and whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How long to wait before the first byte of the answer.
    pub delay: Option<Duration>,
    /// Bytes of the body per second.
    pub rate: Option<NonZeroU64>,
    /// Where the connection ends before the answer does.
    pub cut: Option<Cut>,
}

impl Delivery {
    /// Whether the answer travels as any other.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// An early end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// After how much of the answer.
    pub at: CutPoint,
    /// What the client sees then.
    pub end: End,
}

/// How much of an answer goes out before the cut. Its head promises the whole length in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutPoint {
    /// Nothing, not even the head.
    BeforeHead,
    /// The head and half of the body; nothing at all where the answer has no body.
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
