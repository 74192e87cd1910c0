//! A changefeed whose rows have numbers, so that whoever lost a connection can go on.

use std::collections::VecDeque;

use bytes::Bytes;
use photondb_datum::Text;
use photondb_reql::ReqlError;
use photondb_server::door::{FeedReader, FeedRow};
use uuid::Uuid;

use crate::limits::{RESUME_BYTES_MAX, RESUME_ROWS_MAX};

/// A changefeed and the rows of it that were told last.
pub(crate) struct LiveFeed {
    pub id: Uuid,
    pub user: Text,
    /// The query as it arrived: a token is good for the same query only.
    pub query: Bytes,
    reader: FeedReader,
    /// The last rows, each with its size.
    told: VecDeque<(FeedRow, usize)>,
    told_bytes: usize,
    /// Number of the first of `told`; numbers begin at 1.
    first: u64,
    /// Number of the row that is told next.
    next: u64,
    ended: bool,
}

/// Some rows of a feed.
pub(crate) struct LiveRows {
    pub rows: Vec<FeedRow>,
    /// Number of the last row.
    pub last: u64,
    pub more: bool,
}

/// The rows after a token are no longer there.
pub(crate) struct TooOld;

impl LiveFeed {
    pub(crate) fn new(user: Text, query: Bytes, reader: FeedReader) -> Self {
        let id = Uuid::new_v4();
        let told = VecDeque::new();
        Self { id, user, query, reader, told, told_bytes: 0, first: 1, next: 1, ended: false }
    }

    /// Waits for the next rows: at least one, unless nothing follows. Nothing is lost when it is
    /// not waited for to its end.
    pub(crate) async fn next(&mut self) -> Result<LiveRows, ReqlError> {
        if let Some(rows) = self.again() {
            return Ok(rows);
        }
        if self.ended {
            return Ok(LiveRows { rows: Vec::new(), last: self.told(), more: false });
        }
        let batch = self.reader.next().await?;
        self.ended = !batch.more;
        self.keep(&batch.rows);
        self.next += batch.rows.len() as u64;
        Ok(LiveRows { rows: batch.rows, last: self.told(), more: batch.more })
    }

    /// Number of the row that was told last.
    pub(crate) fn told(&self) -> u64 {
        self.next - 1
    }

    /// Goes back to the row after `number`.
    pub(crate) fn rewind(&mut self, number: u64) -> Result<(), TooOld> {
        if number + 1 < self.first || number + 1 > self.next {
            return Err(TooOld);
        }
        self.next = number + 1;
        Ok(())
    }

    /// Waits for `room` and looks after the feed meanwhile.
    pub(crate) async fn hold<T>(&mut self, room: impl Future<Output = T>) -> T {
        self.reader.hold(room).await
    }

    /// Rows that were told before and are told again.
    fn again(&mut self) -> Option<LiveRows> {
        let skip = (self.next - self.first) as usize;
        let rows: Vec<FeedRow> = self.told.iter().skip(skip).map(|(row, _)| row.clone()).collect();
        if rows.is_empty() {
            return None;
        }
        self.next += rows.len() as u64;
        Some(LiveRows { rows, last: self.told(), more: true })
    }

    fn keep(&mut self, rows: &[FeedRow]) {
        for row in rows {
            let bytes = row.datum().packed_bytes();
            self.told.push_back((row.clone(), bytes));
            self.told_bytes += bytes;
            while self.told.len() > RESUME_ROWS_MAX || self.told_bytes > RESUME_BYTES_MAX {
                let Some((_, bytes)) = self.told.pop_front() else { break };
                self.told_bytes -= bytes;
                self.first += 1;
            }
        }
    }
}
