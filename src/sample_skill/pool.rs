//! A bounded pool of worker threads, started as they are needed.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

type Task = Box<dyn FnOnce() + Send>;

/// Runs tasks on a bounded number of threads, with a bounded queue.
pub(super) struct Pool {
    shared: Arc<Shared>,
    max_threads: usize,
    max_queued: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    task_added: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    threads: usize,
    idle: usize,
}

impl Pool {
    pub(super) fn new(max_threads: usize, max_queued: usize) -> Self {
        Self {
            shared: Arc::default(),
            max_threads,
            max_queued,
        }
    }

    /// Queues a task; false if the queue is full.
    pub(super) fn run(&self, task: impl FnOnce() + Send + 'static) -> bool {
        let mut state = self.shared.lock();
        if state.tasks.len() >= self.max_queued {
            return false;
        }
        state.tasks.push_back(Box::new(task));
        if state.tasks.len() > state.idle && state.threads < self.max_threads {
            let shared = Arc::clone(&self.shared);
            if thread::Builder::new().spawn(move || shared.serve()).is_ok() {
                state.threads += 1;
            }
        }
        drop(state);
        self.shared.task_added.notify_one();
        true
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No task runs while the lock is held, so a poisoned lock guards consistent data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        loop {
            let task = self.next();
            // A task that panics must not end its thread.
            let _ = panic::catch_unwind(AssertUnwindSafe(task));
        }
    }

    fn next(&self) -> Task {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.tasks.pop_front() {
                return task;
            }
            state.idle += 1;
            state = self
                .task_added
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn tasks_wait_for_a_thread_and_are_refused_when_the_queue_is_full() {
        let pool = Pool::new(1, 1);
        let (started, has_started) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let (done, results) = mpsc::channel();
        let first = done.clone();
        assert!(pool.run(move || {
            started.send(()).expect("the test listens");
            may_go.recv().expect("the test says go");
            first.send(1).expect("the test listens");
        }));
        has_started.recv().expect("the first task starts");
        assert!(pool.run(move || done.send(2).expect("the test listens")));
        assert!(!pool.run(|| {}));
        go.send(()).expect("the task waits");
        assert_eq!(results.iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_task_that_panics_does_not_end_its_thread() {
        let pool = Pool::new(1, 8);
        pool.run(|| panic!("a bug in a task (expected in this test)"));
        let (done, result) = mpsc::channel();
        pool.run(move || done.send(()).expect("the test listens"));
        assert!(result.recv().is_ok());
    }
}
