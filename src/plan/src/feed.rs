//! What a changefeed is asked for, and what it answers with. `exec` builds the plan,
//! `feed` carries it out; neither sees the other.

use std::sync::Arc;
use std::time::Duration;

use photondb_base::{IdentifierFormat, IndexId, TableId};
use photondb_datum::{Datum, Text};
use photondb_reql::ReqlError;
use photondb_table::{Budget, DatumRange, Direction};

/// One changefeed over one table; a union is several of them.
pub struct FeedPlan {
    pub table: TableId,
    /// Name of the table's primary key field.
    pub primary_key: Text,
    pub scope: FeedScope,
    /// What a document becomes before it is compared and delivered.
    pub transform: Option<Arc<dyn FeedTransform>>,
    pub options: FeedOptions,
    /// How rows of a system table name other things; without meaning for other tables.
    pub identifiers: IdentifierFormat,
}

/// Which documents of the table a feed watches.
#[derive(Clone, Debug)]
pub enum FeedScope {
    /// One document, present or not.
    Point { key: Datum },
    /// Documents by primary key.
    Primary { range: DatumRange },
    /// Documents whose primary key is one of these.
    PrimaryKeys { keys: Vec<Datum> },
    /// Documents by the values of an index (`getAll` gives several ranges).
    Index { index: IndexId, ranges: Vec<DatumRange> },
    /// The first `limit` documents in the order of an index (`None`: the primary key).
    OrderLimit { index: Option<IndexId>, range: DatumRange, direction: Direction, limit: usize },
}

/// `changes()` options.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    pub include_initial: bool,
    pub include_states: bool,
    pub include_offsets: bool,
    pub include_types: bool,
    pub squash: Squash,
    /// Changes that may wait for a slow reader before the feed ends with an error.
    pub queue_rows_max: usize,
}

/// Queue length unless the query sets `changefeedQueueSize`, as in RethinkDB.
pub const FEED_QUEUE_ROWS_DEFAULT_MAX: usize = 100_000;

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            include_initial: false,
            include_states: false,
            include_offsets: false,
            include_types: false,
            squash: Squash::Off,
            queue_rows_max: FEED_QUEUE_ROWS_DEFAULT_MAX,
        }
    }
}

/// Whether several changes of one document may be delivered as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Squash {
    Off,
    /// Whatever waits when the reader comes is squashed.
    Ready,
    /// Changes are held back and squashed for this long.
    Seconds(f64),
}

/// The filters and mappings between the table and `changes()`.
pub trait FeedTransform: Send + Sync {
    /// What the document looks like in the feed; `None` when it is filtered out.
    fn apply(&self, document: &Datum) -> Result<Option<Datum>, ReqlError>;
}

/// An open feed. Never waits: an empty batch means that nothing is there yet.
pub trait FeedStream: Send {
    /// Appends what waits to `out`, within the budget; `false` when nothing will ever
    /// follow (a `limit` on the feed was reached).
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError>;

    /// `wake` is called whenever something may wait for the reader, from any thread.
    fn on_ready(&mut self, wake: Arc<dyn Fn() + Send + Sync>);

    /// How long from now until changes that `squash` holds back may be read; nobody calls
    /// `wake` then. `None` when nothing is held back.
    fn due_in(&self) -> Option<Duration>;

    /// What drivers are told about the feed in response notes.
    fn kind(&self) -> FeedKind;

    /// Whether state rows are among the rows, which drivers are told, too.
    fn includes_states(&self) -> bool;
}

/// The kind of a feed as response notes tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// SEQUENCE_FEED
    Sequence,
    /// ATOM_FEED
    Atom,
    /// ORDER_BY_LIMIT_FEED
    OrderByLimit,
    /// UNIONED_FEED
    Unioned,
}

/// Opens feeds; injected into the evaluator by the composition root.
pub trait FeedOpener: Send + Sync {
    /// One plan for an ordinary feed, several for a union.
    fn open(&self, plans: Vec<FeedPlan>) -> Result<Box<dyn FeedStream>, ReqlError>;
}
