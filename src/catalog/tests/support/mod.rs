//! A server without doors: engine, tables and catalog.

#![allow(dead_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use photondb_base::{ManualClock, SeededRandom, TableId};
use photondb_catalog::{Catalog, CatalogError, CatalogOptions, IndexOptions, TableOptions};
use photondb_datum::{Datum, Text};
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{
    Conflict, DatumRange, Evaluator, IndexFunction, IndexValue, LocalShards, LocalShardsOptions, ReadOp,
    ReturnChanges, RowError, Shards, Source, WriteHook, WriteKind, WriteOp,
};

/// Index functions are names of fields.
pub struct Functions;

struct Field(String);

impl IndexFunction for Field {
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>) {
        out.extend(document.get(&self.0).map(IndexValue::Datum));
    }
}

impl Evaluator for Functions {
    fn index_function(&self, stored: &[u8], _: bool, _: bool) -> Result<Arc<dyn IndexFunction>, RowError> {
        Ok(Arc::new(Field(String::from_utf8_lossy(stored).into_owned())))
    }

    fn write_hook(&self, _stored: &[u8]) -> Result<Arc<dyn WriteHook>, RowError> {
        Err(RowError::new("no hooks here"))
    }
}

pub struct Server {
    pub engine: Arc<dyn Engine>,
    pub shards: Arc<LocalShards>,
    pub catalog: Arc<Catalog>,
}

pub fn open(engine: Arc<dyn Engine>, seed: u64, options: CatalogOptions) -> Server {
    let clock = Arc::new(ManualClock::default());
    let shards = LocalShards::new(engine.clone(), Arc::new(Functions), clock, LocalShardsOptions::default());
    let shards = Arc::new(shards);
    let random = Arc::new(SeededRandom::new(seed));
    let catalog = Catalog::open(engine.clone(), shards.clone(), random, options).unwrap();
    Server { engine, shards, catalog }
}

pub fn new_server() -> Server {
    open(Arc::new(MemoryEngine::new()), 1, CatalogOptions::default())
}

impl Server {
    pub fn reopened(self, seed: u64) -> Self {
        self.shards.shut_down();
        open(self.engine.clone(), seed, CatalogOptions::default())
    }

    pub fn table(&self, name: &str) -> TableId {
        self.catalog.state().table("test", name).unwrap().id
    }

    pub fn create_table(&self, name: &str) -> TableId {
        let created = self.catalog.create_table("test", name, TableOptions::default()).unwrap();
        created.outcome.new.unwrap().id
    }

    pub fn create_index(&self, table: TableId, name: &str) -> Result<(), CatalogError> {
        let options = IndexOptions {
            name: Text::from(name),
            multi: false,
            geo: false,
            unique: false,
            function: Bytes::copy_from_slice(name.as_bytes()),
            query: Text::from("indexCreate"),
        };
        self.catalog.create_index(table, options).map(|_| ())
    }

    pub fn insert(&self, table: TableId, ids: std::ops::Range<i32>) {
        let document = |id: i32| Datum::object([("id", Datum::from(id)), ("a", (id % 7).into())]);
        let kind = WriteKind::Insert { documents: ids.map(document).collect(), conflict: Conflict::Error };
        let write = WriteOp {
            table,
            kind,
            durability: None,
            return_changes: ReturnChanges::No,
            ignore_write_hook: false,
            now_seconds: 0.0,
        };
        assert_eq!(self.shards.write(write).unwrap().errors, 0);
    }

    pub fn wait_recorded_ready(&self, table: TableId, index: &str) {
        let start = Instant::now();
        while !self.catalog.state().table_by_id(table).unwrap().indexes[index].ready {
            assert!(start.elapsed() < Duration::from_secs(30), "the index is not recorded as ready");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The trees that hold anything.
    pub fn trees(&self) -> Vec<u64> {
        self.engine.snapshot().trees().unwrap().into_iter().map(|(tree, _)| tree.0).collect()
    }

    /// The trees that hold anything must belong to the metadata or to what it has, and
    /// complete indexes must have an entry for each document that has the field.
    pub fn check_trees(&self) {
        let state = self.catalog.state();
        let mut known = vec![0];
        for table in state.tables() {
            known.push(table.tree.0);
            known.extend(table.indexes.values().map(|index| index.tree.0));
            known.extend(table.expiry.iter().map(|expiry| expiry.tree.0));
            let rows = self.shards.statistics(table.id).unwrap().rows;
            for index in table.indexes.values() {
                self.wait_recorded_ready(table.id, &index.name);
                let source = Source::Index { index: index.id, ranges: vec![DatumRange::all()] };
                let found = self.shards.count(&ReadOp::new(table.id, source)).unwrap();
                assert_eq!(found, if index.function == "a" { rows } else { 0 });
            }
        }
        for tree in self.trees() {
            assert!(known.contains(&tree), "tree {tree} belongs to nothing");
        }
    }
}
