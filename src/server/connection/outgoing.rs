//! The body of an answer on its way out, under its wire faults: slowed down, or cut.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::tracker::InFlight;
use crate::{
    mock_box::wire_faults::{Cut, CutPoint, End, WireFaults},
    server::body::ResponseBody,
};

/// An answer's body on its way out, under its wire faults.
pub(super) struct Outgoing {
    body: ResponseBody,
    /// Bytes that were taken from the body and may not go out yet.
    held: Bytes,
    rate: Option<RateLimit>,
    cut: Option<(u64, End)>,
    in_flight: InFlight,
}

impl Outgoing {
    /// Nothing where the connection is to end before the head.
    pub(super) fn new(body: ResponseBody, faults: WireFaults, in_flight: InFlight) -> Option<Self> {
        let cut = match faults.cut {
            None => None,
            Some(Cut { at, end }) => match (at, body.length()) {
                (CutPoint::BeforeHead, _) | (CutPoint::Half, Some(0)) => {
                    in_flight.cut(end);
                    return None;
                }
                (CutPoint::Half, length) => Some((length.unwrap_or(0) / 2, end)),
                // A cut at or behind the end would cut nothing.
                (CutPoint::Bytes(bytes), length) => {
                    let last = length.map_or(u64::MAX, |length| length.saturating_sub(1));
                    Some((bytes.min(last), end))
                }
            },
        };
        Some(Self {
            body,
            held: Bytes::new(),
            rate: faults.rate.map(|rate| RateLimit::new(rate.get())),
            cut,
            in_flight,
        })
    }

    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        while self.held.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.held = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let mut allowed = self.held.len();
        if let Some((left, _)) = self.cut {
            allowed = usize::try_from(left).map_or(allowed, |left| left.min(allowed));
        }
        if let Some(rate) = &mut self.rate {
            allowed = ready!(rate.poll_allowed(context, allowed));
        }
        let data = self.held.split_to(allowed);
        if let Some((left, _)) = &mut self.cut {
            *left -= data.len() as u64;
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some((0, end)) = this.cut {
            // The connection is ended when everything written so far has been sent.
            this.in_flight.cut(end);
            return Poll::Pending;
        }
        if this.rate.is_none() && this.cut.is_none() {
            return Pin::new(&mut this.body).poll_frame(context);
        }
        this.poll_held(context)
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.held.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.held.is_empty() {
            return self.body.size_hint();
        }
        let held = self.held.len() as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(rest.lower() + held);
        hint
    }
}

/// Lets bytes through at a steady rate.
struct RateLimit {
    /// Bytes per second.
    rate: u64,
    started: Option<Instant>,
    sent: u64,
    waiting: Pin<Box<Sleep>>,
}

impl RateLimit {
    fn new(rate: u64) -> Self {
        Self {
            rate,
            started: None,
            sent: 0,
            waiting: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// How many of `wanted` bytes may go now: what an eighth of a second allows, after the earlier
    /// bytes have used up their time.
    fn poll_allowed(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        if wanted == 0 {
            return Poll::Ready(0);
        }
        let started = *self.started.get_or_insert_with(Instant::now);
        let milliseconds = u128::from(self.sent) * 1000 / u128::from(self.rate);
        let due = u64::try_from(milliseconds)
            .ok()
            .and_then(|milliseconds| started.checked_add(Duration::from_millis(milliseconds)));
        if let Some(due) = due.filter(|due| *due > Instant::now()) {
            self.waiting.set(sleep_until(due));
            ready!(self.waiting.as_mut().poll(context));
        }
        let slice = usize::try_from(self.rate / 8).unwrap_or(usize::MAX).max(1);
        let allowed = wanted.min(slice);
        self.sent += allowed as u64;
        Poll::Ready(allowed)
    }
}
