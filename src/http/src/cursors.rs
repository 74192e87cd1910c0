//! The rest of long answers, kept until somebody asks for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use photondb_datum::Text;
use photondb_server::door::{RowBatch, RowCursor};
use uuid::Uuid;

use crate::error::HttpError;
use crate::limits::{CURSOR_IDLE_MAX, CURSORS_MAX};

/// The cursors that are open.
#[derive(Default)]
pub(crate) struct Cursors {
    open: Mutex<HashMap<String, Arc<OpenCursor>>>,
}

struct OpenCursor {
    user: Text,
    /// Requests for its rows take turns.
    rows: tokio::sync::Mutex<RowCursor>,
    used: Mutex<Instant>,
}

impl Cursors {
    /// Keeps a cursor of a user and gives its id.
    pub(crate) fn keep(&self, user: &Text, cursor: RowCursor) -> Result<String, HttpError> {
        let id = Uuid::new_v4().to_string();
        let cursor = OpenCursor {
            user: user.clone(),
            rows: tokio::sync::Mutex::new(cursor),
            used: Mutex::new(Instant::now()),
        };
        let mut open = self.open.lock();
        if open.len() >= CURSORS_MAX {
            return Err(HttpError::busy(
                format!("Too many cursors are open (over {CURSORS_MAX}). Close those that are not needed."),
                CURSOR_IDLE_MAX.as_secs(),
            ));
        }
        open.insert(id.clone(), Arc::new(cursor));
        Ok(id)
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// The next rows of a user's cursor.
    pub(crate) async fn next(&self, id: &str, user: &Text) -> Result<RowBatch, HttpError> {
        let cursor = self.find(id, user)?;
        let mut rows = cursor.rows.lock().await;
        let batch = rows.next().await;
        *cursor.used.lock() = Instant::now();
        if batch.as_ref().is_ok_and(|batch| batch.more) {
            return Ok(batch?);
        }
        self.open.lock().remove(id);
        Ok(batch?)
    }

    /// Closes a user's cursor.
    pub(crate) fn close(&self, id: &str, user: &Text) -> Result<(), HttpError> {
        self.find(id, user)?;
        self.open.lock().remove(id);
        Ok(())
    }

    /// Closes cursors that nobody asks for.
    pub(crate) fn sweep(&self, now: Instant) {
        let is_used = |cursor: &Arc<OpenCursor>| {
            // Whoever waits for rows of it holds it, too.
            Arc::strong_count(cursor) > 1 || now.duration_since(*cursor.used.lock()) <= CURSOR_IDLE_MAX
        };
        let mut gone = Vec::new();
        self.open.lock().retain(|_, cursor| {
            let stays = is_used(cursor);
            if !stays {
                gone.push(Arc::clone(cursor));
            }
            stays
        });
        // What a query holds is given back without anybody waiting for the lock.
        drop(gone);
    }

    fn find(&self, id: &str, user: &Text) -> Result<Arc<OpenCursor>, HttpError> {
        let cursor = self.open.lock().get(id).filter(|cursor| cursor.user == *user).cloned();
        cursor.ok_or_else(|| {
            HttpError::not_found(format!(
                "There is no cursor `{id}`. A cursor is closed after its last rows, after an error, and when \
                 nobody has asked for its rows for {} minutes.",
                CURSOR_IDLE_MAX.as_secs() / 60
            ))
        })
    }
}
