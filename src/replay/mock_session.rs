//! A run's session with a mock: the registration of events, the tracking of what the mock sees of
//! them, and its end.

use std::sync::{Arc, atomic::AtomicUsize};

use tokio::task::JoinHandle;

use super::{
    mock::{Mock, MockError, Registration},
    registrar::Registrar,
    tracker::EventTracker,
};
use crate::domain::event::edit::Edit;

/// A session with a mock.
#[derive(Debug)]
pub(super) struct MockSession {
    pub(super) registrar: Registrar,
    pub(super) tracker: Arc<EventTracker>,
    /// How many events were delivered.
    pub(super) deliveries: AtomicUsize,
    follower: JoinHandle<()>,
}

impl MockSession {
    /// Starts to follow the stream of `mock`. Events will be registered with `edits`.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub(super) async fn open(
        mock: Mock,
        registration: Registration,
        edits: Vec<Edit>,
    ) -> Result<Self, MockError> {
        let mock = Arc::new(mock);
        let newest = mock.health().await?.next;
        let stream = mock.stream(newest).await?;
        let tracker = Arc::new(EventTracker::new(Arc::clone(&mock), newest));
        let follower = tokio::spawn({
            let tracker = Arc::clone(&tracker);
            async move { tracker.follow(stream).await }
        });
        Ok(Self {
            registrar: Registrar::new(mock, registration, edits),
            tracker,
            deliveries: AtomicUsize::new(0),
            follower,
        })
    }

    /// Ends the session, and returns what fails the run as a whole.
    ///
    /// # Errors
    /// Where the stream lost a part.
    pub(super) async fn end(self) -> Result<Vec<String>, MockError> {
        // A mock that is gone reports nothing more.
        let _ = self.tracker.catch_up().await;
        self.tracker.strays()
    }
}

/// A run that is cancelled drops its session.
impl Drop for MockSession {
    fn drop(&mut self) {
        self.follower.abort();
    }
}
