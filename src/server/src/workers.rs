//! Where queries that may block run: a bounded number of threads, panics caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use photondb_reql::ReqlError;
use tokio::sync::Semaphore;

/// The threads for work that may block.
#[derive(Clone, Debug)]
pub struct Workers {
    permits: Arc<Semaphore>,
}

impl Workers {
    /// At most `workers_max` pieces of work at the same time.
    pub fn new(workers_max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(workers_max)) }
    }

    /// Runs `work` where it may block. Work whose caller goes away is still finished.
    pub async fn run<T, F>(&self, work: F) -> Result<T, ReqlError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| stopping())?;
        let outcome = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            guarded(work)
        });
        outcome.await.map_err(|_| stopping())?
    }

    /// How many pieces of work may start at once.
    pub fn idle(&self) -> usize {
        self.permits.available_permits()
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
}
