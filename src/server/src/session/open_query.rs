//! A query that runs or can be continued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use photondb_base::Cancel;
use photondb_exec::ResultStream;
use photondb_wire::Token;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::batch::BatchLimits;
use crate::metrics::Counted;

/// A query that runs or can be continued. Requests for its rows take turns.
pub(crate) struct OpenQuery {
    pub(super) token: Token,
    pub(super) cancel: Cancel,
    pub(super) limits: BatchLimits,
    pub(super) began: Instant,
    rows: Arc<Mutex<OpenRows>>,
    waiting: AtomicUsize,
    _counted: Counted,
}

/// What the rest of a query comes from.
#[derive(Default)]
enum OpenRows {
    Stream(Box<dyn ResultStream>),
    #[default]
    Ended,
}

/// The kind of what is left of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    Stream,
    Ended,
}

/// The turn of one request.
pub(super) struct RowsGuard(OwnedMutexGuard<OpenRows>);

impl OpenQuery {
    /// A query that starts; the guard is its first turn.
    pub(super) fn new(
        token: Token,
        limits: BatchLimits,
        began: Instant,
        counted: Counted,
    ) -> (Arc<Self>, RowsGuard) {
        let rows = Arc::new(Mutex::new(OpenRows::Ended));
        let guard = Arc::clone(&rows).try_lock_owned().map(RowsGuard);
        let (cancel, waiting) = (Cancel::default(), AtomicUsize::new(0));
        let query = Self { token, cancel, limits, began, rows, waiting, _counted: counted };
        (Arc::new(query), guard.unwrap_or_else(|_| unreachable!("nobody else knows the mutex")))
    }

    /// Waits for the turn.
    pub(super) async fn rows(&self) -> RowsGuard {
        RowsGuard(Arc::clone(&self.rows).lock_owned().await)
    }

    /// Counts a request that waits for rows; `false` when there are too many.
    pub(super) fn enter(&self, waiting_max: usize) -> bool {
        if self.waiting.fetch_add(1, Ordering::AcqRel) < waiting_max {
            return true;
        }
        self.leave();
        false
    }

    pub(super) fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }

    /// Asks the query to end.
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }

    /// Whether its client asked for its end.
    pub(super) fn is_stopped(&self) -> bool {
        self.cancel.is_cancelled() && !self.cancel.is_terminated()
    }
}

impl RowsGuard {
    pub(super) fn kind(&self) -> Rows {
        match &*self.0 {
            OpenRows::Stream(_) => Rows::Stream,
            OpenRows::Ended => Rows::Ended,
        }
    }

    pub(super) fn set_stream(&mut self, stream: Box<dyn ResultStream>) {
        *self.0 = OpenRows::Stream(stream);
    }

    pub(super) fn end(&mut self) {
        *self.0 = OpenRows::Ended;
    }

    /// Takes the stream to where it may block.
    pub(super) fn take_stream(&mut self) -> Option<Box<dyn ResultStream>> {
        match std::mem::take(&mut *self.0) {
            OpenRows::Stream(stream) => Some(stream),
            other => {
                *self.0 = other;
                None
            }
        }
    }
}
