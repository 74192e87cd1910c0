//! Where queries that may block run: a bounded number of threads, panics caught.
//!
//! A thread is begun when more pieces of work are under way than there are threads, never
//! because one that is done has not yet come to say so: there are as many as had something to do
//! at the same time. Each has a stack and memory that its allocator keeps for it.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_reql::ReqlError;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::limits::WORKER_IDLE_MAX;

/// The threads for work that may block.
#[derive(Clone, Debug)]
pub struct Workers {
    permits: Arc<Semaphore>,
    threads: Arc<Threads>,
}

impl Workers {
    /// At most `workers_max` pieces of work at the same time.
    pub fn new(workers_max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(workers_max)), threads: Arc::default() }
    }

    /// Runs `work` where it may block. Work whose caller goes away is still finished.
    pub async fn run<T, F>(&self, work: F) -> Result<T, ReqlError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| stopping())?;
        let (sender, outcome) = oneshot::channel();
        let (runtime, threads) = (Handle::current(), Arc::clone(&self.threads));
        self.threads.submit(Box::new(move || {
            let _runtime = runtime.enter();
            let outcome = guarded(work);
            // Whoever learns of the end may come with more work at once, which is for this thread.
            threads.state.lock().running -= 1;
            drop(permit);
            drop(sender.send(outcome));
        }));
        outcome.await.map_err(|_| stopping())?
    }

    /// How many pieces of work may start at once.
    pub fn idle(&self) -> usize {
        self.permits.available_permits()
    }
}

/// Threads, and the work that they have not begun.
#[derive(Default)]
struct Threads {
    state: Mutex<State>,
    submitted: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn FnOnce() + Send>>,
    /// Pieces of work that were begun and are not done.
    running: usize,
    threads: usize,
}

impl Threads {
    fn submit(self: &Arc<Self>, work: Box<dyn FnOnce() + Send>) {
        let mut state = self.state.lock();
        state.waiting.push_back(work);
        if state.running + state.waiting.len() <= state.threads {
            drop(state);
            self.submitted.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let threads = Arc::clone(self);
        let thread = thread::Builder::new().name("worker".to_owned()).stack_size(THREAD_STACK_BYTES);
        if let Err(error) = thread.spawn(move || threads.serve()) {
            tracing::error!(%error, "a thread for queries cannot be started");
            let mut state = self.state.lock();
            state.threads -= 1;
            // Others do it when they are done. Without any, its caller learns that nobody will.
            if state.threads == 0 {
                let dropped = std::mem::take(&mut state.waiting);
                drop(state);
                drop(dropped);
            }
        }
    }

    /// Does what is submitted, until nothing is for a while.
    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                state.running += 1;
                drop(state);
                // The work catches its panics; letting go of an outcome that nobody wants may be
                // another one.
                drop(catch_unwind(AssertUnwindSafe(work)));
                state = self.state.lock();
                continue;
            }
            let waited = self.submitted.wait_for(&mut state, WORKER_IDLE_MAX);
            if waited.timed_out() && state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        formatter
            .debug_struct("Threads")
            .field("waiting", &state.waiting.len())
            .field("running", &state.running)
            .field("threads", &state.threads)
            .finish()
    }
}

/// Runs `work` here; a panic becomes an internal error of the query.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, ReqlError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| crashed(panic.as_ref()))
}

fn crashed(panic: &(dyn Any + Send)) -> ReqlError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = text, "a query crashed");
    ReqlError::internal(format!("The query crashed in the server: {text}"))
}

fn stopping() -> ReqlError {
    ReqlError::op_failed("The server is shutting down.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_query() {
        let workers = Workers::new(1);
        let error = workers.run::<(), _>(|| panic!("broken")).await.expect_err("it panicked");
        assert!(error.message.contains("broken"));
        assert_eq!(workers.run(|| 7).await, Ok(7));
        assert_eq!(workers.idle(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn there_are_no_more_threads_than_pieces_of_work_at_the_same_time() {
        let workers = Workers::new(64);
        let clients = (0..4_u64).map(|client| {
            let workers = workers.clone();
            tokio::spawn(async move {
                for number in 0..500 {
                    assert_eq!(workers.run(move || client * number).await, Ok(client * number));
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.expect("all is answered");
        }
        let state = workers.threads.state.lock();
        assert!((1..=4).contains(&state.threads), "{}", state.threads);
        assert_eq!((state.running, state.waiting.len()), (0, 0));
    }

    #[tokio::test]
    async fn work_that_waits_for_other_work_does_not_hold_it_up() {
        let workers = Workers::new(64);
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(move || receiver.recv()).await }
        });
        while workers.threads.state.lock().running == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(move || sender.send(7)).await, Ok(Ok(())));
        assert_eq!(waiting.await.expect("ends"), Ok(Ok(7)));
    }
}
