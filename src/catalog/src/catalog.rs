//! The catalog: opens the metadata, gives out states, carries out commands one by one.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use photondb_base::{IndexId, LogPosition, Random, TableId, TreeId};
use photondb_datum::Text;
use photondb_storage::{Batch, Engine, StorageError};
use photondb_table::{IndexObserver, TableLayout, TableLayouts, Tables};

use crate::codec::{self, METADATA_TREE};
use crate::credentials::{ITERATIONS_DEFAULT, SALT_BYTES, ScramCredentials};
use crate::databases::FIRST_DATABASE;
use crate::directory_record;
use crate::error::CatalogError;
use crate::load;
use crate::model::{Database, Server, ServerId};
use crate::names::{NameKind, check_name};
use crate::state::State;
use crate::table_directory::DIRECTORY_TABLES_MIN;
use crate::tables::DEFAULT_TAG;
use crate::users::{self, Password};

/// Trees below this are reserved.
pub(crate) const FIRST_TREE: u64 = 16;
const _: () = assert!(METADATA_TREE.0 < FIRST_TREE);

/// What a new data directory starts with; ignored for an existing one, except where said.
#[derive(Clone, Debug, Default)]
pub struct CatalogOptions {
    /// The server's name; also renames an existing server. Made up when absent.
    pub server_name: Option<Text>,
    /// The password of `admin`; empty when absent.
    pub initial_password: Option<String>,
}

/// What a command did, and the log position that must be durable before it is acknowledged.
#[derive(Clone, Debug)]
#[must_use]
pub struct Applied<T> {
    /// What it did.
    pub outcome: T,
    /// Where in the log.
    pub position: LogPosition,
}

/// Is told about every new state, in order, while the next command waits: must be quick and
/// must not run commands.
pub trait StateObserver: Send + Sync {
    /// The state before and the state after.
    fn changed(&self, old: &Arc<State>, new: &Arc<State>);
}

/// The metadata of a server.
pub struct Catalog {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) random: Arc<dyn Random>,
    state: ArcSwap<State>,
    is_new: bool,
    /// Held by the command that is being carried out.
    commands: Mutex<Commands>,
    observers: RwLock<Vec<Arc<dyn StateObserver>>>,
}

/// What one command after the other may look at.
struct Commands {
    /// The version of the state that the stored table directory is of.
    listed_version: Option<u64>,
}

/// A command while it is carried out: the next state and the batch that leads to it.
pub(crate) struct Command {
    pub(crate) state: State,
    pub(crate) batch: Batch,
}

impl Catalog {
    /// Loads the metadata, or makes that of a new data directory with a database `test`. Tables
    /// are opened when they are first used, those with something to do at once.
    pub fn open(
        engine: Arc<dyn Engine>,
        tables: Arc<dyn Tables>,
        random: Arc<dyn Random>,
        options: CatalogOptions,
    ) -> Result<Arc<Self>, CatalogError> {
        let loaded = load::load_listed(&engine)?;
        let is_new = loaded.is_none();
        let (state, is_listed) = match loaded {
            Some(loaded) => loaded,
            None => (create(engine.as_ref(), random.as_ref(), &options)?, false),
        };
        let listed_version = is_listed.then_some(state.version);
        let catalog = Arc::new(Self {
            engine,
            tables,
            random,
            state: ArcSwap::from_pointee(state),
            is_new,
            commands: Mutex::new(Commands { listed_version }),
            observers: RwLock::new(Vec::new()),
        });
        let weak = Arc::downgrade(&catalog);
        catalog.tables.observe_indexes(Arc::new(ReadyRecorder(weak.clone())));
        if let Some(name) = options.server_name
            && catalog.state().server().name != name
        {
            let renamed = catalog.rename_server(&name)?;
            catalog.engine.wait_durable(renamed.position)?;
        }
        let state = catalog.state();
        catalog.tables.open_when_used(Arc::new(StoredLayouts(weak)));
        for entry in state.tables.unsettled() {
            if let Some(table) = entry.try_table()? {
                catalog.tables.open_table(table.layout())?;
            }
        }
        Ok(catalog)
    }

