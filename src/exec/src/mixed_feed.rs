//! The union of changefeeds with other sequences: what ends comes first, then changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use photondb_plan::feed::{FeedKind, FeedRow, FeedStream, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::sequence::RowStream;

/// Finite streams, one after the other, and feeds behind them.
pub(crate) struct MixedFeed {
    env: Arc<Environment>,
    streams: VecDeque<Box<dyn RowStream>>,
    feeds: VecDeque<Box<dyn FeedStream>>,
}

impl MixedFeed {
    pub(crate) fn new(env: Arc<Environment>) -> Self {
        Self { env, streams: VecDeque::new(), feeds: VecDeque::new() }
    }

    pub(crate) fn push_stream(&mut self, stream: Box<dyn RowStream>) {
        self.streams.push_back(stream);
    }

    pub(crate) fn push_feed(&mut self, feed: Box<dyn FeedStream>) {
        self.feeds.push_back(feed);
    }

    /// Asks each feed once, the one that was asked last coming last.
    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let start = out.len();
        for _ in 0..self.feeds.len() {
            let rows_max = budget.rows_max.saturating_sub(out.len() - start);
            if rows_max == 0 {
                break;
            }
            let Some(mut feed) = self.feeds.pop_front() else { break };
            if feed.next_batch(&Budget { rows_max, ..*budget }, out)? {
                self.feeds.push_back(feed);
            }
        }
        Ok(())
    }
}

impl FeedStream for MixedFeed {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<bool, ReqlError> {
        let start = out.len();
        while let Some(stream) = self.streams.front_mut() {
            let mut rows = Vec::new();
            let more = self.env.check_cancelled().and_then(|()| stream.next_batch(budget, &mut rows));
            out.extend(rows.into_iter().map(FeedRow::Own));
            if !more.map_err(|error| error.into_reql(&self.env.ast))? {
                self.streams.pop_front();
            }
            if out.len() > start {
                return Ok(true);
            }
        }
        self.changes(budget, out)?;
        Ok(!self.feeds.is_empty())
    }

    fn on_ready(&mut self, wake: Wake) {
        for feed in &mut self.feeds {
            feed.on_ready(Arc::clone(&wake));
        }
    }

    fn prepare(&mut self) {
        for feed in &mut self.feeds {
            feed.prepare();
        }
    }

    fn may_block(&self) -> bool {
        !self.streams.is_empty() || self.feeds.iter().any(|feed| feed.may_block())
    }

    fn due_in(&self) -> Option<Duration> {
        self.feeds.iter().filter_map(|feed| feed.due_in()).min()
    }

    fn kind(&self) -> FeedKind {
        FeedKind::Unioned
    }

    fn includes_states(&self) -> bool {
        self.feeds.iter().any(|feed| feed.includes_states())
    }
}
