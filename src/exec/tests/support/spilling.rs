//! Executors that put on disk what does not fit into the memory of a query.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use photondb_base::Cancel;
use photondb_datum::Datum;
use photondb_exec::{Executor, MemoryLimits, MemoryPool, MemoryUse, Outcome, Request, SpillFile, SpillSpace};
use photondb_reql::text::TextQuery;
use photondb_reql::{Query, decode_query, encode};
use photondb_table::Budget;

use super::{Absent, executor_spilling};

/// What each query may take: a sort keeps a quarter of it.
pub const LIMIT: usize = 2 << 20;

/// Files in memory, of which some number may be made.
pub struct Files {
    pub made: AtomicUsize,
    made_max: usize,
}

impl Files {
    pub fn at_most(made_max: usize) -> Arc<Self> {
        Arc::new(Self { made: AtomicUsize::new(0), made_max })
    }
}

impl SpillSpace for Files {
    fn file(&self) -> io::Result<Box<dyn SpillFile>> {
        if self.made.fetch_add(1, Ordering::Relaxed) >= self.made_max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(io::Cursor::new(Vec::new())))
    }
}

pub fn executor(spill: Arc<dyn SpillSpace>) -> Executor {
    executor_within(LIMIT, spill)
}

pub fn executor_within(limit: usize, spill: Arc<dyn SpillSpace>) -> Executor {
    let limits = MemoryLimits { query_bytes: limit, query_bytes_max: limit, total_bytes_max: 4 * limit };
    executor_spilling(Arc::new(Absent), Arc::new(MemoryPool::new(limits)), spill)
}

/// The rows of a query in text form, or the message of its error.
pub fn rows(executor: &Executor, text: &str, options: &str) -> Result<Vec<Datum>, String> {
    let parsed = TextQuery::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let term = String::from_utf8(encode(&parsed.ast, parsed.ast.root())).unwrap();
    let query = format!("[1,{term},{options}]");
    let Ok(Query::Start(query)) = decode_query(query.as_bytes()) else { panic!("{text}") };
    let memory = Arc::new(MemoryUse::default());
    let request =
        Request { query, user: "admin".into(), cancel: Cancel::default(), memory: Arc::clone(&memory) };
    let rows = match executor.run(request).map_err(|failure| failure.error.message)?.outcome {
        Outcome::Atom(Datum::Array(rows)) => rows.to_vec(),
        Outcome::Atom(other) => vec![other],
        Outcome::Stream(mut stream) => {
            let mut rows = Vec::new();
            while stream.next_batch(&Budget::default(), &mut rows).map_err(|error| error.message)? {}
            rows
        }
        Outcome::Feed(_) => panic!("{text}"),
    };
    Ok(rows)
}
