//! From plans to open feeds.

use std::sync::Arc;

use photondb_base::Clock;
use photondb_plan::feed::{FeedKind, FeedOpener, FeedPlan, FeedScope, FeedStream};
use photondb_reql::ReqlError;
use photondb_table::{Shards, Source};

use crate::index_range::IndexRangeFeed;
use crate::interest::Interest;
use crate::member::Member;
use crate::order_limit::{Order, OrderLimitFeed};
use crate::point::PointFeed;
use crate::range::RangeFeed;
use crate::row::RowFormat;
use crate::rows::{RowTables, RowsFeed};
use crate::stream::Feed;
use crate::watch::{WaitingOptions, Watch};

/// Tables that one union of feeds may watch.
const UNION_MEMBERS_MAX: usize = 1024;

/// Opens feeds on tables.
pub struct Feeds {
    shards: Arc<dyn Shards>,
    clock: Arc<dyn Clock>,
    row_tables: Option<Arc<dyn RowTables>>,
}

impl Feeds {
    /// Feeds on the tables of `shards`; `clock` times what `squash` holds back.
    pub fn new(shards: Arc<dyn Shards>, clock: Arc<dyn Clock>) -> Self {
        Self { shards, clock, row_tables: None }
    }

    /// Feeds on tables that keep no log, too.
    #[must_use]
    pub fn with_row_tables(self, row_tables: Arc<dyn RowTables>) -> Self {
        Self { row_tables: Some(row_tables), ..self }
    }

    fn member(&self, plan: FeedPlan, format: RowFormat) -> Result<Box<dyn Member>, ReqlError> {
        if let Some(table) = self.row_tables.as_ref().and_then(|tables| tables.table(plan.table)) {
            return Ok(Box::new(RowsFeed::new(table, plan, format, Arc::clone(&self.clock))?));
        }
        let waiting = WaitingOptions {
            squash: plan.options.squash,
            rows_max: plan.options.queue_rows_max,
            clock: Arc::clone(&self.clock),
        };
        // An ordered feed starts from its documents whether it delivers them or not.
        let with_snapshot =
            plan.options.include_initial || matches!(plan.scope, FeedScope::OrderLimit { .. });
        let squash = plan.options.squash;
        let (table, transform) = (plan.table, plan.transform);
        let watch = |interest| {
            let shards = Arc::clone(&self.shards);
            Watch::open(shards, table, interest, transform, waiting, with_snapshot)
        };
        Ok(match plan.scope {
            FeedScope::Point { key } => Box::new(PointFeed::new(watch(Interest::point(&key)?)?, key, format)),
            FeedScope::Primary { range } => {
                let watch = watch(Interest::range(&range)?)?;
                Box::new(RangeFeed::new(watch, Source::Primary(range), None, format))
            }
            FeedScope::PrimaryKeys { keys } => {
                let interest = Interest::keys(&keys)?;
                let copies = match &interest {
                    Interest::Keys(copies) => Some(copies.clone()),
                    _ => None,
                };
                Box::new(RangeFeed::new(watch(interest)?, Source::PrimaryKeys(keys), copies, format))
            }
            FeedScope::Index { index, ranges } => {
                Box::new(IndexRangeFeed::new(watch(Interest::All)?, index, ranges, format))
            }
            FeedScope::OrderLimit { index, range, direction, limit } => {
                // By primary key, others cannot come between.
                let interest = if index.is_none() { Interest::range(&range)? } else { Interest::All };
                let watch = watch(interest)?;
                let order = Order { index, primary_key: plan.primary_key, range, direction, limit, squash };
                Box::new(OrderLimitFeed::new(watch, order, format)?)
            }
        })
    }
}

impl FeedOpener for Feeds {
    fn open(&self, plans: Vec<FeedPlan>) -> Result<Box<dyn FeedStream>, ReqlError> {
        let kind = match plans.as_slice() {
            [] => return Err(ReqlError::internal("a changefeed without a table")),
            [plan] => match plan.scope {
                FeedScope::Point { .. } => FeedKind::Atom,
                FeedScope::OrderLimit { .. } => FeedKind::OrderByLimit,
                _ => FeedKind::Sequence,
            },
            more if more.len() > UNION_MEMBERS_MAX => {
                return Err(ReqlError::resource_limit(format!(
                    "A union of changefeeds may have at most {UNION_MEMBERS_MAX} of them."
                )));
            }
            _ => FeedKind::Unioned,
        };
        let options = plans.first().map(|plan| plan.options.clone()).unwrap_or_default();
        let format = RowFormat::new(options.include_types, options.include_offsets);
        let members = plans
            .into_iter()
            .map(|plan| self.member(plan, format.clone()))
            .collect::<Result<Vec<_>, ReqlError>>()?;
        Ok(Box::new(Feed::new(members, kind, format, options.include_initial, options.include_states)))
    }
}
