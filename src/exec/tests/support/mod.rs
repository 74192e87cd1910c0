//! An executor over an empty memory engine, and queries in their wire form.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod spilling;

use std::sync::Arc;
use std::time::Duration;

use photondb_base::{Cancel, Clock, IdentifierFormat, ManualClock, Random, SeededRandom};
use photondb_catalog::{Catalog, CatalogOptions};
use photondb_datum::{Datum, json};
use photondb_exec::{
    Answer, Executor, Failure, FetchError, FetchRequest, FetchResponse, FetchSession, Fetcher, MemoryPool,
    NoSpill, Outcome, Request, Script, Scripts, Services, SpillSpace, StoredFunctions, SystemTables,
    SystemWrite,
};
use photondb_plan::feed::{FeedOpener, FeedPlan, FeedStream};
use photondb_reql::{Query, ReqlError, decode_query};
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{Budget, LocalShards, LocalShardsOptions};

/// Nothing but what single values need.
pub struct Absent;

impl FeedOpener for Absent {
    fn open(&self, _: Vec<FeedPlan>) -> Result<Box<dyn FeedStream>, ReqlError> {
        Err(ReqlError::client("There are no feeds."))
    }
}

impl SystemTables for Absent {
    fn rows(&self, _: &str, _: IdentifierFormat) -> Option<Result<Vec<Datum>, ReqlError>> {
        None
    }

    fn row(&self, _: &str, _: &Datum, _: IdentifierFormat) -> Option<Result<Datum, ReqlError>> {
        None
    }

    fn write(&self, _: &str, _: SystemWrite<'_>) -> Result<Datum, ReqlError> {
        Err(ReqlError::client("There are no system tables."))
    }

    fn primary_key(&self, _: &str) -> Option<&'static str> {
        None
    }

    fn names(&self) -> &'static [&'static str] {
        &[]
    }
}

impl Scripts for Absent {
    fn evaluate(&self, _: &str, _: Duration) -> Result<Script, ReqlError> {
        Err(ReqlError::client("There are no scripts."))
    }
}

impl Fetcher for Absent {
    fn open(&self, _: Cancel) -> Box<dyn FetchSession> {
        Box::new(Absent)
    }
}

impl FetchSession for Absent {
    fn fetch(&mut self, _: &FetchRequest) -> Result<FetchResponse, FetchError> {
        Err(FetchError::Connect)
    }
}

/// An executor that fetches from here.
pub fn executor(fetcher: Arc<dyn Fetcher>) -> Executor {
    executor_with(fetcher, Arc::default())
}

/// The same, with memory from a pool.
pub fn executor_with(fetcher: Arc<dyn Fetcher>, memory: Arc<MemoryPool>) -> Executor {
    executor_spilling(fetcher, memory, Arc::new(NoSpill))
}

/// The same, with a place for what does not fit into memory.
pub fn executor_spilling(
    fetcher: Arc<dyn Fetcher>,
    memory: Arc<MemoryPool>,
    spill: Arc<dyn SpillSpace>,
) -> Executor {
    executor_feeding(fetcher, memory, spill, Arc::new(Absent))
}

/// The same, with feeds.
pub fn executor_feeding(
    fetcher: Arc<dyn Fetcher>,
    memory: Arc<MemoryPool>,
    spill: Arc<dyn SpillSpace>,
    feeds: Arc<dyn FeedOpener>,
) -> Executor {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(11));
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let functions = Arc::new(StoredFunctions::new(Arc::clone(&clock)));
    let options = LocalShardsOptions::default();
    let shards = Arc::new(LocalShards::new(Arc::clone(&engine), functions, Arc::clone(&clock), options));
    let catalog =
        Catalog::open(engine, shards.clone(), Arc::clone(&random), CatalogOptions::default()).unwrap();
    Executor::new(Arc::new(Services {
        catalog,
        shards,
        feeds,
        system_tables: Arc::new(Absent),
        scripts: Arc::new(Absent),
        fetcher,
        clock,
        random,
        memory,
        spill,
    }))
}

/// The answer as JSON, or the error's message and backtrace.
pub fn answer(executor: &Executor, term: &str) -> String {
    answer_to(executor, "admin", term)
}

/// The message and backtrace of an error.
pub fn error_text(error: ReqlError) -> String {
    let path: Vec<String> = error.backtrace.iter().map(ToString::to_string).collect();
    format!("{} @ [{}]", error.message, path.join(","))
}

/// The same for another user.
pub fn answer_to(executor: &Executor, user: &str, term: &str) -> String {
    let query = match decode_query(format!("[1,{term},{{}}]").as_bytes()) {
        Ok(Query::Start(query)) => query,
        Ok(_) => panic!("{term}"),
        Err(error) => return error_text(error),
    };
    let request = Request { query, user: user.into(), cancel: Cancel::default(), memory: Arc::default() };
    answer_text(executor.run(request))
}

/// What a query answers, as JSON or as an error's message and backtrace.
pub fn answer_text(answer: Result<Answer, Failure>) -> String {
    match answer {
        Err(failure) => error_text(failure.error),
        Ok(answer) => match answer.outcome {
            Outcome::Atom(datum) => json::to_string(&datum).unwrap(),
            Outcome::Stream(mut stream) => {
                let mut rows = Vec::new();
                loop {
                    match stream.next_batch(&Budget::default(), &mut rows) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => return error_text(error),
                    }
                }
                json::to_string(&Datum::from(rows)).unwrap()
            }
            Outcome::Feed(_) => panic!("a feed"),
        },
    }
}
