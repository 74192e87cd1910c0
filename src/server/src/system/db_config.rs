//! `db_config`: databases.

use std::sync::Arc;

use photondb_base::{DatabaseId, IdentifierFormat};
use photondb_catalog::{Permission, Scope};
use photondb_datum::{Datum, Text};
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::fields::{self, Fields, within, wrong_format};
use super::{Sources, SystemTable, refused};

pub(super) struct DbConfig(pub(super) Arc<Sources>);

impl SystemTable for DbConfig {
    fn name(&self) -> &'static str {
        "db_config"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(self.0.catalog.state().databases().map(|database| database.describe()).collect())
    }

    fn row(&self, key: &Datum, _format: IdentifierFormat) -> Result<Datum, ReqlError> {
        let state = self.0.catalog.state();
        let database = key.as_str().and_then(DatabaseId::parse).and_then(|id| state.database_by_id(id));
        Ok(database.map_or(Datum::Null, |database| database.describe()))
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        let catalog = &self.0.catalog;
        let id = write.key.as_str().and_then(DatabaseId::parse);
        let known = id.filter(|id| catalog.state().database_by_id(*id).is_some());
        let allowed = |scope| {
            let state = catalog.state();
            state.check_permission(write.user, Permission::Config, scope).map_err(|error| refused(&error))
        };
        match (known, write.new.is_null()) {
            (None, true) => Ok(()),
            (Some(id), true) => {
                allowed(Scope::Global)?;
                self.0.settle(catalog.drop_database_by_id(id)).map(drop)
            }
            (Some(id), false) => {
                let name = parse(write.new).map_err(wrong_format(self.name()))?;
                allowed(Scope::Database(id))?;
                self.0.settle(catalog.rename_database(id, &name)).map(drop)
            }
            (None, false) => {
                let name = parse(write.new).map_err(wrong_format(self.name()))?;
                let Some(id) = id.filter(|_| write.key_is_generated) else {
                    // RethinkDB's own words, table and all.
                    return Err(ReqlError::op_failed(
                        "If you want to create a new table by inserting into `rethinkdb.db_config`, you must use \
                         an auto-generated primary key.",
                    ));
                };
                allowed(Scope::Global)?;
                self.0.settle(catalog.create_database_as(id, &name)).map(drop)
            }
        }
    }
}

/// The name that a row asks for.
fn parse(row: &Datum) -> Result<Text, ReqlError> {
    let mut fields = Fields::of(row)?;
    let name = fields::name(&fields.require("name")?, "db name").map_err(within("name"))?;
    fields.require("id")?;
    fields.finish()?;
    Ok(name)
}
