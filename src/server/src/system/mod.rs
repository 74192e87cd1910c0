//! The tables of the `rethinkdb` database: the server as rows. One file per table.

mod cluster_config;
mod current_issues;
mod db_config;
mod debug_scratch;
mod fields;
mod jobs;
mod logs;
mod permissions;
mod server_config;
mod server_status;
mod shards;
mod stats;
mod table_config;
mod table_status;
mod users;
mod watchers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use photondb_base::{IdentifierFormat, LogPosition, TableId};
use photondb_catalog::{Applied, Catalog, CatalogError, ErrorClass, State, StateObserver, Table};
use photondb_datum::{Datum, pseudo};
use photondb_exec::{MemoryPool, SystemTables, SystemWrite, system_table_id};
use photondb_feed::{RowTable, RowTables, Wake};
use photondb_reql::{ErrorKind, ReqlError};
use photondb_storage::Engine;
use photondb_table::Shards;

use crate::backups::Backups;
use crate::context::Activity;
use crate::issues::DiskRoom;
use crate::jobs::Jobs;
use crate::log_book::LogBook;
use watchers::Watchers;

/// What the tables tell about the process itself.
#[derive(Clone, Debug, Default)]
pub struct ProcessFacts {
    /// The command line.
    pub arguments: Vec<String>,
    /// The name of this version, in the form that RethinkDB's tools look for.
    pub version: String,
    /// The page cache in megabytes.
    pub cache_megabytes: f64,
    /// The memory of the machine or the container in megabytes, where it can be known.
    pub memory_megabytes: Option<f64>,
    /// Whether the size of the cache was chosen by the server.
    pub cache_is_automatic: bool,
    /// The host's name.
    pub host_name: String,
}

/// Where the doors are; known once they are open.
#[derive(Clone, Debug, Default)]
pub struct DoorFacts {
    /// The port for drivers.
    pub driver_port: u16,
    /// The HTTP port, when there is one.
    pub http_port: Option<u16>,
    /// Addresses on which the server listens.
    pub addresses: Vec<SocketAddr>,
}

/// Asks the system how much of the disk is free.
pub type MeasureDisk = Box<dyn Fn() -> Option<DiskRoom> + Send + Sync>;

/// What the tables are made from.
pub struct Sources {
    /// Databases, tables, users.
    pub catalog: Arc<Catalog>,
    /// Documents and their statistics.
    pub shards: Arc<dyn Shards>,
    /// The log and the cache.
    pub engine: Arc<dyn Engine>,
    /// What runs.
    pub jobs: Arc<Jobs>,
    /// The memory of all queries.
    pub memory: Arc<MemoryPool>,
    /// Counts.
    pub activity: Arc<Activity>,
    /// The last log messages.
    pub logs: Arc<LogBook>,
    /// How much of the disk is free, where there is one and it tells.
    pub disk_room: Option<MeasureDisk>,
    /// The backups that the server keeps of itself, where there is a disk for them.
    pub backups: Option<Arc<Backups>>,
    /// The process.
    pub process: ProcessFacts,
    /// The doors, set when they are open.
    pub doors: RwLock<DoorFacts>,
}

/// One table of the `rethinkdb` database.
trait SystemTable: Send + Sync {
    fn name(&self) -> &'static str;

    /// Whether rows change by themselves, so that their feeds have to look.
    fn changes_silently(&self) -> bool {
        false
    }

    /// The rows; `format` tells how they name servers, databases and tables.
    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError>;

    /// The row with a primary key, null when there is none.
    fn row(&self, key: &Datum, format: IdentifierFormat) -> Result<Datum, ReqlError> {
        let mut rows = self.rows(format)?.into_iter();
        Ok(rows.find(|row| row.get(PRIMARY_KEY).as_ref() == Some(key)).unwrap_or(Datum::Null))
    }

    /// Writes a row. It may be one that is absent and stays absent.
    fn write(&self, _write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        Err(ReqlError::op_failed(format!("It's illegal to write to the `rethinkdb.{}` table.", self.name())))
    }
}

/// The tables of the `rethinkdb` database.
pub struct SystemCatalog {
    tables: Vec<(TableId, Arc<Watched>)>,
    watchers: Arc<Watchers>,
}

/// A table and those who watch all of them.
struct Watched {
    table: Box<dyn SystemTable>,
    watchers: Arc<Watchers>,
}

/// Every table has this primary key.
const PRIMARY_KEY: &str = "id";

/// How often feeds look at tables whose rows change by themselves.
const POLL_PERIOD: Duration = Duration::from_secs(1);

/// The tables that `tableList` gives; those for debugging are not among them.
const LISTED: [&str; 12] = [
    "cluster_config",
    "current_issues",
    "db_config",
    "jobs",
    "logs",
    "permissions",
    "server_config",
    "server_status",
    "stats",
    "table_config",
    "table_status",
    "users",
];

/// The others.
const DEBUG: [&str; 1] = ["_debug_scratch"];

/// The ids of the tables that users may have permissions for.
fn system_table_ids() -> BTreeMap<TableId, &'static str> {
    LISTED.iter().chain(&DEBUG).map(|name| (system_table_id(name), *name)).collect()
}

