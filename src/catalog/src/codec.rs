//! How metadata is stored: packed documents in a tree of their own, one per thing.
//!
//! A key is one byte for the kind followed by the id: 16 bytes big-endian for databases and
//! tables, the name for users. The header is a single record; it has the format version and
//! is written by every command, because it has the number of the next tree. Behind it may stand
//! the table directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{DatabaseId, IndexId, LogPosition, TableId, TreeId};
use photondb_datum::{Datum, DatumRef, Text, packed};
use photondb_storage::{Batch, Snapshot};
use photondb_table::Durability;

use crate::credentials::ScramCredentials;
use crate::error::CatalogError;
use crate::expiry::{Expiry, TimeToLive};
use crate::model::{
    ClusterConfig, Database, Index, Server, ServerId, ShardConfig, Table, User, WriteAcks, WriteHookConfig,
};
use crate::permissions::{Grants, Permission, Permissions};
use crate::record::{Fields, read_uuid, view};
use crate::state::State;

/// The tree that is reserved for metadata.
pub(crate) const METADATA_TREE: TreeId = TreeId(0);

const FORMAT_VERSION: u64 = 1;
pub(crate) const HEADER: u8 = 0;
pub(crate) const DATABASE: u8 = 1;
pub(crate) const TABLE: u8 = 2;
pub(crate) const USER: u8 = 3;

type Result<T> = std::result::Result<T, CatalogError>;

/// A table from its record.
pub(crate) fn decode_table(record: &[u8]) -> Result<Table> {
    read_table(&Fields::of(view(record)?))
}

/// A table from where its record is stored.
pub(crate) fn read_stored(snapshot: &dyn Snapshot, id: TableId) -> Result<Table> {
    let record = snapshot.get(METADATA_TREE, &id_key(TABLE, id.0))?;
    decode_table(&record.ok_or(CatalogError::Damaged("no record"))?)
}

pub(crate) fn put_header(batch: &mut Batch, state: &State) {
    let record = Datum::object([
        ("format_version", whole(FORMAT_VERSION)),
        ("server_id", uuid(state.server.id.0)),
        ("server_name", Datum::String(state.server.name.clone())),
        ("server_tags", Datum::array(state.server.tags.iter().cloned().map(Datum::String))),
        ("heartbeat_timeout_seconds", Datum::Number(state.cluster.heartbeat_timeout_seconds)),
        ("next_tree", whole(state.next_tree)),
        ("version", whole(state.version)),
    ]);
    put(batch, [HEADER], &record);
}

pub(crate) fn put_database(batch: &mut Batch, database: &Database) {
    let record = Datum::object([("id", uuid(database.id.0)), ("name", Datum::String(database.name.clone()))]);
    put(batch, id_key(DATABASE, database.id.0), &record);
}

pub(crate) fn delete_database(batch: &mut Batch, id: DatabaseId) {
    batch.delete(METADATA_TREE, id_key(DATABASE, id.0));
}

pub(crate) fn put_table(batch: &mut Batch, table: &Table) {
    let hook = table.write_hook.as_ref().map_or(Datum::Null, |hook| {
        Datum::object([
            ("function", Datum::Binary(hook.function.clone())),
            ("query", Datum::String(hook.query.clone())),
        ])
    });
    let record = Datum::object([
        ("id", uuid(table.id.0)),
        ("database", uuid(table.database.0)),
        ("name", Datum::String(table.name.clone())),
        ("primary_key", Datum::String(table.primary_key.clone())),
        ("tree", whole(table.tree.0)),
        ("soft", Datum::Bool(table.durability == Durability::Soft)),
        ("single_ack", Datum::Bool(table.write_acks == WriteAcks::Single)),
        ("shards", Datum::array(table.shards.iter().map(shard_record))),
        ("indexes", Datum::array(table.indexes.values().map(|index| index_record(index)))),
        ("write_hook", hook),
        ("data", table.data.clone()),
        ("expiry", table.expiry.as_ref().map_or(Datum::Null, expiry_record)),
    ]);
    put(batch, id_key(TABLE, table.id.0), &record);
}

/// Forgets a table and drops its trees.
pub(crate) fn delete_table(batch: &mut Batch, table: &Table) {
    batch.delete(METADATA_TREE, id_key(TABLE, table.id.0));
    batch.drop_tree(table.tree);
    for index in table.indexes.values() {
        batch.drop_tree(index.tree);
    }
    if let Some(expiry) = &table.expiry {
        batch.drop_tree(expiry.tree);
    }
}

