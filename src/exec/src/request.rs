//! The door of the evaluator: what a session hands in and what it gets back.

use std::sync::Arc;

use photondb_base::{Cancel, Clock, LogPosition, Random};
use photondb_catalog::Catalog;
use photondb_datum::{Datum, Text};
use photondb_plan::feed::{FeedOpener, FeedStream};
use photondb_reql::{Query, ReqlError};
use photondb_table::{Budget, Shards};

/// What the evaluator stands on; made once by the composition root.
pub struct Services {
    pub catalog: Arc<Catalog>,
    pub shards: Arc<dyn Shards>,
    pub feeds: Arc<dyn FeedOpener>,
    pub system_tables: Arc<dyn SystemTables>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// The tables of the `rethinkdb` database, which no disk holds.
pub trait SystemTables: Send + Sync {
    /// The rows of a table; `None` when there is no such table. Rows carry their primary
    /// key in the field that `primary_key` tells.
    fn rows(&self, table: &str) -> Option<Result<Vec<Datum>, ReqlError>>;
    /// Writes one row: `old` and `new` as in an effect. The default is read-only.
    fn write(&self, table: &str, old: &Datum, new: &Datum) -> Result<(), ReqlError>;
    /// The primary key field of a table.
    fn primary_key(&self, table: &str) -> Option<&'static str>;
    /// The names of all of them.
    fn names(&self) -> &'static [&'static str];
}

/// One START query of one session.
pub struct Request {
    pub query: Query,
    pub user: Text,
    pub cancel: Cancel,
}

/// What the session gets back at once; rows follow from the outcome.
pub struct Answer {
    pub outcome: Outcome,
    /// Wait until the log is durable up to here before answering.
    pub durable_at: Option<LogPosition>,
    /// The profile, when the query asked for one.
    pub profile: Option<Datum>,
}

/// What a query evaluates to.
pub enum Outcome {
    /// SUCCESS_ATOM
    Atom(Datum),
    /// SUCCESS_SEQUENCE or SUCCESS_PARTIAL, batch by batch.
    Stream(Box<dyn ResultStream>),
    /// SUCCESS_PARTIAL for as long as the client listens.
    Feed(Box<dyn FeedStream>),
}

/// A finite stream of rows.
pub trait ResultStream: Send {
    /// Appends rows to `out`, within the budget; `false` when nothing follows.
    /// May take long: run it where blocking is allowed.
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError>;

    /// Writes done while reading are durable up to here (a stream may contain writes).
    fn durable_at(&self) -> Option<LogPosition>;
}

/// Run options that concern the session rather than the evaluation.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub noreply: bool,
    pub profile: bool,
    /// Limits of one batch, from `minBatchRows`, `maxBatchRows`, `maxBatchBytes`,
    /// `maxBatchSeconds`, `firstBatchScaledownFactor`.
    pub batch: BatchOptions,
}

/// How large a batch may become and how early the first one leaves.
#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    pub rows_min: usize,
    pub rows_max: usize,
    pub bytes_max: usize,
    pub seconds_max: f64,
    pub first_scaledown: usize,
}