impl SystemCatalog {
    /// All tables over the given sources.
    pub fn new(sources: Arc<Sources>) -> Self {
        let tables: Vec<Box<dyn SystemTable>> = vec![
            Box::new(debug_scratch::DebugScratch::default()),
            Box::new(cluster_config::ClusterConfigTable(Arc::clone(&sources))),
            Box::new(current_issues::CurrentIssues(Arc::clone(&sources))),
            Box::new(db_config::DbConfig(Arc::clone(&sources))),
            Box::new(jobs::JobsTable(Arc::clone(&sources))),
            Box::new(logs::LogsTable(Arc::clone(&sources))),
            Box::new(permissions::PermissionsTable::new(Arc::clone(&sources), system_table_ids())),
            Box::new(server_config::ServerConfig(Arc::clone(&sources))),
            Box::new(server_status::ServerStatus(Arc::clone(&sources))),
            Box::new(stats::Stats::new(Arc::clone(&sources))),
            Box::new(table_config::TableConfig(Arc::clone(&sources))),
            Box::new(table_status::TableStatus(Arc::clone(&sources))),
            Box::new(users::Users(Arc::clone(&sources))),
        ];
        let watchers = Arc::new(Watchers::default());
        sources.catalog.observe(Arc::clone(&watchers) as Arc<dyn StateObserver>);
        let tables = tables.into_iter().map(|table| {
            let id = system_table_id(table.name());
            (id, Arc::new(Watched { table, watchers: Arc::clone(&watchers) }))
        });
        Self { tables: tables.collect(), watchers }
    }

    fn find(&self, name: &str) -> Option<&dyn SystemTable> {
        let mut tables = self.tables.iter().map(|(_, watched)| watched.table.as_ref());
        tables.find(|table| table.name() == name)
    }
}

impl RowTables for SystemCatalog {
    fn table(&self, id: TableId) -> Option<Arc<dyn RowTable>> {
        let (_, watched) = self.tables.iter().find(|(other, _)| *other == id)?;
        Some(Arc::clone(watched) as Arc<dyn RowTable>)
    }
}

impl RowTable for Watched {
    fn rows(&self, identifiers: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        self.table.rows(identifiers)
    }

    fn watch(&self, wake: &Wake) {
        self.watchers.add(wake);
    }

    fn poll_every(&self) -> Option<Duration> {
        self.table.changes_silently().then_some(POLL_PERIOD)
    }
}

impl SystemTables for SystemCatalog {
    fn rows(&self, table: &str, format: IdentifierFormat) -> Option<Result<Vec<Datum>, ReqlError>> {
        self.find(table).map(|table| table.rows(format))
    }

    fn row(&self, table: &str, key: &Datum, format: IdentifierFormat) -> Option<Result<Datum, ReqlError>> {
        self.find(table).map(|table| table.row(key, format))
    }

    fn write(&self, table: &str, write: SystemWrite<'_>) -> Result<Datum, ReqlError> {
        let Some(table) = self.find(table) else {
            return Err(ReqlError::op_failed(format!("Table `rethinkdb.{table}` does not exist.")));
        };
        table.write(&write)?;
        self.watchers.tell();
        table.row(write.key, write.identifiers)
    }

    fn primary_key(&self, table: &str) -> Option<&'static str> {
        self.find(table).map(|_| PRIMARY_KEY)
    }

    fn names(&self) -> &'static [&'static str] {
        &LISTED
    }
}

impl Sources {
    /// Waits until a command is durable: its row was promised.
    fn settle<T>(&self, applied: Result<Applied<T>, CatalogError>) -> Result<T, ReqlError> {
        let Applied { outcome, position } = applied.map_err(|error| refused(&error))?;
        self.settle_at(position)?;
        Ok(outcome)
    }

    fn settle_at(&self, position: LogPosition) -> Result<(), ReqlError> {
        self.engine.wait_durable(position).map_err(|error| ReqlError::op_indeterminate(error.to_string()))
    }

    /// The name of this server.
    fn server_name(&self) -> Datum {
        Datum::String(self.catalog.state().server().name.clone())
    }

    /// The name of this server or its id.
    fn server_label(&self, format: IdentifierFormat) -> Datum {
        match format {
            IdentifierFormat::Name => self.server_name(),
            IdentifierFormat::Uuid => self.server_id(),
        }
    }

    /// The id of this server as a text.
    fn server_id(&self) -> Datum {
        Datum::string(self.catalog.state().server().id.to_string())
    }
}

/// The name of a table's database or its id.
fn database_label(state: &State, table: &Table, format: IdentifierFormat) -> Datum {
    match format {
        IdentifierFormat::Name => Datum::String(state.database_name(table)),
        IdentifierFormat::Uuid => Datum::string(table.database.to_string()),
    }
}

/// The name of a table or its id.
fn table_label(table: &Table, format: IdentifierFormat) -> Datum {
    match format {
        IdentifierFormat::Name => Datum::String(table.name.clone()),
        IdentifierFormat::Uuid => Datum::string(table.id.to_string()),
    }
}

fn refused(error: &CatalogError) -> ReqlError {
    let kind = match error.class() {
        ErrorClass::Logic => ErrorKind::QueryLogic,
        ErrorClass::OpFailed => ErrorKind::OpFailed,
        ErrorClass::Permission => ErrorKind::Permission,
        ErrorClass::Internal => ErrorKind::Internal,
    };
    ReqlError::new(kind, error.to_string())
}

/// A time of the system as a ReQL time.
fn time(at: std::time::SystemTime) -> Datum {
    let seconds = at.duration_since(std::time::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    pseudo::time((seconds * 1000.0).round() / 1000.0, "+00:00")
}

fn number(count: u64) -> Datum {
    Datum::Number(count as f64)
}
