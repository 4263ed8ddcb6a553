//! Enforces a limit on a request's body, in the same way for Box's API and the admin API: a length
//! beyond it is refused before anything is read, a body without a length when it has passed the
//! limit. The caller says how large the limit is.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};

/// Why a body was not read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is larger than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// It ended early or stalled.
    #[error(transparent)]
    Body(Box<dyn StdError + Send + Sync>),
}

/// A body of at most `limit` bytes.
pub(super) struct Limited<B> {
    body: B,
    limit: u64,
    left: u64,
}

impl<B> Limited<B> {
    pub(super) fn new(body: B, limit: u64) -> Self {
        Self {
            body,
            limit,
            left: limit,
        }
    }
}

impl<B> Body for Limited<B>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        if self.body.size_hint().lower() > self.left {
            return Poll::Ready(Some(Err(ReadError::TooLarge(self.limit))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|error| ReadError::Body(Box::new(error)))?;
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            let left = self.left.checked_sub(length);
            self.left = left.ok_or(ReadError::TooLarge(self.limit))?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The whole of a body of at most `limit` bytes. Most come in one frame, which is taken as it is.
///
/// # Errors
/// When the body is larger, or ends early.
pub async fn collect<B>(body: B, limit: u64) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    let mut body = Limited::new(body, limit);
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = piece;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_body_is_whole_up_to_its_limit_however_it_comes() {
        let frames = |pieces: &[&'static str]| {
            let frame =
                |piece: &&'static str| Ok(Frame::data(Bytes::from_static(piece.as_bytes())));
            let frames: Vec<Result<_, Infallible>> = pieces.iter().map(frame).collect();
            StreamBody::new(stream::iter(frames))
        };
        for pieces in [&["abcd"][..], &["", "ab", "", "c", "d"], &["abc", "d"], &[]] {
            let whole = pieces.concat();
            let read = collect(frames(pieces), 4).await.expect("it fits");
            assert_eq!(read, whole);
            if let Some(less) = (whole.len() as u64).checked_sub(1) {
                let refused = collect(frames(pieces), less).await.expect_err("too much");
                assert!(matches!(refused, ReadError::TooLarge(limit) if limit == less));
            }
        }
    }

    /// A body of known length that must not be read.
    struct Unread(u64);

    impl Body for Unread {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("the body is read");
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test]
    async fn a_length_beyond_the_limit_is_refused_before_anything_is_read() {
        let refused = collect(Unread(100_000_000_000_000), 10).await;
        assert!(matches!(refused, Err(ReadError::TooLarge(10))));
        let fits = collect(Full::new(Bytes::from_static(b"0123456789")), 10).await;
        assert!(fits.is_ok_and(|bytes| bytes.len() == 10));
    }
}
