//! The body of a delivery, given to hyper in chunks: hyper copies a body into the buffer of the
//! connection, and chunks keep that buffer below half a megabyte for a large event.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Most events are a few kilobytes and so one chunk.
const CHUNK: usize = 64 * 1024;

/// The rest of the body that is not sent yet.
#[derive(Debug)]
pub(super) struct ChunkedBody(Bytes);

impl From<Bytes> for ChunkedBody {
    fn from(body: Bytes) -> Self {
        Self(body)
    }
}

impl Body for ChunkedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = CHUNK.min(self.0.len());
        Poll::Ready((chunk > 0).then(|| Ok(Frame::data(self.0.split_to(chunk)))))
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
    async fn a_large_body_is_sent_in_chunks_and_arrives_whole() {
        for length in [0, 1, CHUNK, 2 * CHUNK + 1] {
            let whole: Bytes = (0..=250).cycle().take(length).collect();
            let mut body = ChunkedBody::from(whole.clone());
            let mut got = Vec::new();
            while !body.is_end_stream() {
                assert_eq!(body.size_hint().exact(), Some((length - got.len()) as u64));
                let frame = body.frame().await.expect("a frame").expect("it is there");
                let chunk = frame.into_data().expect("data");
                assert!(chunk.len() <= CHUNK);
                got.extend_from_slice(&chunk);
            }
            assert!(body.frame().await.is_none());
            assert_eq!(got, whole);
        }
    }
}
