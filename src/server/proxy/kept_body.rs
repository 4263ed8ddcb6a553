//! The body of an answer, kept while it passes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::server::body::ResponseBody;

/// Gets a body when it is whole, or why it is not.
type End = Box<dyn FnOnce(Result<Bytes, String>) + Send>;

/// The body of an answer, which is kept while it passes.
pub(super) struct KeptBody {
    body: ResponseBody,
    /// Bytes that are kept at most.
    limit: u64,
    kept: Vec<u8>,
    end: Option<End>,
}

impl KeptBody {
    /// `end` gets the whole body, or why it is not whole: a body of more than `limit` bytes is not kept.
    pub(super) fn new(body: ResponseBody, limit: u64, end: End) -> Self {
        let mut kept = Self {
            body,
            limit,
            kept: Vec::new(),
            end: Some(end),
        };
        kept.end_if_whole();
        kept
    }

    fn end_if_whole(&mut self) {
        if self.body.is_end_stream() {
            let kept = std::mem::take(&mut self.kept);
            self.end(Ok(kept.into()));
        }
    }

    fn end(&mut self, body: Result<Bytes, String>) {
        if let Some(end) = self.end.take() {
            end(body);
        }
    }

    fn keep(&mut self, piece: &Bytes) {
        if self.end.is_none() {
            return;
        }
        if (self.kept.len() + piece.len()) as u64 > self.limit {
            let limit = self.limit >> 20;
            self.kept = Vec::new();
            self.end(Err(format!("it is longer than {limit} MiB")));
        } else {
            self.kept.extend_from_slice(piece);
        }
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    self.keep(piece);
                }
                self.end_if_whole();
            }
            Some(Err(error)) => self.end(Err(format!("it ended early: {error}"))),
            None => {
                let kept = std::mem::take(&mut self.kept);
                self.end(Ok(kept.into()));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for KeptBody {
    fn drop(&mut self) {
        self.end_if_whole();
        self.end(Err("the skill did not read it to its end".to_owned()));
    }
}
