//! Metadata as users see it: the rows of `db_config`, `table_config` and the like.

use photondb_base::IdentifierFormat;
use photondb_datum::{Datum, Text};
use photondb_table::Durability;

use crate::model::{Database, ServerId, ShardConfig, Table, User, WriteAcks};
use crate::permissions::{Permission, Permissions};
use crate::state::State;

impl State {
    /// The row of a table in `table_config`; the state may be older or newer than the table.
    pub fn describe_table(&self, table: &Table, format: IdentifierFormat) -> Datum {
        let database = match format {
            IdentifierFormat::Name => Datum::String(self.database_name(table)),
            IdentifierFormat::Uuid => Datum::string(table.database.to_string()),
        };
        self.describe_table_in(table, database, format)
    }

    /// [`State::describe_table`] for a table whose database may be gone.
    pub fn describe_table_in(&self, table: &Table, database: Datum, format: IdentifierFormat) -> Datum {
        let durability = if table.durability == Durability::Hard { "hard" } else { "soft" };
        let acks = if table.write_acks == WriteAcks::Majority { "majority" } else { "single" };
        let shards = table.shards.iter().map(|shard| self.describe_shard(shard, format));
        let hook = table.write_hook.as_ref().map_or(Datum::Null, |hook| {
            Datum::object([
                ("function", Datum::Binary(hook.function.clone())),
                ("query", Datum::String(hook.query.clone())),
            ])
        });
        let mut fields = vec![
            ("db", database),
            ("durability", Datum::from(durability)),
            ("id", Datum::string(table.id.to_string())),
            ("indexes", Datum::array(table.indexes.keys().cloned().map(Datum::String))),
            ("name", Datum::String(table.name.clone())),
            ("primary_key", Datum::String(table.primary_key.clone())),
            ("shards", Datum::array(shards)),
            ("write_acks", Datum::from(acks)),
            ("write_hook", hook),
        ];
        if !table.data.is_null() {
            fields.push(("data", table.data.clone()));
        }
        if let Some(expiry) = &table.expiry {
            fields.push(("ttl", expiry.ttl.describe()));
        }
        Datum::object(fields)
    }

    fn describe_shard(&self, shard: &ShardConfig, format: IdentifierFormat) -> Datum {
        let server = |id: &ServerId| match format {
            IdentifierFormat::Name if *id == self.server().id => Datum::String(self.server().name.clone()),
            _ => Datum::string(id.to_string()),
        };
        Datum::object([
            ("nonvoting_replicas", Datum::array(shard.nonvoting.iter().map(server))),
            ("primary_replica", server(&shard.primary)),
            ("replicas", Datum::array(shard.replicas.iter().map(server))),
        ])
    }
}

impl Database {
    /// The row in `db_config`.
    pub fn describe(&self) -> Datum {
        Datum::object([
            ("id", Datum::string(self.id.to_string())),
            ("name", Datum::String(self.name.clone())),
        ])
    }
}

impl User {
    /// The row in `users`.
    pub fn describe(&self) -> Datum {
        Datum::object([
            ("id", Datum::String(self.name.clone())),
            ("password", Datum::Bool(self.has_password)),
        ])
    }
}

impl Permissions {
    /// The permissions that are mentioned.
    pub fn describe(&self) -> Datum {
        let all = [Permission::Config, Permission::Connect, Permission::Read, Permission::Write];
        let said = |permission: Permission| {
            self.get(permission).map(|value| (Text::from(permission.name()), Datum::Bool(value)))
        };
        Datum::object(all.into_iter().filter_map(said))
    }
}
