//! An open database: all parts, put together.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use photondb_base::{Cancel, Clock, Random, SystemClock, SystemRandom};
use photondb_catalog::{Catalog, CatalogOptions, State};
use photondb_datum::Datum;
use photondb_exec::{
    Executor, MemoryPool, Narrowing, NoSpill, Parallelism, Request, Services, SpillFile, SpillSpace,
    StoredFunctions,
};
use photondb_feed::Feeds;
use photondb_fetch::HttpFetcher;
use photondb_reql::{EXPLAIN_QUERY_TYPE, Query, ReqlError, decode_query};
use photondb_script::QuickJs;
use photondb_server::backups::Backups;
use photondb_server::issues::{self, DiskRoom, Issue};
use photondb_server::{
    Activity, ConfigurationLog, Context, DoorFacts, Jobs, LogBook, MeasureDisk, ProcessFacts, ServerError,
    Sources, SystemCatalog,
};
use photondb_storage::{DiskEngine, Engine, MemoryEngine, OpenOptions, RealDisk, StorageError};
use photondb_table::{Budget, LocalShards, LocalShardsOptions};

use crate::cache_size::{CacheSize, memory_bytes};
use crate::error::{OpenError, RunError};
use crate::log_keep::LogKeep;
use crate::query_memory::QueryMemory;
use crate::rows::Rows;
use crate::server::{Server, ServerOptions};

/// Files for what queries cannot keep in memory, where the documents are.
struct TemporaryFiles {
    directory: PathBuf,
}

impl SpillSpace for TemporaryFiles {
    fn file(&self) -> io::Result<Box<dyn SpillFile>> {
        Ok(Box::new(tempfile::tempfile_in(&self.directory)?))
    }
}

/// The folder with the backups that a server keeps of itself, in its data directory.
const BACKUPS: &str = "backups";

/// The user that embedded queries run as.
const ADMIN: &str = "admin";

/// Where the documents are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this directory, made when it is not there.
    Directory(PathBuf),
    /// In memory, gone with the handle.
    Memory,
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// Where the documents are.
    pub place: Place,
    /// How much memory pages and changes that wait to be written take.
    pub cache_size: CacheSize,
    /// How much memory queries may take.
    pub query_memory: QueryMemory,
    /// How much of the log stays for backups that go on from earlier ones.
    pub log_keep: LogKeep,
    /// The server's name; one is made up for a new directory.
    pub server_name: Option<String>,
    /// The password of `admin` in a new directory; empty when absent.
    pub initial_password: Option<String>,
    /// Where the messages for the `logs` table come from.
    pub logs: Arc<LogBook>,
    /// Where the server keeps backups of itself; `backups` in the directory when absent.
    pub backup_directory: Option<PathBuf>,
    /// When a query is worked on by several threads.
    pub parallelism: Parallelism,
    /// When a filter over a table is answered through an index.
    pub narrowing: Narrowing,
}

impl DatabaseOptions {
    /// A database in a directory.
    pub fn directory(directory: impl Into<PathBuf>) -> Self {
        Self { place: Place::Directory(directory.into()), ..Self::in_memory() }
    }

    /// A database in memory.
    pub fn in_memory() -> Self {
        Self {
            place: Place::Memory,
            cache_size: CacheSize::Automatic,
            query_memory: QueryMemory::default(),
            log_keep: LogKeep::default(),
            server_name: None,
            initial_password: None,
            logs: Arc::default(),
            backup_directory: None,
            parallelism: Parallelism::default(),
            narrowing: Narrowing::default(),
        }
    }
}

