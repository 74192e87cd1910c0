//! What a changefeed is asked for, and what it answers with. `exec` builds the plan,
//! `feed` carries it out; neither sees the other.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use photondb_base::{IdentifierFormat, IndexId, TableId};
use photondb_datum::{Datum, Text, json};
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
    /// What is done to each row before it leaves.
    pub delivery: Option<Arc<dyn FeedDelivery>>,
    pub options: FeedOptions,
    /// How rows of a system table name other things; without meaning for other tables.
    pub identifiers: IdentifierFormat,
    /// Who else is told the same; `None` when that cannot be known.
    pub identity: Option<FeedIdentity>,
}

/// What makes feeds the same: those of one table with equal identities make the same rows of
/// the same change, so that it need be evaluated only once for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedIdentity {
    /// The query in a form that is the same for all ways to say it. Many have one text and differ
    /// in values.
    pub text: Arc<[u8]>,
    /// The values that the text has no room for.
    pub values: Arc<[u8]>,
    /// Which of the feeds of the query: by its term and its place in a union.
    pub part: (usize, usize),
    /// The index that the query means by a name.
    pub index: Option<IndexId>,
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

impl FeedScope {
    /// The index that it is about.
    pub fn index(&self) -> Option<IndexId> {
        match self {
            Self::Index { index, .. } => Some(*index),
            Self::OrderLimit { index, .. } => *index,
            Self::Point { .. } | Self::Primary { .. } | Self::PrimaryKeys { .. } => None,
        }
    }
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

/// The filters and mappings behind `changes()`.
pub trait FeedDelivery: Send + Sync {
    /// Appends what becomes of a row.
    fn deliver(&self, row: Datum, out: &mut Vec<Datum>) -> Result<(), ReqlError>;
}

/// Tells a reader that something may wait for it.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// An open feed. Never waits: an empty batch means that nothing is there yet.
pub trait FeedStream: Send {
    /// Appends what waits to `out`, within the budget; `false` when nothing will ever
    /// follow (a `limit` on the feed was reached).
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<bool, ReqlError>;

    /// Sets whom to tell, from any thread, that something may wait: once after each empty
    /// batch. Who is told must come for it, by `next_batch` or `prepare`.
    fn on_ready(&mut self, wake: Wake);

    /// Evaluates what waits without taking it, for a reader that was told and has no room:
    /// others may wait for the same.
    fn prepare(&mut self);

    /// Whether the next batch may have to read documents, and so take long.
    fn may_block(&self) -> bool;

    /// How long from now until changes that `squash` holds back may be read; nobody calls
    /// `wake` then. `None` when nothing is held back.
    fn due_in(&self) -> Option<Duration>;

    /// What drivers are told about the feed in response notes.
    fn kind(&self) -> FeedKind;

    /// Whether state rows are among the rows, which drivers are told, too.
    fn includes_states(&self) -> bool;
}

/// A row of a feed: the reader's own, or one that several are told.
#[derive(Clone, Debug)]
pub enum FeedRow {
    Own(Datum),
    Shared(Arc<SharedRow>),
}

impl FeedRow {
    pub fn datum(&self) -> &Datum {
        match self {
            Self::Own(datum) => datum,
            Self::Shared(row) => &row.datum,
        }
    }

    pub fn into_datum(self) -> Datum {
        match self {
            Self::Own(datum) => datum,
            Self::Shared(row) => row.datum.clone(),
        }
    }

    /// Appends the row as JSON. Fails half-way where JSON cannot say it.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), ReqlError> {
        match self {
            Self::Own(datum) => Ok(json::write(datum, out)?),
            Self::Shared(row) => {
                out.extend_from_slice(row.json()?);
                Ok(())
            }
        }
    }
}

/// A row that several readers are told, written as JSON by the first of them.
#[derive(Debug)]
pub struct SharedRow {
    datum: Datum,
    json: OnceLock<Result<Box<[u8]>, ReqlError>>,
}

impl SharedRow {
    pub fn new(datum: Datum) -> Self {
        Self { datum, json: OnceLock::new() }
    }

    pub fn datum(&self) -> &Datum {
        &self.datum
    }

    fn json(&self) -> Result<&[u8], ReqlError> {
        let written = self.json.get_or_init(|| {
            let mut out = Vec::new();
            json::write(&self.datum, &mut out)?;
            Ok(out.into())
        });
        written.as_deref().map_err(ReqlError::clone)
    }
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
