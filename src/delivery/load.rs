//! The body of a delivery on its way: handed over in pieces, so that a connection may copy what it
//! writes behind the head and still holds, of an event that is large, no more than its buffer takes:
//! half a megabyte.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Events are some kilobytes, so that nearly all of them are one piece.
const PIECE: usize = 64 * 1024;

/// What is left to be sent.
#[derive(Debug)]
pub(super) struct Load(Bytes);

impl From<Bytes> for Load {
    fn from(body: Bytes) -> Self {
        Self(body)
    }
}

impl Body for Load {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = PIECE.min(self.0.len());
        Poll::Ready((piece > 0).then(|| Ok(Frame::data(self.0.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_large_body_goes_in_pieces_and_comes_whole() {
        for length in [0, 1, PIECE, 2 * PIECE + 1] {
            let whole: Bytes = (0..=250).cycle().take(length).collect();
            let mut load = Load::from(whole.clone());
            let mut got = Vec::new();
            while !load.is_end_stream() {
                assert_eq!(load.size_hint().exact(), Some((length - got.len()) as u64));
                let frame = load.frame().await.expect("a frame").expect("it is there");
                let piece = frame.into_data().expect("data");
                assert!(piece.len() <= PIECE);
                got.extend_from_slice(&piece);
            }
            assert!(load.frame().await.is_none());
            assert_eq!(got, whole);
        }
    }
}
