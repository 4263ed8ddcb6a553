//! A run's session with a mock: what it registers, what it hears from the mock's stream, and its end.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{
    coalescer::Coalescer,
    mock::{Mock, MockError, Registration},
    registrar::Registrar,
    tracker::EventTracker,
};

/// Requests for the position of the stream that one call answers.
const MAX_BATCH: usize = 64;

/// A session with a mock.
#[derive(Debug)]
pub(super) struct MockSession {
    mock: Arc<Mock>,
    pub(super) registrar: Registrar,
    pub(super) tracker: Arc<EventTracker>,
    newest: Coalescer<(), Result<u64, MockError>>,
    follower: JoinHandle<Result<(), MockError>>,
}

impl MockSession {
    /// Starts to follow the stream of `mock`.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub(super) async fn open(mock: Mock, registration: Registration) -> Result<Self, MockError> {
        let mock = Arc::new(mock);
        let newest = mock.health().await?.next;
        let stream = mock.stream(newest).await?;
        let tracker = Arc::new(EventTracker::new(newest));
        let follower = tokio::spawn({
            let (tracker, url) = (Arc::clone(&tracker), mock.url().clone());
            async move {
                tracker
                    .follow(stream, || MockError::Gap { url: url.clone() })
                    .await
            }
        });
        let newest = Coalescer::new(MAX_BATCH, |()| 0.0, {
            let mock = Arc::clone(&mock);
            move |requests: Vec<()>| {
                let mock = Arc::clone(&mock);
                async move {
                    let newest = mock.health().await.map(|health| health.next);
                    vec![newest; requests.len()]
                }
            }
        });
        Ok(Self {
            registrar: Registrar::new(Arc::clone(&mock), registration),
            mock,
            tracker,
            newest,
            follower,
        })
    }

    /// Waits until the stream has delivered everything that has happened until now.
    ///
    /// # Errors
    /// Where the mock does not answer, or its stream has ended.
    pub(super) async fn catch_up(&self) -> Result<(), MockError> {
        let newest = self.newest.ask(()).await;
        let newest = newest.unwrap_or_else(|| Err(self.mock.unexpected("it is gone")))?;
        if self.tracker.caught_up(newest).await {
            return Ok(());
        }
        Err(MockError::Unreachable {
            url: self.mock.url().clone(),
            reason: "its stream of what happens ended".to_owned(),
        })
    }

    /// Notes that an event has its verdict. Events judged long ago are removed from the mock.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub(super) async fn judged(&self, event_id: &str) -> Result<(), MockError> {
        let forgotten = self.tracker.judged(event_id.to_owned());
        if forgotten.is_empty() {
            return Ok(());
        }
        self.mock.retire(&forgotten).await
    }

    /// Ends the session, and returns what fails the run as a whole.
    ///
    /// # Errors
    /// Where the stream lost a part.
    pub(super) async fn end(self) -> Result<Vec<String>, MockError> {
        // A mock that is gone reports nothing more.
        let _ = self.catch_up().await;
        self.follower.abort();
        match self.follower.await {
            Ok(Err(gap)) => Err(gap),
            _ if self.tracker.lost_a_part() => Err(MockError::Gap {
                url: self.mock.url().clone(),
            }),
            _ => Ok(self.tracker.strays()),
        }
    }
}
