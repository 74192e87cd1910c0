//! Queries in their wire form.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::documents::Documents;
use crate::popularity::Zipf;

/// The database that the benches work in.
pub const DATABASE: &str = "bench";
/// The table of large documents, with indexes on `n` and `score`.
pub const TABLE: &str = "docs";
/// The table of small documents.
pub const TABLE_SMALL: &str = "small";

/// Documents of a batch.
const BATCH: u64 = 200;

/// What a workload asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Many short queries on many connections.
    Point,
    /// Queries that read much, on few connections.
    Scan,
}

/// A workload by name.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name on the command line and in tables.
    pub name: &'static str,
    /// How it is run.
    pub kind: Kind,
    /// One line about it.
    pub about: &'static str,
    query: fn(&mut QueryMaker) -> String,
}

/// All of them, in the order of the table.
pub static WORKLOADS: &[Workload] = &[
    point("const", "the number 1: what a query costs at least", |_| "1".to_owned()),
    point("read_pk", "a document by its primary key", |maker| {
        let key = maker.uniform_key();
        maker.get(&key)
    }),
    point("insert_soft", "a document of 1.1 kB, soft durability", |maker| maker.insert("soft")),
    point("insert_hard", "the same, durable", |maker| maker.insert("hard")),
    point("insert_small_soft", "a document of 90 bytes, soft durability", |maker| {
        let document = maker.documents.small(maker.fresh.fetch_add(1, Ordering::Relaxed));
        format!(r#"[56,[{},{document}],{{"durability":"soft"}}]"#, table(TABLE_SMALL))
    }),
    point("batch_insert_200", "200 documents of 90 bytes", |maker| {
        let first = maker.fresh.fetch_add(BATCH, Ordering::Relaxed);
        let documents: Vec<String> = (first..first + BATCH).map(|n| maker.documents.small(n)).collect();
        format!(r#"[56,[{},[2,[{}]]],{{"durability":"soft"}}]"#, table(TABLE_SMALL), documents.join(","))
    }),
    point("update_soft", "one field of a document, soft durability", |maker| maker.update("soft")),
    point("update_hard", "the same, durable", |maker| maker.update("hard")),
    point("incr_soft", "a counter, by a function", |maker| {
        let key = maker.uniform_key();
        let document = maker.get(&key);
        let count = r#"{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]]}"#;
        format!(r#"[53,[{document},[69,[[2,[1]],{count}]]],{{"durability":"soft"}}]"#)
    }),
    point("ycsb_a", "half reads, half updates", |maker| maker.mix(50)),
    point("ycsb_b", "95 % reads, 5 % updates", |maker| maker.mix(95)),
    point("ycsb_c", "reads", |maker| maker.mix(100)),
    point("ycsb_d", "95 % reads of new documents, 5 % inserts", |maker| {
        if maker.percent() >= 95 {
            return maker.insert("soft");
        }
        let age = maker.popular_rank();
        let key = Documents::key(maker.count - 1 - age);
        maker.get(&key)
    }),
    point("ycsb_e", "95 % short ranges, 5 % inserts", |maker| {
        if maker.percent() >= 95 {
            return maker.insert("soft");
        }
        let first = maker.popular();
        let limit = 1 + maker.documents.below(100);
        format!("[71,[{},{limit}]]", range(first, maker.count))
    }),
    point("ycsb_f", "half reads, half read-modify-writes", |maker| {
        if maker.percent() < 50 {
            return maker.mix(100);
        }
        let key = Documents::key(maker.popular());
        let document = maker.get(&key);
        let field = maker.documents.text(5);
        let change = format!(r#"{{"field3":[24,[[31,[[10,[1]],"field3"]],"{field}"]]}}"#);
        let cut = r#"{"field3":[30,[[31,[[10,[1]],"field3"]],0,85]]}"#;
        let change = if maker.documents.below(2) == 0 { change } else { cut.to_owned() };
        format!(r#"[53,[{document},[69,[[2,[1]],{change}]]],{{"durability":"soft"}}]"#)
    }),
    point("get_all_idx", "count of one row by an index", |maker| {
        let n = maker.uniform();
        format!(r#"[43,[[78,[{},{n}],{{"index":"n"}}]]]"#, table(TABLE))
    }),
    point("range_100", "100 documents by primary key, 110 kB", |maker| {
        let first = maker.documents.below(maker.count.saturating_sub(100).max(1));
        range(first, first + 100)
    }),
    point("order_by_idx_limit_10", "ten documents in the order of an index", |maker| {
        let score = maker.documents.below(5000);
        let between = format!(r#"[182,[{},{score},[181,[]]],{{"index":"score"}}]"#, table(TABLE));
        format!(r#"[71,[[41,[{between}],{{"index":"score"}}],10]]"#)
    }),
    scan("filter_count", "count of the documents that a filter lets through", |maker| {
        let least = maker.documents.below(1000);
        let predicate = format!(r#"[69,[[2,[1]],[21,[[31,[[10,[1]],"k"]],{least}]]]]"#);
        format!("[43,[[39,[{},{predicate}]]]]", table(TABLE))
    }),
    scan("group_sum", "a sum for each of 50 groups", |_| {
        format!(r#"[145,[[144,[{},"tag"]],"score"]]"#, table(TABLE))
    }),
    scan("map_reduce", "a sum by map and reduce", |_| {
        let map = format!(r#"[38,[{},[69,[[2,[1]],[31,[[10,[1]],"score"]]]]]]"#, table(TABLE));
        format!("[37,[{map},[69,[[2,[2,3]],[24,[[10,[2]],[10,[3]]]]]]]]")
    }),
    point("count", "the number of documents", |_| format!("[43,[{}]]", table(TABLE))),
    scan("pluck_scan", "two fields of every document", |_| format!(r#"[33,[{},"n","k"]]"#, table(TABLE))),
    scan("full_scan", "every document", |_| table(TABLE)),
    scan("order_by_mem", "the first 100 in an order without an index", |_| {
        format!(r#"[71,[[41,[[33,[{},"id","score"]],"score"]],100]]"#, table(TABLE))
    }),
    scan("eq_join_1000", "1,000 documents joined with their table", |_| {
        let left = format!("[71,[{},1000]]", table(TABLE));
        format!(r#"[43,[[50,[{left},"n",{}],{{"index":"n"}}]]]"#, table(TABLE))
    }),
];

/// The workload with a name.
pub fn workload(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

const fn point(name: &'static str, about: &'static str, query: fn(&mut QueryMaker) -> String) -> Workload {
    Workload { name, kind: Kind::Point, about, query }
}

const fn scan(name: &'static str, about: &'static str, query: fn(&mut QueryMaker) -> String) -> Workload {
    Workload { name, kind: Kind::Scan, about, query }
}

fn table(name: &str) -> String {
    format!(r#"[15,[[14,["{DATABASE}"]],"{name}"]]"#)
}

fn range(first: u64, end: u64) -> String {
    format!(r#"[182,[{},"{}","{}"]]"#, table(TABLE), Documents::key(first), Documents::key(end))
}

/// Makes the queries of one connection.
pub struct QueryMaker {
    documents: Documents,
    zipf: Arc<Zipf>,
    /// Documents that were loaded.
    count: u64,
    /// The next number for a new document, shared by all connections.
    fresh: Arc<AtomicU64>,
}

impl QueryMaker {
    /// Queries over `count` loaded documents; new ones get numbers from `fresh`.
    pub fn new(seed: u64, count: u64, zipf: Arc<Zipf>, fresh: Arc<AtomicU64>) -> Self {
        Self { documents: Documents::new(seed), zipf, count: count.max(1), fresh }
    }

    /// The next query of a workload, as it is sent.
    pub fn next(&mut self, workload: &Workload) -> String {
        format!("[1,{},{{}}]", (workload.query)(self))
    }

    fn percent(&self) -> u64 {
        self.documents.below(100)
    }

    fn uniform(&self) -> u64 {
        self.documents.below(self.count)
    }

    fn uniform_key(&self) -> String {
        Documents::key(self.uniform())
    }

    fn popular_rank(&self) -> u64 {
        const STEPS: u64 = 1 << 53;
        self.zipf.rank(self.documents.below(STEPS) as f64 / STEPS as f64).min(self.count - 1)
    }

    fn popular(&self) -> u64 {
        self.zipf.scatter(self.popular_rank()).min(self.count - 1)
    }

    fn get(&self, key: &str) -> String {
        format!(r#"[16,[{},"{key}"]]"#, table(TABLE))
    }

    fn insert(&self, durability: &str) -> String {
        let document = self.documents.large(self.fresh.fetch_add(1, Ordering::Relaxed));
        format!(r#"[56,[{},{document}],{{"durability":"{durability}"}}]"#, table(TABLE))
    }

    fn update(&self, durability: &str) -> String {
        let (document, field) = (self.get(&self.uniform_key()), self.documents.field());
        format!(r#"[53,[{document},{{"field3":"{field}"}}],{{"durability":"{durability}"}}]"#)
    }

    /// So many reads in a hundred, by popularity; the others are updates.
    fn mix(&self, reads: u64) -> String {
        let document = self.get(&Documents::key(self.popular()));
        if self.percent() < reads {
            return document;
        }
        let field = self.documents.field();
        format!(r#"[53,[{document},{{"field3":"{field}"}}],{{"durability":"soft"}}]"#)
    }
}