/// An open database.
pub struct Database {
    engine: Arc<dyn Engine>,
    shards: Arc<LocalShards>,
    catalog: Arc<Catalog>,
    executor: Arc<Executor>,
    sources: Arc<Sources>,
    feeds: Arc<Feeds>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Database {
    /// Opens or makes a database.
    pub fn open(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let cache_bytes = options.cache_size.bytes();
        let engine: Arc<dyn Engine> = match &options.place {
            Place::Memory => Arc::new(MemoryEngine::new()),
            Place::Directory(directory) => {
                let disk = Arc::new(RealDisk::open(directory)?);
                let options = OpenOptions {
                    cache_bytes_max: cache_bytes,
                    history_bytes_max: options.log_keep.0,
                    clock: Arc::clone(&clock),
                    ..OpenOptions::new(disk)
                };
                Arc::new(DiskEngine::open(options)?)
            }
        };
        let shards = Arc::new(LocalShards::new(
            Arc::clone(&engine),
            Arc::new(StoredFunctions::new(Arc::clone(&clock))),
            Arc::clone(&clock),
            LocalShardsOptions::default(),
        ));
        let catalog_options = CatalogOptions {
            server_name: options.server_name.as_deref().map(Into::into),
            initial_password: options.initial_password.clone(),
        };
        let catalog =
            Catalog::open(Arc::clone(&engine), shards.clone(), Arc::clone(&random), catalog_options)?;
        let memory = Arc::new(MemoryPool::new(options.query_memory.limits()));
        let sources = Arc::new(Sources {
            catalog: Arc::clone(&catalog),
            shards: shards.clone(),
            engine: Arc::clone(&engine),
            jobs: Arc::new(Jobs::default()),
            memory: Arc::clone(&memory),
            activity: Arc::new(Activity::default()),
            logs: Arc::clone(&options.logs),
            disk_room: measure_disk(&options.place),
            backups: backups(options, &engine, &clock),
            process: process_facts(options, cache_bytes),
            doors: DoorFacts::default().into(),
        });
        catalog.observe(Arc::new(ConfigurationLog));
        let system_tables = Arc::new(SystemCatalog::new(Arc::clone(&sources)));
        let feeds = Feeds::new(shards.clone(), Arc::clone(&clock)).with_row_tables(system_tables.clone());
        let feeds = Arc::new(feeds);
        let services = Services {
            catalog: Arc::clone(&catalog),
            shards: shards.clone(),
            feeds: feeds.clone(),
            system_tables,
            scripts: Arc::new(QuickJs),
            fetcher: Arc::new(HttpFetcher::new(Arc::clone(&random))),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            memory,
            spill: spill_space(&options.place),
        };
        let executor = Executor::new(Arc::new(services))
            .with_parallelism(options.parallelism)
            .with_narrowing(options.narrowing);
        let executor = Arc::new(executor);
        Ok(Self { engine, shards, catalog, executor, sources, feeds, clock, random })
    }

    /// Runs a term in its JSON form (as drivers send it) as `admin`: the rows of a
    /// sequence, or a single value. Blocks until what it wrote is durable.
    pub fn run(&self, term: &str) -> Result<Vec<Datum>, RunError> {
        self.run_in_batches(term, Budget::default().rows_max)
    }

    /// How a term in its JSON form would run, as one object: the query as text, the stages
    /// that rows pass through, and the tree of operations. Nothing runs.
    pub fn explain(&self, term: &str) -> Result<Datum, RunError> {
        let plan = self.run_query(&format!("[{EXPLAIN_QUERY_TYPE},{term}]"), 1)?;
        Ok(plan.into_iter().next().unwrap_or(Datum::Null))
    }

    /// The same as [`run`](Self::run), the rows of a sequence being made in batches of so many
    /// at most.
    pub fn run_in_batches(&self, term: &str, rows_max: usize) -> Result<Vec<Datum>, RunError> {
        self.run_query(&format!("[1,{term}]"), rows_max)
    }

    /// Opens a query in its wire form, `[1, term, options]`, as `admin`. Its rows are made as
    /// they are asked for.
    pub fn query(&self, query: &[u8]) -> Result<Rows, RunError> {
        self.open_query(query, Budget::default())
    }

    fn run_query(&self, query: &str, rows_max: usize) -> Result<Vec<Datum>, RunError> {
        self.open_query(query.as_bytes(), Budget { rows_max, ..Budget::default() })?.collect()
    }

    fn open_query(&self, query: &[u8], budget: Budget) -> Result<Rows, RunError> {
        let Query::Start(query) = decode_query(query)? else {
            return Err(ReqlError::client("Expected a term.").into());
        };
        let request =
            Request { query, user: ADMIN.into(), cancel: Cancel::default(), memory: Arc::default() };
        match self.executor.run(request) {
            Ok(answer) => Rows::new(answer, Arc::clone(&self.engine), budget),
            Err(failure) => {
                failure.acknowledgement.wait(self.engine.as_ref())?;
                Err(failure.error.into())
            }
        }
    }

    /// Whether it was made when it was opened, with the initial password.
    pub fn is_new(&self) -> bool {
        self.catalog.is_new()
    }

    /// The metadata as of now.
    pub fn state(&self) -> Arc<State> {
        self.catalog.state()
    }

    /// What needs somebody's attention now, the worst first.
    pub fn issues(&self) -> Vec<Issue> {
        issues::issues(&self.sources)
    }

    /// Opens the doors for drivers and HTTP. Must run inside a tokio runtime.
    pub async fn serve(&self, options: &ServerOptions) -> Result<Server, ServerError> {
        let context = Context::new(
            Arc::clone(&self.executor),
            Arc::clone(&self.sources),
            Arc::clone(&self.feeds),
            Arc::clone(&self.clock),
            Arc::clone(&self.random),
        );
        let server = Server::start(Arc::new(context), options).await?;
        *self.sources.doors.write() = DoorFacts {
            driver_port: server.driver_port(),
            http_port: server.http_port(),
            addresses: server.driver_addresses(),
        };
        Ok(server)
    }

    /// Ends feeds and index builds and writes everything out, so that the next start is
    /// quick. A database that is just dropped loses nothing, either.
    pub fn close(self) -> Result<(), StorageError> {
        if let Some(backups) = &self.sources.backups {
            backups.shut_down();
        }
        self.shards.shut_down();
        // Without it the next start takes a little longer.
        if let Err(error) = self.catalog.list_tables() {
            tracing::warn!(%error, "could not write the table directory");
        }
        self.engine.checkpoint()
    }
}

fn process_facts(options: &DatabaseOptions, cache_bytes: u64) -> ProcessFacts {
    ProcessFacts {
        arguments: std::env::args().collect(),
        // Tools of RethinkDB look for its name and version.
        version: format!(
            "rethinkdb {} (PhotonDB {})",
            photondb_server::SERVER_VERSION,
            env!("CARGO_PKG_VERSION")
        ),
        cache_megabytes: (cache_bytes / (1024 * 1024)) as f64,
        memory_megabytes: memory_bytes().map(|bytes| (bytes / (1024 * 1024)) as f64),
        cache_is_automatic: options.cache_size == CacheSize::Automatic,
        host_name: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
    }
}

fn backups(
    options: &DatabaseOptions,
    engine: &Arc<dyn Engine>,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<Backups>> {
    let Place::Directory(directory) = &options.place else { return None };
    let directory = options.backup_directory.clone().unwrap_or_else(|| directory.join(BACKUPS));
    Some(Backups::new(directory, Arc::clone(engine), Arc::clone(clock)))
}

fn measure_disk(place: &Place) -> Option<MeasureDisk> {
    let Place::Directory(directory) = place else { return None };
    let directory = directory.clone();
    Some(Box::new(move || {
        let room = rustix::fs::statvfs(&directory).ok()?;
        Some(DiskRoom {
            available_bytes: room.f_bavail.saturating_mul(room.f_frsize),
            total_bytes: room.f_blocks.saturating_mul(room.f_frsize),
        })
    }))
}

fn spill_space(place: &Place) -> Arc<dyn SpillSpace> {
    match place {
        Place::Memory => Arc::new(NoSpill),
        Place::Directory(directory) => Arc::new(TemporaryFiles { directory: directory.clone() }),
    }
}
