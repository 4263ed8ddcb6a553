//! Where a download gets its bytes: a trait, so that the rules can be tested without Box.

use bytes::Bytes;

use super::resume::{Head, Identity};
use crate::client::{box_api::Range, error::BoxError};

/// Where bytes come from.
pub trait Source {
    /// The bytes of one answer.
    type Body: Body;

    /// What is to be fetched, as it is now.
    fn identity(&self) -> impl Future<Output = Result<Identity, BoxError>>;

    /// Asks for the bytes, all or from one on: one try.
    fn open(
        &self,
        range: Option<&Range>,
    ) -> impl Future<Output = Result<(Head, Self::Body), BoxError>>;
}

/// The bytes of one answer, as they come.
pub trait Body {
    /// The next bytes; `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, BoxError>>;
}