    /// Whether opening it made the metadata: the data directory was a new one.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The metadata as of now.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Adds somebody who is told about every new state.
    pub fn observe(&self, observer: Arc<dyn StateObserver>) {
        self.observers.write().push(observer);
    }

    /// Writes the table directory, so that the next start finds many tables at once: to be called
    /// when there will be no more commands. Changes nothing that anybody sees.
    pub fn list_tables(&self) -> Result<(), CatalogError> {
        let mut commands = self.commands.lock();
        let state = self.state();
        if commands.listed_version == Some(state.version) {
            return Ok(());
        }
        let mut batch = Batch::new();
        let is_listed =
            state.table_count() >= DIRECTORY_TABLES_MIN && directory_record::put(&mut batch, &state);
        if is_listed || directory_record::delete(&mut batch, self.engine.snapshot().as_ref())? {
            self.engine.commit(batch)?;
        }
        commands.listed_version = is_listed.then_some(state.version);
        Ok(())
    }

    /// Gives this server another name.
    pub fn rename_server(&self, name: &str) -> Result<Applied<Arc<Server>>, CatalogError> {
        self.configure_server(name, None)
    }

    /// Gives this server a name and, unless absent, tags by which tables choose servers.
    pub fn configure_server(
        &self,
        name: &str,
        tags: Option<BTreeSet<Text>>,
    ) -> Result<Applied<Arc<Server>>, CatalogError> {
        check_name(NameKind::Server, name)?;
        self.command(|command| {
            let mut server = (*command.state.server).clone();
            server.name = Text::from(name);
            if let Some(tags) = tags {
                server.tags = tags.into_iter().collect();
            }
            let server = Arc::new(server);
            command.state.server = server.clone();
            Ok(server)
        })
    }

    /// Sets settings of the whole cluster.
    pub fn configure_cluster(
        &self,
        cluster: crate::model::ClusterConfig,
    ) -> Result<Applied<()>, CatalogError> {
        self.command(|command| {
            command.state.cluster = cluster;
            Ok(())
        })
    }

    /// Carries out one command: `edit` changes a copy of the state and adds to the batch;
    /// then the batch is committed and the copy becomes the state.
    pub(crate) fn command<T>(
        &self,
        edit: impl FnOnce(&mut Command) -> Result<T, CatalogError>,
    ) -> Result<Applied<T>, CatalogError> {
        self.command_with(edit, |_, commit| Ok(commit()?), |_| Ok(()))
    }

    /// [`Catalog::command`] with `around`, which has to commit, and `then`, which is called
    /// after the commit, before anybody sees the new state.
    pub(crate) fn command_with<T>(
        &self,
        edit: impl FnOnce(&mut Command) -> Result<T, CatalogError>,
        around: impl FnOnce(&T, &mut Commit<'_>) -> Result<(), CatalogError>,
        then: impl FnOnce(&T) -> Result<(), CatalogError>,
    ) -> Result<Applied<T>, CatalogError> {
        let _one_by_one = self.commands.lock();
        let old = self.state();
        let mut command = Command { state: (*old).clone(), batch: Batch::new() };
        let outcome = edit(&mut command)?;
        let Command { mut state, mut batch } = command;
        state.version = old.version + 1;
        codec::put_header(&mut batch, &state);
        let mut position = old.position;
        around(&outcome, &mut || {
            position = self.engine.commit(std::mem::take(&mut batch))?;
            Ok(())
        })?;
        assert!(batch.is_empty(), "a command has to commit");
        state.position = position;
        let new = Arc::new(state);
        // What is committed is the state, whatever comes of serving it.
        let served = then(&outcome);
        self.state.store(new.clone());
        for observer in self.observers.read().iter() {
            observer.changed(&old, &new);
        }
        served?;
        Ok(Applied { outcome, position })
    }
}

/// Commits the batch of a command.
pub(crate) type Commit<'a> = dyn FnMut() -> Result<(), StorageError> + 'a;

impl Command {
    /// A tree that was never used.
    pub(crate) fn new_tree(&mut self) -> TreeId {
        let tree = TreeId(self.state.next_tree);
        self.state.next_tree += 1;
        tree
    }
}

/// Writes down which indexes are complete.
struct ReadyRecorder(Weak<Catalog>);

impl ReadyRecorder {
    fn record(&self, table: TableId, index: IndexId, ready: bool) {
        let Some(catalog) = self.0.upgrade() else { return };
        if let Err(error) = catalog.mark_index(table, index, ready) {
            // An index that is ready works until a restart, which builds it again.
            tracing::warn!(%table, %index, ready, %error, "could not record the state of an index");
        }
    }
}

impl IndexObserver for ReadyRecorder {
    fn index_ready(&self, table: TableId, index: IndexId) {
        self.record(table, index, true);
    }

