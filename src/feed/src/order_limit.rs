//! A feed of the first documents in the order of an index: `orderBy({index}).limit(n)`.
//!
//! All feeds of the same order share one ranking. Whoever comes first applies the changes
//! that wait; the rows go into a channel that all of them read.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use photondb_base::TableId;
use photondb_datum::Datum;
use photondb_plan::feed::{FeedIdentity, FeedRow, Squash, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::channel::Channel;
use crate::hub::{Hubs, Wanted};
use crate::member::Member;
use crate::ranking::{Ranking, Step};
use crate::readers::ReaderId;
use crate::reading::Reading;
use crate::top::Order;

/// The rankings that others may join.
#[derive(Default)]
pub(crate) struct Rankings {
    shared: Mutex<HashMap<(TableId, FeedIdentity), Weak<SharedRanking>>>,
}

/// A ranking and those who hear of it.
struct SharedRanking {
    ranking: Mutex<Ranking>,
    /// Whether changes wait for a while before they are applied.
    holds_back: bool,
    /// Changes may have come since the ranking was last looked at.
    stirred: AtomicBool,
    /// Nothing follows.
    ended: AtomicBool,
    channel: Channel,
}

impl Rankings {
    /// Opens a feed, of a ranking that is there already if it can be.
    pub(crate) fn open(
        &self,
        hubs: &Hubs,
        table: TableId,
        wanted: Wanted,
        order: Order,
    ) -> Result<OrderLimitFeed, ReqlError> {
        let rows_max = wanted.rows_max;
        let key = wanted.identity.clone().map(|identity| (table, identity));
        let found = key.as_ref().and_then(|key| self.shared.lock().get(key).and_then(Weak::upgrade));
        if let Some(ranking) = found.filter(|ranking| !ranking.ended.load(Ordering::Acquire)) {
            return Ok(ranking.join(rows_max));
        }
        let channel = hubs.channel(wanted.expression.clone());
        let holds_back = matches!(wanted.squash, Squash::Seconds(_));
        // Its reader is the ranking alone; who joins the ranking reads what it tells.
        let reader = hubs.join(table, Wanted { identity: None, ..wanted })?;
        let ranking = Arc::new(SharedRanking {
            ranking: Mutex::new(Ranking::new(reader, order)?),
            holds_back,
            stirred: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            channel,
        });
        let alarm = Arc::downgrade(&ranking);
        ranking.ranking.lock().on_ready(Arc::new(move || {
            if let Some(ranking) = alarm.upgrade() {
                ranking.stirred.store(true, Ordering::SeqCst);
                if ranking.holds_back {
                    ranking.channel.call_everybody();
                } else {
                    ranking.channel.call();
                }
            }
        }));
        if let Some(key) = key {
            let mut shared = self.shared.lock();
            shared.retain(|_, ranking| ranking.strong_count() > 0);
            shared.insert(key, Arc::downgrade(&ranking));
        }
        Ok(ranking.join(rows_max))
    }
}

impl SharedRanking {
    /// A feed that begins with the top as it is.
    fn join(self: Arc<Self>, rows_max: usize) -> OrderLimitFeed {
        let (initial, id) = {
            let mut ranking = self.ranking.lock();
            // What was written before is to be among the initial values.
            while self.step(&mut ranking) {}
            (ranking.initial().into(), self.channel.join(rows_max))
        };
        OrderLimitFeed { ranking: self, id, initial, reading: Reading::default() }
    }

    /// Applies what waits, unless somebody else is at it; they look again when they are done.
    fn advance(&self) {
        loop {
            let Some(mut ranking) = self.ranking.try_lock() else { return };
            self.stirred.store(false, Ordering::SeqCst);
            while self.step(&mut ranking) {}
            drop(ranking);
            if !self.stirred.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Applies some of what waits; `false` when nothing more does.
    fn step(&self, ranking: &mut Ranking) -> bool {
        if self.ended.load(Ordering::Acquire) {
            return false;
        }
        match ranking.step() {
            Ok(Step::Nothing) => false,
            Ok(Step::Rows(rows)) => {
                if !rows.is_empty() {
                    self.channel.tell_rows(ranking.position(), Ok(rows));
                }
                true
            }
            Ok(Step::Closed(why)) => {
                self.ended.store(true, Ordering::Release);
                self.channel.close(why);
                false
            }
            Err(error) => {
                self.ended.store(true, Ordering::Release);
                self.channel.tell_rows(ranking.position(), Err(error));
                false
            }
        }
    }
}

/// The feed of the first documents of an order.
pub(crate) struct OrderLimitFeed {
    ranking: Arc<SharedRanking>,
    id: ReaderId,
    initial: VecDeque<Datum>,
    reading: Reading,
}

impl Member for OrderLimitFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let count = self.initial.len().min(budget.rows_max);
        out.extend(self.initial.drain(..count));
        Ok(!self.initial.is_empty())
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let start = out.len();
        self.ranking.advance();
        self.reading.next_rows(&self.ranking.channel, self.id, budget, out)?;
        if out.len() == start {
            // What came before this reader waited woke nobody.
            self.ranking.advance();
            self.reading.next_rows(&self.ranking.channel, self.id, budget, out)?;
        }
        Ok(())
    }

    fn on_ready(&mut self, wake: Wake) {
        self.ranking.channel.on_ready(self.id, wake);
    }

    fn due_in_us(&self) -> Option<u64> {
        if self.ranking.holds_back { self.ranking.ranking.lock().due_in_us() } else { None }
    }

    fn may_block(&self) -> bool {
        // What comes in for what has left is read from the table.
        self.ranking.stirred.load(Ordering::SeqCst)
    }

    fn prepare(&mut self) {
        self.ranking.advance();
        self.ranking.channel.prepare(self.id);
    }
}

impl Drop for OrderLimitFeed {
    fn drop(&mut self) {
        let (_, wake) = self.ranking.channel.leave(self.id);
        if let Some(wake) = wake {
            wake();
        }
    }
}
