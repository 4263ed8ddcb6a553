//! Questions that many ask at once and one call answers: the registration of events, and "how far
//! is the stream". Whoever asks while a call is under way goes into the next.

use tokio::sync::{mpsc, oneshot};

/// Asks in batches.
#[derive(Debug)]
pub(super) struct Batcher<Q, A> {
    queue: mpsc::Sender<Asked<Q, A>>,
}

/// A question with the way back of its answer.
type Asked<Q, A> = (Q, oneshot::Sender<A>);

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// Answers up to `most` questions at once by `answer`, which gives as many answers as it was
    /// given questions. A question of `weight` 1 or more goes alone.
    pub(super) fn new<F>(
        most: usize,
        weight: fn(&Q) -> f64,
        mut answer: impl FnMut(Vec<Q>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<A>> + Send,
    {
        let (queue, mut asked) = mpsc::channel::<Asked<Q, A>>(most);
        tokio::spawn(async move {
            let mut next = None;
            loop {
                let first = match next.take() {
                    Some(first) => first,
                    None => match asked.recv().await {
                        Some(first) => first,
                        None => return,
                    },
                };
                let mut load = weight(&first.0);
                let (mut questions, mut ways) = (vec![first.0], vec![first.1]);
                while questions.len() < most
                    && let Ok(more) = asked.try_recv()
                {
                    load += weight(&more.0);
                    if load > 1.0 {
                        next = Some(more);
                        break;
                    }
                    questions.push(more.0);
                    ways.push(more.1);
                }
                for (way, answer) in ways.into_iter().zip(answer(questions).await) {
                    // Whoever asked may be gone.
                    let _ = way.send(answer);
                }
            }
        });
        Self { queue }
    }

    /// Asks; `None` where nobody answers any more.
    pub(super) async fn ask(&self, question: Q) -> Option<A> {
        let (way, answer) = oneshot::channel();
        self.queue.send((question, way)).await.ok()?;
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
        let batcher = Batcher::new(8, weight, move |questions: Vec<usize>| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { questions.into_iter().map(|number| number * 2).collect() }
        });
        let answers = join_all((0..64).map(|number| batcher.ask(number))).await;
        (answers, calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn everybody_gets_an_answer_and_few_calls_are_made() {
        let (found, calls) = answers(|_| 0.0).await;
        let wanted: Vec<_> = (0..64).map(|number| Some(number * 2)).collect();
        assert_eq!(found, wanted);
        assert!(calls < 64, "{calls} calls");
    }

    #[tokio::test]
    async fn what_is_heavy_goes_alone() {
        let (found, calls) = answers(|_| 1.0).await;
        assert_eq!(found.len(), 64);
        assert_eq!(calls, 64);
    }
}