    fn index_stale(&self, table: TableId, index: IndexId) {
        self.record(table, index, false);
    }
}

/// How tables were left: commands open a table before they change how it is served, so that
/// the state of the moment has what a table is to be opened with.
struct StoredLayouts(Weak<Catalog>);

impl TableLayouts for StoredLayouts {
    fn layout(&self, table: TableId) -> Option<TableLayout> {
        Some(self.0.upgrade()?.state().table_by_id(table)?.layout())
    }
}

/// The metadata of a new data directory.
fn create(engine: &dyn Engine, random: &dyn Random, options: &CatalogOptions) -> Result<State, CatalogError> {
    let name = match &options.server_name {
        Some(name) => {
            check_name(NameKind::Server, name)?;
            name.clone()
        }
        None => Text::from(format!("photondb_{:08x}", random.next_u64() as u32)),
    };
    let password = options.initial_password.as_deref().unwrap_or_default();
    let admin = Arc::new(users::admin(new_credentials(random, password.into()), !password.is_empty()));
    let server = Server { id: ServerId(new_uuid(random)), name, tags: vec![Text::from_static(DEFAULT_TAG)] };
    let mut state = State {
        version: 1,
        server: Arc::new(server),
        cluster: crate::model::ClusterConfig::default(),
        databases: Default::default(),
        databases_by_id: Default::default(),
        tables: Default::default(),
        users: Arc::new([(admin.name.clone(), admin.clone())].into()),
        next_tree: FIRST_TREE,
        position: LogPosition(0),
    };
    let test = Arc::new(Database {
        id: photondb_base::DatabaseId(new_uuid(random)),
        name: Text::from(FIRST_DATABASE),
    });
    state.put_database(test.clone());
    let mut batch = Batch::new();
    codec::put_header(&mut batch, &state);
    codec::put_database(&mut batch, &test);
    codec::put_user(&mut batch, &admin);
    state.position = engine.commit(batch)?;
    engine.wait_durable(state.position)?;
    Ok(state)
}

/// A random UUID, version 4.
pub(crate) fn new_uuid(random: &dyn Random) -> u128 {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0x3 << 62;
    (random.next_u128() & !VERSION & !VARIANT) | (0x4 << 76) | (0x2 << 62)
}

pub(crate) fn new_credentials(random: &dyn Random, password: Password<'_>) -> ScramCredentials {
    let mut salt = [0u8; SALT_BYTES];
    salt.copy_from_slice(&random.next_u128().to_le_bytes());
    // An empty password is no secret; iterating over it would only slow every login.
    let usual = if password.text.is_empty() { 1 } else { ITERATIONS_DEFAULT };
    let iterations = password.iterations.unwrap_or(usual).min(users::ITERATIONS_MAX);
    ScramCredentials::derive(password.text, salt, iterations)
}
