//! The door of the evaluator: what a session hands in and what it gets back.

use std::sync::Arc;
use std::time::Duration;

use photondb_base::{Cancel, Clock, DatabaseId, IdentifierFormat, Random, TableId};
use photondb_catalog::Catalog;
use photondb_datum::{Datum, Text};
use photondb_plan::feed::{FeedOpener, FeedStream};
use photondb_reql::{ReqlError, StartQuery};
use photondb_table::{Acknowledgement, Budget, Shards};

use crate::fetch::Fetcher;
use crate::memory::{MemoryPool, MemoryUse};
use crate::sort::SpillSpace;

/// What the evaluator stands on; made once by the composition root.
pub struct Services {
    pub catalog: Arc<Catalog>,
    pub shards: Arc<dyn Shards>,
    pub feeds: Arc<dyn FeedOpener>,
    pub system_tables: Arc<dyn SystemTables>,
    pub scripts: Arc<dyn Scripts>,
    pub fetcher: Arc<dyn Fetcher>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub memory: Arc<MemoryPool>,
    pub spill: Arc<dyn SpillSpace>,
}

/// The space of names from which RethinkDB derives the ids of what is the same on every
/// server.
const SYSTEM_NAMES: uuid::Uuid = uuid::uuid!("39a24924-14ec-4deb-99f1-742eda7aba5e");

/// The id of the `rethinkdb` database, the same on every server.
pub fn system_database_id() -> DatabaseId {
    DatabaseId(uuid::Uuid::new_v5(&SYSTEM_NAMES, b"rethinkdb").as_u128())
}

/// The id of a table of the `rethinkdb` database, by which its changefeeds are opened.
pub fn system_table_id(name: &str) -> TableId {
    let database = uuid::Uuid::from_u128(system_database_id().0);
    TableId(uuid::Uuid::new_v5(&database, name.as_bytes()).as_u128())
}

/// One row that is to be written to a table of the `rethinkdb` database: `old` and `new` as
/// in an effect, null when absent.
pub struct SystemWrite<'a> {
    /// The primary key.
    pub key: &'a Datum,
    /// Whether nobody chose the primary key.
    pub key_is_generated: bool,
    pub old: &'a Datum,
    pub new: &'a Datum,
    /// How the rows name other things.
    pub identifiers: IdentifierFormat,
    /// Who writes; that the table may be written has been checked.
    pub user: &'a Text,
}

/// The tables of the `rethinkdb` database, which no disk holds.
pub trait SystemTables: Send + Sync {
    /// The rows of a table; `None` when there is no such table. Rows carry their primary
    /// key in the field that `primary_key` tells, and name other things as `format` says.
    fn rows(&self, table: &str, format: IdentifierFormat) -> Option<Result<Vec<Datum>, ReqlError>>;
    /// The row with a primary key, null when there is none; `None` when there is no such table.
    fn row(&self, table: &str, key: &Datum, format: IdentifierFormat) -> Option<Result<Datum, ReqlError>>;
    /// Writes one row and gives it as it is then, null when it is absent.
    fn write(&self, table: &str, write: SystemWrite<'_>) -> Result<Datum, ReqlError>;
    /// The primary key field of a table.
    fn primary_key(&self, table: &str) -> Option<&'static str>;
    /// The names of all of them, sorted.
    fn names(&self) -> &'static [&'static str];
}

/// One START query of one session.
pub struct Request {
    pub query: Box<StartQuery>,
    pub user: Text,
    pub cancel: Cancel,
    /// Told what the query takes, for whoever wants to know.
    pub memory: Arc<MemoryUse>,
}

/// What the session gets back at once; rows follow from the outcome.
pub struct Answer {
    pub outcome: Outcome,
    /// Wait until the log has come so far before answering.
    pub acknowledgement: Acknowledgement,
    /// The profile, when the query asked for one.
    pub profile: Option<Datum>,
}

/// Why a query failed. Its earlier writes stand, and are waited for all the same.
#[derive(Debug)]
pub struct Failure {
    pub error: ReqlError,
    /// Wait until the log has come so far before answering.
    pub acknowledgement: Acknowledgement,
}

/// What a query evaluates to.
pub enum Outcome {
    /// SUCCESS_ATOM
    Atom(Datum),
    /// SUCCESS_SEQUENCE or SUCCESS_PARTIAL, batch by batch.
    Stream(Box<dyn ResultStream>),
    /// SUCCESS_PARTIAL for as long as the client listens.
    Feed(Box<dyn FeedStream>),
}

/// A finite stream of rows.
pub trait ResultStream: Send {
    /// Appends rows to `out`, within the budget; `false` when nothing follows.
    /// May take long: run it where blocking is allowed.
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError>;
}

/// Runs the JavaScript of `r.js`; injected, since an engine for it is a heavy thing.
pub trait Scripts: Send + Sync {
    /// Evaluates a source text within a time limit.
    fn evaluate(&self, source: &str, timeout: Duration) -> Result<Script, ReqlError>;
}

/// What a source text evaluates to.
pub enum Script {
    Value(Datum),
    Function(Arc<dyn ScriptFunction>),
}

/// A function that a script gave.
pub trait ScriptFunction: Send + Sync {
    /// Calls it within the time limit of its script.
    fn call(&self, arguments: &[Datum]) -> Result<Datum, ReqlError>;
}
