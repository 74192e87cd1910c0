//! A changefeed that somebody reads.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use photondb_base::limits::BATCH_BYTES_MAX;
use photondb_plan::feed::{FeedKind, FeedRow, FeedStream};
use photondb_reql::ReqlError;
use photondb_table::Budget;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::session::CancelOnDrop;
use crate::context::Context;
use crate::limits::FEED_BATCH_ROWS_MAX;
use crate::metrics::Counted;
use crate::workers::guarded;

/// A changefeed. Dropping it ends the feed.
pub struct FeedReader {
    /// Absent while it is read where that may block, and after its end.
    stream: Option<Box<dyn FeedStream>>,
    /// The look into it where that may block.
    reading: Option<JoinHandle<Result<Look, ReqlError>>>,
    bell: Arc<Notify>,
    budget: Budget,
    kind: FeedKind,
    includes_states: bool,
    context: Arc<Context>,
    _counted: Counted,
    /// An error that came after rows.
    failed: Option<Box<ReqlError>>,
    /// The bell rang while nobody read.
    rung: bool,
    _asker: CancelOnDrop,
}

/// The stream, the rows that it had, and whether more may follow.
type Look = (Box<dyn FeedStream>, Vec<FeedRow>, Result<bool, ReqlError>);

/// Some rows of a feed.
#[derive(Clone, Debug)]
pub struct FeedBatch {
    /// The rows.
    pub rows: Vec<FeedRow>,
    /// Whether more may follow; not when a limit on the feed was reached.
    pub more: bool,
}

impl FeedReader {
    pub(super) fn new(
        mut stream: Box<dyn FeedStream>,
        rows_max: usize,
        asker: CancelOnDrop,
        context: Arc<Context>,
    ) -> Self {
        let bell = Arc::new(Notify::new());
        let ring = Arc::clone(&bell);
        stream.on_ready(Arc::new(move || ring.notify_one()));
        Self {
            bell,
            budget: Budget { rows_max: rows_max.min(FEED_BATCH_ROWS_MAX), bytes_max: BATCH_BYTES_MAX },
            kind: stream.kind(),
            includes_states: stream.includes_states(),
            stream: Some(stream),
            reading: None,
            _counted: context.metrics.http.feeds.enter(),
            context,
            failed: None,
            rung: false,
            _asker: asker,
        }
    }

    /// What kind of feed it is.
    pub fn kind(&self) -> FeedKind {
        self.kind
    }

    /// Whether state rows are among the rows.
    pub fn includes_states(&self) -> bool {
        self.includes_states
    }

    /// Waits for the next rows: at least one, unless nothing follows; nothing follows an error.
    /// Nothing is lost when it is not waited for to its end.
    pub async fn next(&mut self) -> Result<FeedBatch, ReqlError> {
        if let Some(error) = self.failed.take() {
            self.stream = None;
            return Err(*error);
        }
        loop {
            let Some((stream, rows, more)) = self.read().await? else {
                return Ok(FeedBatch { rows: Vec::new(), more: false });
            };
            let more = match more {
                Ok(more) => more,
                Err(error) if rows.is_empty() => return Err(error),
                // The rows before an error leave before it.
                Err(error) => {
                    self.failed = Some(Box::new(error));
                    true
                }
            };
            self.stream = more.then_some(stream);
            if !more || !rows.is_empty() {
                self.context.metrics.http.rows.add(rows.len());
                return Ok(FeedBatch { rows, more });
            }
            self.wait().await;
        }
    }

    /// One look into the stream; `None` after its end.
    async fn read(&mut self) -> Result<Option<Look>, ReqlError> {
        if self.reading.is_none() {
            let Some(mut stream) = self.stream.take() else { return Ok(None) };
            let (budget, may_block) = (self.budget, stream.may_block());
            let look = move || {
                let mut rows = Vec::new();
                let more = stream.next_batch(&budget, &mut rows);
                (stream, rows, more)
            };
            if !may_block {
                return guarded(look).map(Some);
            }
            let context = Arc::clone(&self.context);
            self.reading = Some(tokio::spawn(async move { context.workers.run(look).await }));
        }
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let looked = reading.await;
        self.reading = None;
        let stopping = |_| ReqlError::op_failed("The server is shutting down.");
        looked.map_err(stopping)?.map(Some)
    }

    /// Waits for `room`, whatever that is, and looks after the feed meanwhile: what is
    /// evaluated for it others may wait for, too.
    pub async fn hold<T>(&mut self, room: impl Future<Output = T>) -> T {
        let mut room = pin!(room);
        loop {
            tokio::select! {
                value = &mut room => return value,
                () = self.bell.notified() => {
                    if let Some(stream) = &mut self.stream {
                        stream.prepare();
                    }
                    // The next read must not wait for a bell that has rung.
                    self.rung = true;
                }
            }
        }
    }

    /// Waits until the feed is woken or what it holds back is due.
    async fn wait(&mut self) {
        if std::mem::take(&mut self.rung) {
            return;
        }
        let due = self.stream.as_ref().and_then(|stream| stream.due_in());
        let due = async {
            match due {
                Some(wait) => sleep(wait).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.bell.notified() => {}
            () = due => {}
        }
    }
}
