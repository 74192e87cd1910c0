//! A small evaluator and shorthand for the tests of tables.

#![allow(dead_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::{IndexId, ManualClock, TableId, TreeId};
use photondb_datum::{Datum, Text, key};
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{
    Budget, Change, CloseReason, Conflict, ConflictFunction, DatumRange, Direction, Durability, Evaluator,
    IndexFunction, IndexLayout, IndexValue, LocalShards, LocalShardsOptions, ReadOp, ReturnChanges, RowError,
    ShardStream, Shards, Source, Subscriber, TableLayout, Tables, Verb, WriteFunction, WriteHook,
    WriteHookContext, WriteKind, WriteOp, WriteSummary,
};

pub const TABLE: TableId = TableId(1);
pub const TREE: TreeId = TreeId(16);

pub struct Fixture {
    pub engine: Arc<MemoryEngine>,
    pub clock: Arc<ManualClock>,
    pub shards: Arc<LocalShards>,
}

impl Fixture {
    /// A table without indexes.
    pub fn new() -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let fixture = Self::over(engine);
        fixture.shards.open_table(layout()).unwrap();
        fixture
    }

    /// No table yet.
    pub fn over(engine: Arc<MemoryEngine>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let options = LocalShardsOptions { cursor_snapshot_ms_max: 1000 };
        let shards = LocalShards::new(engine.clone(), Arc::new(Functions), clock.clone(), options);
        Self { engine, clock, shards: Arc::new(shards) }
    }

    /// Adds an index and waits until it is built.
    pub fn add_index(&self, index: IndexLayout) {
        let id = index.id;
        self.shards.add_index(TABLE, index).unwrap();
        self.wait_ready(id);
    }

    pub fn wait_ready(&self, index: IndexId) {
        let start = Instant::now();
        while !self.shards.index_progress(TABLE, index).unwrap().ready {
            assert!(start.elapsed() < Duration::from_secs(30), "the index is not built");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn insert(&self, documents: Vec<Datum>) -> WriteSummary {
        self.shards.write(insert(documents, Conflict::Error)).unwrap()
    }

    pub fn read(&self, op: ReadOp) -> Vec<Datum> {
        drain(self.shards.read(op).unwrap().as_mut())
    }

    pub fn all(&self) -> Vec<Datum> {
        self.read(ReadOp::all(TABLE))
    }

    /// The entries of an index tree must be those of the documents, and leading to them.
    pub fn check_index(&self, index: &IndexLayout) {
        let op = ReadOp::new(TABLE, Source::Index { index: index.id, ranges: vec![DatumRange::all()] });
        let mut found = self.read(op.clone());
        let mut expected: Vec<(Datum, Datum)> = Vec::new();
        for document in self.all() {
            for value in self.shards.index_values(TABLE, index.id, &document).unwrap() {
                expected.push((value, document.clone()));
            }
        }
        expected.sort_by(|(a, x), (b, y)| {
            a.cmp(b).then_with(|| {
                let key = |row: &Datum| key::encode_primary(&row.get("id").unwrap()).unwrap();
                key(x).cmp(&key(y))
            })
        });
        let expected: Vec<Datum> = expected.into_iter().map(|(_, document)| document).collect();
        let ids = |rows: &[Datum]| rows.iter().map(|row| row.get("id").unwrap()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "index {}", index.name);
        assert!(found == expected, "index {}", index.name);
        assert_eq!(self.shards.count(&op).unwrap(), expected.len() as u64);
        found = self.read(ReadOp { direction: Direction::Backward, ..op });
        found.reverse();
        assert!(found == expected, "index {} backward", index.name);
        let entries = self.engine.snapshot().count(index.tree, &photondb_table::KeyRange::all()).unwrap();
        assert_eq!(entries, expected.len() as u64, "stray entries in {}", index.name);
    }
}

pub fn drain(stream: &mut dyn ShardStream) -> Vec<Datum> {
    let mut out = Vec::new();
    let budget = Budget { rows_max: 7, bytes_max: 10_000 };
    while stream.next_batch(budget, &mut out).unwrap() {}
    out
}

pub fn layout() -> TableLayout {
    TableLayout {
        id: TABLE,
        primary_key: Text::from("id"),
        tree: TREE,
        durability: Durability::Hard,
        indexes: Vec::new(),
        write_hook: None,
        expiry: None,
    }
}

/// An index by a field.
pub fn index(number: u64, field: &str, multi: bool) -> IndexLayout {
    IndexLayout {
        id: IndexId(u128::from(number)),
        name: Text::from(field),
        tree: TreeId(100 + number),
        multi,
        geo: false,
        unique: false,
        function: Bytes::copy_from_slice(field.as_bytes()),
        ready: false,
    }
}

pub fn row(id: i32, fields: &[(&str, Datum)]) -> Datum {
    let fields = fields.iter().map(|(name, value)| (Text::from(*name), value.clone()));
    Datum::object(fields.chain([(Text::from("id"), Datum::from(id))]))
}

pub fn insert(documents: Vec<Datum>, conflict: Conflict) -> WriteOp {
    op(WriteKind::Insert { documents, conflict })
}

pub fn replace(
    keys: Vec<Datum>,
    verb: Verb,
    function: impl Fn(&Datum) -> Result<Datum, RowError> + Send + Sync + 'static,
) -> WriteOp {
    op(WriteKind::Replace { keys, function: Arc::new(Function(function)), verb })
}

pub fn op(kind: WriteKind) -> WriteOp {
    WriteOp {
        table: TABLE,
        kind,
        durability: None,
        return_changes: ReturnChanges::No,
        ignore_write_hook: false,
        now_seconds: 0.0,
    }
}

pub struct Function<F>(pub F);

impl<F: Fn(&Datum) -> Result<Datum, RowError> + Send + Sync> WriteFunction for Function<F> {
    fn new_row(&self, old: &Datum) -> Result<Datum, RowError> {
        (self.0)(old)
    }
}

impl<F: Fn(&Datum, &Datum) -> Result<Datum, RowError> + Send + Sync> ConflictFunction for Function<F> {
    fn resolve(&self, _key: &Datum, old: &Datum, new: &Datum) -> Result<Datum, RowError> {
        (self.0)(old, new)
    }
}

/// Index functions are names of fields; `broken` cannot be loaded. Write hooks are the words
/// `stamp`, `drop` and `keep`.
pub struct Functions;

impl Evaluator for Functions {
    fn index_function(
        &self,
        stored: &[u8],
        multi: bool,
        geo: bool,
    ) -> Result<Arc<dyn IndexFunction>, RowError> {
        let field = std::str::from_utf8(stored).unwrap().to_owned();
        if field == "broken" {
            return Err(RowError::new("no such function"));
        }
        Ok(Arc::new(FieldIndex { field, multi, geo }))
    }

    fn write_hook(&self, stored: &[u8]) -> Result<Arc<dyn WriteHook>, RowError> {
        match stored {
            b"broken" => Err(RowError::new("no such function")),
            word => Ok(Arc::new(WordHook(String::from_utf8(word.to_vec()).unwrap()))),
        }
    }
}

struct FieldIndex {
    field: String,
    multi: bool,
    geo: bool,
}

impl IndexFunction for FieldIndex {
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>) {
        match document.get(&self.field) {
            Some(Datum::Array(items)) if self.geo => {
                let cell = |item: Datum| Bytes::from(item.as_str().unwrap().to_owned());
                out.extend(items.iter().map(|item| IndexValue::Raw(cell(item))));
            }
            Some(Datum::Array(items)) if self.multi => out.extend(items.iter().map(IndexValue::Datum)),
            Some(value) => out.push(IndexValue::Datum(value)),
            None => {}
        }
    }
}

struct WordHook(String);

impl WriteHook for WordHook {
    fn apply(&self, context: &WriteHookContext<'_>, _old: &Datum, new: &Datum) -> Result<Datum, RowError> {
        match (self.0.as_str(), new) {
            ("stamp", Datum::Object(object)) => {
                Ok(Datum::Object(object.clone().with(Text::from("key"), context.primary_key.clone())))
            }
            ("drop", _) => Ok(Datum::Null),
            ("keep", _) => Ok(Datum::object([("id", context.primary_key.clone())])),
            _ => Ok(new.clone()),
        }
    }
}

/// Remembers what it is told.
#[derive(Default)]
pub struct Recorder {
    pub changes: Mutex<Vec<Arc<Change>>>,
    pub closed: Mutex<Option<CloseReason>>,
}

impl Subscriber for Recorder {
    fn change(&self, change: &Arc<Change>) {
        self.changes.lock().push(change.clone());
    }

    fn closed(&self, why: CloseReason) {
        *self.closed.lock() = Some(why);
    }
}
