//! A feed of a table that keeps no log: one that can only be asked for all of its rows.
//! The feed remembers them, and tells how they differ when it looks again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use photondb_base::{Clock, IdentifierFormat, TableId};
use photondb_datum::{Datum, Text};
use photondb_plan::feed::{FeedDelivery, FeedPlan, FeedRow, FeedScope, FeedTransform, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::member::Member;
use crate::row::RowFormat;

/// Tables that can only be asked for all of their rows: those of the `rethinkdb` database.
pub trait RowTables: Send + Sync {
    /// One of them.
    fn table(&self, id: TableId) -> Option<Arc<dyn RowTable>>;
}

/// A table that can only be asked for all of its rows.
pub trait RowTable: Send + Sync {
    /// All rows; `identifiers` tells how they name other things.
    fn rows(&self, identifiers: IdentifierFormat) -> Result<Vec<Datum>, ReqlError>;

    /// `wake` is called whenever the rows may have changed, for as long as it lives.
    fn watch(&self, wake: &Wake);

    /// How often to look for changes that nobody tells of.
    fn poll_every(&self) -> Option<Duration>;
}

/// A feed of such a table.
pub(crate) struct RowsFeed {
    table: Arc<dyn RowTable>,
    primary_key: Text,
    identifiers: IdentifierFormat,
    scope: FeedScope,
    transform: Option<Arc<dyn FeedTransform>>,
    delivery: Option<Arc<dyn FeedDelivery>>,
    format: Arc<RowFormat>,
    clock: Arc<dyn Clock>,
    rows: BTreeMap<Datum, Datum>,
    ready: VecDeque<Datum>,
    initial_made: bool,
    signal: Arc<Signal>,
    /// Keeps the registration of `signal` alive.
    _registration: Wake,
    looked_us: u64,
}

/// Whether to look again, and whom to tell.
#[derive(Default)]
struct Signal {
    changed: AtomicBool,
    reader: Mutex<Option<Wake>>,
}

impl RowsFeed {
    pub(crate) fn new(
        table: Arc<dyn RowTable>,
        plan: FeedPlan,
        format: Arc<RowFormat>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ReqlError> {
        let FeedPlan { primary_key, scope, transform, delivery, identifiers, .. } = plan;
        if matches!(scope, FeedScope::Index { .. } | FeedScope::OrderLimit { .. }) {
            return Err(ReqlError::logic(
                "System tables don't support changefeeds on `.order_by().limit()` or on an index.",
            ));
        }
        let signal = Arc::new(Signal::default());
        let alarm = Arc::clone(&signal);
        let registration: Wake = Arc::new(move || {
            alarm.changed.store(true, Ordering::Release);
            let reader = alarm.reader.lock().clone();
            if let Some(reader) = reader {
                reader();
            }
        });
        // Registered before the first look, so that no change falls between.
        table.watch(&registration);
        let mut feed = Self {
            table,
            primary_key,
            identifiers,
            scope,
            transform,
            delivery,
            format,
            clock,
            rows: BTreeMap::new(),
            ready: VecDeque::new(),
            initial_made: false,
            signal,
            _registration: registration,
            looked_us: 0,
        };
        feed.rows = feed.look()?;
        Ok(feed)
    }

    /// The rows of the feed as they are now.
    fn look(&mut self) -> Result<BTreeMap<Datum, Datum>, ReqlError> {
        self.looked_us = self.clock.monotonic_us();
        let mut found = BTreeMap::new();
        for row in self.table.rows(self.identifiers)? {
            let Some(key) = row.get(&self.primary_key) else { continue };
            let wanted = match &self.scope {
                FeedScope::Point { key: wanted } => *wanted == key,
                FeedScope::Primary { range } => range.contains(&key),
                FeedScope::PrimaryKeys { keys } => keys.contains(&key),
                FeedScope::Index { .. } | FeedScope::OrderLimit { .. } => false,
            };
            if !wanted {
                continue;
            }
            let view = match &self.transform {
                Some(transform) => transform.apply(&row)?,
                None => Some(row),
            };
            if let Some(view) = view {
                found.insert(key, view);
            }
        }
        Ok(found)
    }

    fn compare(&mut self) -> Result<(), ReqlError> {
        let now = self.look()?;
        let before = std::mem::replace(&mut self.rows, now);
        for (key, old) in &before {
            let new = self.rows.get(key);
            if new != Some(old) {
                self.ready.push_back(self.format.change(Some(old), new));
            }
        }
        for (key, new) in &self.rows {
            if !before.contains_key(key) {
                self.ready.push_back(self.format.change(None, Some(new)));
            }
        }
        Ok(())
    }

    fn poll_in_us(&self) -> Option<u64> {
        let every = u64::try_from(self.table.poll_every()?.as_micros()).unwrap_or(u64::MAX);
        Some(self.looked_us.saturating_add(every).saturating_sub(self.clock.monotonic_us()))
    }

    fn drain(&mut self, budget: &Budget) -> impl Iterator<Item = Datum> + '_ {
        let count = self.ready.len().min(budget.rows_max);
        self.ready.drain(..count)
    }
}

impl Member for RowsFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        if !std::mem::replace(&mut self.initial_made, true) {
            let rows = self.rows.values().map(|row| self.format.initial(row.clone(), None));
            self.ready = rows.collect();
            if self.ready.is_empty() && matches!(self.scope, FeedScope::Point { .. }) {
                self.ready.push_back(self.format.initial(Datum::Null, None));
            }
        }
        out.extend(self.drain(budget));
        Ok(!self.ready.is_empty())
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        if self.ready.is_empty() {
            let told = self.signal.changed.swap(false, Ordering::AcqRel);
            if told || self.poll_in_us() == Some(0) {
                self.compare()?;
            }
        }
        let Some(delivery) = self.delivery.clone() else {
            out.extend(self.drain(budget).map(FeedRow::Own));
            return Ok(());
        };
        let mut rows = Vec::new();
        // Who returns with nothing waits: rows that nothing is delivered of are passed over.
        while rows.is_empty() && !self.ready.is_empty() {
            for row in self.drain(budget) {
                delivery.deliver(row, &mut rows)?;
            }
        }
        out.extend(rows.into_iter().map(FeedRow::Own));
        Ok(())
    }

    fn on_ready(&mut self, wake: Wake) {
        *self.signal.reader.lock() = Some(Arc::clone(&wake));
        if self.signal.changed.load(Ordering::Acquire) {
            wake();
        }
    }

    fn due_in_us(&self) -> Option<u64> {
        self.poll_in_us()
    }
}
