//! From plans to open feeds.

use std::sync::Arc;

use photondb_base::Clock;
use photondb_datum::Datum;
use photondb_plan::feed::{FeedKind, FeedOpener, FeedPlan, FeedScope, FeedStream};
use photondb_reql::ReqlError;
use photondb_table::{Shards, Source};

use crate::documents::DocumentsFeed;
use crate::expression::Expression;
use crate::ground::Ground;
use crate::hub::{Hubs, Wanted};
use crate::initial::Initial;
use crate::interest::Interest;
use crate::limits::UNION_MEMBERS_MAX;
use crate::member::Member;
use crate::order_limit::Rankings;
use crate::row::{RowFormat, RowFormats};
use crate::rows::{RowTables, RowsFeed};
use crate::stream::Feed;
use crate::top::Order;

/// Opens feeds on tables.
pub struct Feeds {
    ground: Arc<Ground>,
    hubs: Hubs,
    rankings: Rankings,
    formats: RowFormats,
    row_tables: Option<Arc<dyn RowTables>>,
}

impl Feeds {
    /// Feeds on the tables of `shards`; `clock` times what `squash` holds back.
    pub fn new(shards: Arc<dyn Shards>, clock: Arc<dyn Clock>) -> Self {
        let ground = Arc::new(Ground { shards, clock, gauge: Arc::default() });
        let hubs = Hubs::new(Arc::clone(&ground));
        let (rankings, formats) = (Rankings::default(), RowFormats::default());
        Self { ground, hubs, rankings, formats, row_tables: None }
    }

    /// Feeds on tables that keep no log, too.
    #[must_use]
    pub fn with_row_tables(self, row_tables: Arc<dyn RowTables>) -> Self {
        Self { row_tables: Some(row_tables), ..self }
    }

    /// Bytes of all changes that wait for slow readers.
    pub fn queued_bytes(&self) -> usize {
        self.hubs.queued_bytes()
    }

    fn member(&self, plan: FeedPlan, format: &Arc<RowFormat>) -> Result<Box<dyn Member>, ReqlError> {
        if let Some(table) = self.row_tables.as_ref().and_then(|tables| tables.table(plan.table)) {
            let feed = RowsFeed::new(table, plan, Arc::clone(format), Arc::clone(&self.ground.clock))?;
            return Ok(Box::new(feed));
        }
        let FeedPlan { table, primary_key, scope, transform, delivery, options, identity, .. } = plan;
        let squash = options.squash;
        let wanted = |interest| {
            let (ground, format) = (Arc::clone(&self.ground), Arc::clone(format));
            let expression = Expression { ground, table, interest, transform, delivery, format };
            Wanted { expression, identity, squash, rows_max: options.queue_rows_max }
        };
        let (wanted, start) = match scope {
            FeedScope::OrderLimit { index, range, direction, limit } => {
                let interest = match index {
                    None => Interest::range(&range)?,
                    Some(index) => Interest::Index { index, ranges: vec![range.clone()] },
                };
                let order = Order { index, primary_key, range, direction, limit, squash };
                return Ok(Box::new(self.rankings.open(&self.hubs, table, wanted(interest), order)?));
            }
            FeedScope::Point { key } => (wanted(Interest::point(&key)?), Start::Key(key)),
            FeedScope::Primary { range } => {
                (wanted(Interest::range(&range)?), Start::Source(Source::Primary(range)))
            }
            FeedScope::PrimaryKeys { keys } => {
                (wanted(Interest::keys(&keys)?), Start::Source(Source::PrimaryKeys(keys)))
            }
            FeedScope::Index { index, ranges } => {
                let interest = Interest::Index { index, ranges: ranges.clone() };
                (wanted(interest), Start::Source(Source::Index { index, ranges }))
            }
        };
        let reader = self.hubs.join(table, wanted)?;
        let initial = match (options.include_initial, start) {
            (false, _) => None,
            (true, Start::Key(key)) => Some(Initial::of_key(&reader, &key)?),
            (true, Start::Source(source)) => Some(Initial::of_source(&reader, source)?),
        };
        Ok(Box::new(DocumentsFeed::new(reader, initial)))
    }
}

/// Where the initial values of a feed come from.
enum Start {
    Key(Datum),
    Source(Source),
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
        let delivery = plans.first().and_then(|plan| plan.delivery.clone());
        let format = self.formats.get(options.include_types, options.include_offsets);
        let members =
            plans.into_iter().map(|plan| self.member(plan, format)).collect::<Result<_, ReqlError>>()?;
        let (initial, states) = (options.include_initial, options.include_states);
        Ok(Box::new(Feed::new(members, kind, Arc::clone(format), delivery, initial, states)))
    }
}
