//! A table in memory and shorthand for its feeds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use photondb_base::{IdentifierFormat, IndexId, ManualClock, TableId, TreeId};
use photondb_datum::{Datum, Text};
use photondb_plan::feed::{FeedOpener, FeedOptions, FeedPlan, FeedRow, FeedScope, FeedStream, FeedTransform};
use photondb_reql::ReqlError;
use photondb_storage::MemoryEngine;
use photondb_table::{
    Budget, Conflict, DatumRange, Direction, Durability, Evaluator, IndexFunction, IndexLayout, IndexValue,
    LocalShards, LocalShardsOptions, ReadOp, ReturnChanges, RowError, Shards, Source, TableLayout, Tables,
    Verb, WriteFunction, WriteHook, WriteKind, WriteOp,
};

use crate::Feeds;

pub(super) const TABLE: TableId = TableId(1);
pub(super) const INDEX: IndexId = IndexId(1);

pub(super) struct Fixture {
    pub(super) clock: Arc<ManualClock>,
    pub(super) shards: Arc<LocalShards>,
    pub(super) feeds: Feeds,
}

impl Fixture {
    /// A table with an index on `a`, multi or not.
    pub(super) fn new(multi: bool) -> Self {
        let clock = Arc::new(ManualClock::default());
        let shards = Arc::new(LocalShards::new(
            Arc::new(MemoryEngine::new()),
            Arc::new(Fields),
            clock.clone(),
            LocalShardsOptions::default(),
        ));
        let layout = TableLayout {
            id: TABLE,
            primary_key: "id".into(),
            tree: TreeId(16),
            durability: Durability::Soft,
            indexes: Vec::new(),
            write_hook: None,
            expiry: None,
        };
        shards.open_table(layout).expect("opens");
        let index = IndexLayout {
            id: INDEX,
            name: "a".into(),
            tree: TreeId(17),
            multi,
            geo: false,
            unique: false,
            function: Bytes::from_static(b"a"),
            ready: false,
        };
        shards.add_index(TABLE, index).expect("adds");
        let start = Instant::now();
        while !shards.index_progress(TABLE, INDEX).expect("there").ready {
            assert!(start.elapsed() < Duration::from_secs(30), "the index is not built");
            std::thread::sleep(Duration::from_millis(1));
        }
        let feeds = Feeds::new(shards.clone(), clock.clone());
        Self { clock, shards, feeds }
    }

    pub(super) fn open(&self, scope: FeedScope, options: FeedOptions) -> Box<dyn FeedStream> {
        self.feeds.open(vec![plan(scope, options, None)]).expect("opens")
    }

    /// Stores a document, replacing another one.
    pub(super) fn put(&self, document: Datum) {
        self.write(WriteKind::Insert { documents: vec![document], conflict: Conflict::Replace });
    }

    pub(super) fn remove(&self, id: i32) {
        let kind =
            WriteKind::Replace { keys: vec![id.into()], function: Arc::new(Remove), verb: Verb::Delete };
        self.write(kind);
    }

    fn write(&self, kind: WriteKind) {
        let op = WriteOp {
            table: TABLE,
            kind,
            durability: None,
            return_changes: ReturnChanges::No,
            ignore_write_hook: false,
            now_seconds: 0.0,
        };
        let summary = self.shards.write(op).expect("writes");
        assert_eq!(summary.errors, 0, "{:?}", summary.first_error);
    }

    /// All documents by key.
    pub(super) fn documents(&self) -> BTreeMap<Datum, Datum> {
        let rows = self.read(Source::Primary(DatumRange::all()), Direction::Forward);
        rows.into_iter().filter_map(|row| Some((row.get("id")?, row))).collect()
    }

    /// What a query of the same documents gives.
    pub(super) fn read(&self, source: Source, direction: Direction) -> Vec<Datum> {
        let mut stream = self.shards.read(ReadOp { direction, ..ReadOp::new(TABLE, source) }).expect("reads");
        let mut rows = Vec::new();
        while stream.next_batch(Budget::default(), &mut rows).expect("reads") {}
        rows
    }
}

pub(super) fn plan(
    scope: FeedScope,
    options: FeedOptions,
    transform: Option<Arc<dyn FeedTransform>>,
) -> FeedPlan {
    let (primary_key, identifiers) = ("id".into(), IdentifierFormat::Name);
    FeedPlan {
        table: TABLE,
        primary_key,
        scope,
        transform,
        delivery: None,
        options,
        identifiers,
        identity: None,
    }
}

pub(super) fn document(id: i32, a: impl Into<Datum>) -> Datum {
    Datum::object([("id", id.into()), ("a", a.into())])
}

pub(super) fn whole_table() -> FeedScope {
    FeedScope::Primary { range: DatumRange::all() }
}

/// Everything that waits.
pub(super) fn drain(feed: &mut dyn FeedStream) -> Vec<Datum> {
    let mut rows: Vec<FeedRow> = Vec::new();
    loop {
        let before = rows.len();
        let budget = Budget { rows_max: 3, ..Budget::default() };
        assert!(feed.next_batch(&budget, &mut rows).expect("feeds"));
        assert!(rows.len() - before <= 3 + 1, "the budget is kept but for a word about the state");
        if rows.len() == before {
            return rows.into_iter().map(FeedRow::into_datum).collect();
        }
    }
}

/// Rows as text, easy to compare.
pub(super) fn printed(rows: &[Datum]) -> Vec<String> {
    rows.iter().map(|row| row.print().replace(['\n', '\t', ' '], "")).collect()
}

/// Keeps documents whose `a` is at least a number.
pub(super) struct AtLeast(pub(super) f64);

impl FeedTransform for AtLeast {
    fn apply(&self, document: &Datum) -> Result<Option<Datum>, ReqlError> {
        let keep = document.get("a").and_then(|a| a.as_number()).is_some_and(|a| a >= self.0);
        Ok(keep.then(|| document.clone()))
    }
}

struct Remove;

impl WriteFunction for Remove {
    fn new_row(&self, _old: &Datum) -> Result<Datum, RowError> {
        Ok(Datum::Null)
    }
}

/// Index functions are names of fields.
struct Fields;

impl Evaluator for Fields {
    fn index_function(
        &self,
        stored: &[u8],
        multi: bool,
        _geo: bool,
    ) -> Result<Arc<dyn IndexFunction>, RowError> {
        let field = String::from_utf8_lossy(stored).as_ref().into();
        Ok(Arc::new(Field { field, multi }))
    }

    fn write_hook(&self, _stored: &[u8]) -> Result<Arc<dyn WriteHook>, RowError> {
        Err(RowError::new("no hooks here"))
    }
}

struct Field {
    field: Text,
    multi: bool,
}

impl IndexFunction for Field {
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>) {
        match document.get(&self.field) {
            Some(Datum::Array(items)) if self.multi => out.extend(items.iter().map(IndexValue::Datum)),
            Some(value) => out.push(IndexValue::Datum(value)),
            None => {}
        }
    }
}
