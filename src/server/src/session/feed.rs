//! The batches of changefeeds: waiting for changes without a thread.

use std::future::pending;
use std::sync::Arc;

use photondb_base::limits::BATCH_BYTES_MAX;
use photondb_datum::Datum;
use photondb_plan::feed::FeedStream;
use photondb_reql::ReqlError;
use photondb_table::Budget;
use photondb_wire::ResponseNote;
use tokio::sync::Notify;

use super::Session;
use super::open_query::{OpenQuery, RowsGuard};
use super::start::{notes, write_batch};
use crate::limits::FEED_BATCH_ROWS_MAX;
use crate::workers::guarded;

/// A feed and the reader's alarm.
pub(super) struct OpenFeed {
    stream: Box<dyn FeedStream>,
    ready: Arc<Notify>,
    notes: Vec<ResponseNote>,
    /// Whether the feed has run dry once: before, it may have to read much.
    caught_up: bool,
    /// An error that came after rows, which left first.
    failed: Option<ReqlError>,
}

/// One look into a feed.
struct Pulled {
    rows: Vec<Datum>,
    more: bool,
}

impl OpenFeed {
    pub(super) fn new(mut stream: Box<dyn FeedStream>) -> Self {
        let ready = Arc::new(Notify::new());
        let alarm = Arc::clone(&ready);
        stream.on_ready(Arc::new(move || alarm.notify_one()));
        let notes = notes(stream.as_ref());
        Self { stream, ready, notes, caught_up: false, failed: None }
    }

    fn pull(&mut self, rows_max: usize) -> Result<Pulled, ReqlError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let budget = Budget { rows_max: rows_max.min(FEED_BATCH_ROWS_MAX), bytes_max: BATCH_BYTES_MAX };
        let mut rows = Vec::new();
        let stream = &mut self.stream;
        let result = guarded(|| stream.next_batch(&budget, &mut rows)).and_then(|result| result);
        match result {
            Ok(more) => {
                self.caught_up |= rows.is_empty();
                Ok(Pulled { rows, more })
            }
            Err(error) if rows.is_empty() => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Ok(Pulled { rows, more: true })
            }
        }
    }

    /// What becomes ready when there may be rows.
    fn readiness(&self) -> impl Future<Output = ()> + Send + use<> {
        let (ready, due) = (Arc::clone(&self.ready), self.stream.due_in());
        async move {
            let held_back = async {
                match due {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = ready.notified() => {}
                () = held_back => {}
            }
        }
    }
}

impl Session {
    /// Answers a request for the next rows of a feed, as soon as there are any.
    pub(super) async fn next_of_feed(&self, query: &Arc<OpenQuery>, mut rows: RowsGuard) {
        let Some(mut feed) = rows.take_feed() else { return };
        let (token, rows_max) = (query.token, query.limits.rows_max());
        loop {
            if query.is_stopped() {
                self.end(query, rows);
                return self.tell_end(token);
            }
            let pulled = if feed.caught_up {
                feed.pull(rows_max)
            } else {
                let outcome = self
                    .context
                    .workers
                    .run(move || {
                        let pulled = feed.pull(rows_max);
                        (feed, pulled)
                    })
                    .await;
                match outcome {
                    Ok((back, pulled)) => {
                        feed = back;
                        pulled
                    }
                    Err(error) => {
                        self.end(query, rows);
                        return self.tell_error(token, &error);
                    }
                }
            };
            match pulled {
                Err(error) => {
                    self.end(query, rows);
                    return self.tell_error(token, &error);
                }
                Ok(Pulled { rows: batch, more }) if !more || !batch.is_empty() => {
                    let answer = match write_batch(token, &batch, more, &feed.notes, None) {
                        Ok(answer) => answer,
                        Err(error) => {
                            self.end(query, rows);
                            return self.tell_error(token, &error);
                        }
                    };
                    if more {
                        rows.set_feed(feed);
                    } else {
                        self.end(query, rows);
                    }
                    return self.outbox.append(|out| out.extend_from_slice(&answer));
                }
                Ok(_) => tokio::select! {
                    () = feed.readiness() => {}
                    () = query.wait_for_stop() => {}
                },
            }
        }
    }
}