pub(crate) fn put_user(batch: &mut Batch, user: &User) {
    let credentials = &user.credentials;
    let databases = user.grants.databases.iter().map(|(database, permissions)| {
        Datum::object([("database", uuid(database.0)), ("permissions", permissions_record(permissions))])
    });
    let tables = user.grants.tables.iter().map(|((database, table), permissions)| {
        Datum::object([
            ("database", uuid(database.0)),
            ("table", uuid(table.0)),
            ("permissions", permissions_record(permissions)),
        ])
    });
    let record = Datum::object([
        ("name", Datum::String(user.name.clone())),
        ("salt", binary(&credentials.salt)),
        ("iterations", whole(credentials.iterations.into())),
        ("stored_key", binary(&credentials.stored_key)),
        ("server_key", binary(&credentials.server_key)),
        ("has_password", Datum::Bool(user.has_password)),
        ("global", permissions_record(&user.grants.global)),
        ("databases", Datum::array(databases)),
        ("tables", Datum::array(tables)),
    ]);
    put(batch, user_key(&user.name), &record);
}

pub(crate) fn delete_user(batch: &mut Batch, name: &str) {
    batch.delete(METADATA_TREE, user_key(name));
}

fn index_record(index: &Index) -> Datum {
    Datum::object([
        ("id", uuid(index.id.0)),
        ("name", Datum::String(index.name.clone())),
        ("tree", whole(index.tree.0)),
        ("multi", Datum::Bool(index.multi)),
        ("geo", Datum::Bool(index.geo)),
        ("unique", Datum::Bool(index.unique)),
        ("function", Datum::Binary(index.function.clone())),
        ("query", Datum::String(index.query.clone())),
        ("ready", Datum::Bool(index.ready)),
    ])
}

fn expiry_record(expiry: &Expiry) -> Datum {
    Datum::object([
        ("id", uuid(expiry.id.0)),
        ("tree", whole(expiry.tree.0)),
        ("field", Datum::String(expiry.ttl.field.clone())),
        ("seconds", expiry.ttl.seconds.map_or(Datum::Null, Datum::Number)),
        ("ready", Datum::Bool(expiry.ready)),
    ])
}

fn shard_record(shard: &ShardConfig) -> Datum {
    let servers = |ids: &[ServerId]| Datum::array(ids.iter().map(|id| uuid(id.0)));
    Datum::object([
        ("primary", uuid(shard.primary.0)),
        ("replicas", servers(&shard.replicas)),
        ("nonvoting", servers(&shard.nonvoting)),
    ])
}

const PERMISSIONS: [Permission; 4] =
    [Permission::Read, Permission::Write, Permission::Config, Permission::Connect];

fn permissions_record(permissions: &Permissions) -> Datum {
    let said = |permission| permissions.get(permission).map(|value| (permission.name(), Datum::Bool(value)));
    Datum::object(PERMISSIONS.into_iter().filter_map(said))
}

pub(crate) fn read_header(fields: &Fields<'_>) -> Result<State> {
    let found = fields.whole("format_version")?;
    if found > FORMAT_VERSION {
        return Err(CatalogError::NewerFormat { found, supported: FORMAT_VERSION });
    }
    let tags = fields.items("server_tags")?;
    let server = Server {
        id: ServerId(fields.uuid("server_id")?),
        name: fields.text("server_name")?,
        tags: tags
            .map(|tag| tag.as_str().map(Text::from))
            .collect::<Option<_>>()
            .ok_or(CatalogError::Damaged("server_tags"))?,
    };
    Ok(State {
        version: fields.whole("version")?,
        server: Arc::new(server),
        cluster: ClusterConfig { heartbeat_timeout_seconds: fields.number("heartbeat_timeout_seconds")? },
        databases: BTreeMap::new(),
        databases_by_id: Default::default(),
        tables: Default::default(),
        users: Default::default(),
        next_tree: fields.whole("next_tree")?,
        position: LogPosition(0),
    })
}

pub(crate) fn read_database(fields: &Fields<'_>) -> Result<Database> {
    Ok(Database { id: DatabaseId(fields.uuid("id")?), name: fields.text("name")? })
}

