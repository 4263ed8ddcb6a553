//! Coalesces requests: those that arrive while a call is in progress are answered together by the
//! next call. Used for the registration of events and for the position of the mock's stream.

use tokio::sync::{mpsc, oneshot};

/// Collects requests `Q` and answers them in batches.
#[derive(Debug)]
pub(super) struct Coalescer<Q, A> {
    queue: mpsc::Sender<Queued<Q, A>>,
}

/// A request with the sender of its answer.
type Queued<Q, A> = (Q, oneshot::Sender<A>);

impl<Q: Send + 'static, A: Send + 'static> Coalescer<Q, A> {
    /// Answers at most `max` requests at once by `answer`, which returns one answer for each
    /// request, in their order. The weights of a batch sum to 1 at most, so that a request of weight
    /// 1 or more goes alone.
    pub(super) fn new<F>(
        max: usize,
        weight: fn(&Q) -> f64,
        mut answer: impl FnMut(Vec<Q>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<A>> + Send,
    {
        let (queue, mut queued) = mpsc::channel::<Queued<Q, A>>(max);
        tokio::spawn(async move {
            let mut next = None;
            loop {
                let first = match next.take() {
                    Some(first) => first,
                    None => match queued.recv().await {
                        Some(first) => first,
                        None => return,
                    },
                };
                let mut sum = weight(&first.0);
                let (mut requests, mut senders) = (vec![first.0], vec![first.1]);
                while requests.len() < max
                    && let Ok(more) = queued.try_recv()
                {
                    sum += weight(&more.0);
                    if sum > 1.0 {
                        next = Some(more);
                        break;
                    }
                    requests.push(more.0);
                    senders.push(more.1);
                }
                for (sender, answer) in senders.into_iter().zip(answer(requests).await) {
                    // The requester may be gone.
                    let _ = sender.send(answer);
                }
            }
        });
        Self { queue }
    }

    /// Sends a request and waits for its answer; `None` where nothing answers any more.
    pub(super) async fn ask(&self, request: Q) -> Option<A> {
        let (sender, answer) = oneshot::channel();
        self.queue.send((request, sender)).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;

    use super::*;

    async fn answers(weight: fn(&usize) -> f64) -> (Vec<Option<usize>>, usize) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let coalescer = Coalescer::new(8, weight, move |numbers: Vec<usize>| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { numbers.into_iter().map(|number| number * 2).collect() }
        });
        let answers = join_all((0..64).map(|number| coalescer.ask(number))).await;
        (answers, calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn every_request_is_answered_by_fewer_calls() {
        let (found, calls) = answers(|_| 0.0).await;
        let wanted: Vec<_> = (0..64).map(|number| Some(number * 2)).collect();
        assert_eq!(found, wanted);
        assert!(calls < 64, "{calls} calls");
    }

    #[tokio::test]
    async fn a_request_of_full_weight_goes_alone() {
        let (found, calls) = answers(|_| 1.0).await;
        assert_eq!(found.len(), 64);
        assert_eq!(calls, 64);
    }
}