fn read_table(fields: &Fields<'_>) -> Result<Table> {
    Ok(Table {
        data: fields.field("data")?.to_datum(),
        database: DatabaseId(fields.uuid("database")?),
        // Directories made before there was expiry do not have it.
        expiry: match fields.find("expiry") {
            None | Some(DatumRef::Null) => None,
            Some(expiry) => Some(read_expiry(&Fields::of(expiry))?),
        },
        id: TableId(fields.uuid("id")?),
        indexes: fields.items("indexes")?.map(|item| read_index(&Fields::of(item))).collect::<Result<_>>()?,
        name: fields.text("name")?,
        primary_key: fields.text("primary_key")?,
        shards: fields.items("shards")?.map(|item| read_shard(&Fields::of(item))).collect::<Result<_>>()?,
        write_acks: if fields.bool("single_ack")? { WriteAcks::Single } else { WriteAcks::Majority },
        durability: if fields.bool("soft")? { Durability::Soft } else { Durability::Hard },
        tree: TreeId(fields.whole("tree")?),
        write_hook: match fields.field("write_hook")? {
            DatumRef::Null => None,
            hook => {
                let hook = Fields::of(hook);
                Some(WriteHookConfig { function: hook.binary("function")?, query: hook.text("query")? })
            }
        },
    })
}

fn read_index(fields: &Fields<'_>) -> Result<(Text, Arc<Index>)> {
    let index = Index {
        function: fields.binary("function")?,
        geo: fields.bool("geo")?,
        id: IndexId(fields.uuid("id")?),
        multi: fields.bool("multi")?,
        name: fields.text("name")?,
        query: fields.text("query")?,
        ready: fields.bool("ready")?,
        tree: TreeId(fields.whole("tree")?),
        // Likewise.
        unique: fields.find("unique").is_some_and(|unique| unique.as_bool() == Some(true)),
    };
    Ok((index.name.clone(), Arc::new(index)))
}

fn read_expiry(fields: &Fields<'_>) -> Result<Expiry> {
    let field = fields.text("field")?;
    Ok(Expiry {
        id: IndexId(fields.uuid("id")?),
        ready: fields.bool("ready")?,
        ttl: TimeToLive {
            field,
            seconds: match fields.field("seconds")? {
                DatumRef::Null => None,
                _ => Some(fields.number("seconds")?),
            },
        },
        tree: TreeId(fields.whole("tree")?),
    })
}

fn read_shard(fields: &Fields<'_>) -> Result<ShardConfig> {
    let servers = |name: &'static str| -> Result<Vec<ServerId>> {
        let ids = fields.items(name)?.map(|id| read_uuid(id).map(ServerId));
        ids.collect::<Option<_>>().ok_or(CatalogError::Damaged(name))
    };
    Ok(ShardConfig {
        nonvoting: servers("nonvoting")?,
        primary: ServerId(fields.uuid("primary")?),
        replicas: servers("replicas")?,
    })
}

pub(crate) fn read_user(fields: &Fields<'_>) -> Result<User> {
    let mut grants = Grants { global: read_permissions(fields.field("global")?), ..Grants::default() };
    for item in fields.items("databases")? {
        let grant = Fields::of(item);
        let database = DatabaseId(grant.uuid("database")?);
        grants.databases.insert(database, read_permissions(grant.field("permissions")?));
    }
    for item in fields.items("tables")? {
        let grant = Fields::of(item);
        let key = (DatabaseId(grant.uuid("database")?), TableId(grant.uuid("table")?));
        grants.tables.insert(key, read_permissions(grant.field("permissions")?));
    }
    let credentials = ScramCredentials {
        salt: fields.exact("salt")?,
        iterations: u32::try_from(fields.whole("iterations")?)
            .map_err(|_| CatalogError::Damaged("iterations"))?,
        stored_key: fields.exact("stored_key")?,
        server_key: fields.exact("server_key")?,
    };
    Ok(User { name: fields.text("name")?, credentials, has_password: fields.bool("has_password")?, grants })
}

fn read_permissions(record: DatumRef<'_>) -> Permissions {
    let said = |permission: Permission| record.get(permission.name()).and_then(|value| value.as_bool());
    Permissions {
        read: said(Permission::Read),
        write: said(Permission::Write),
        config: said(Permission::Config),
        connect: said(Permission::Connect),
    }
}

fn put(batch: &mut Batch, key: impl AsRef<[u8]>, record: &Datum) {
    batch.put(METADATA_TREE, key, packed::encode(record));
}

fn id_key(kind: u8, id: u128) -> [u8; 17] {
    let mut key = [kind; 17];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

fn user_key(name: &str) -> Vec<u8> {
    let mut key = vec![USER];
    key.extend_from_slice(name.as_bytes());
    key
}

fn whole(number: u64) -> Datum {
    Datum::Number(number as f64)
}

fn uuid(id: u128) -> Datum {
    binary(&id.to_be_bytes())
}

fn binary(bytes: &[u8]) -> Datum {
    Datum::Binary(Bytes::copy_from_slice(bytes))
}
