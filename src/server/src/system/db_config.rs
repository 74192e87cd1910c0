//! `db_config`: databases.

use std::sync::Arc;

use photondb_base::DatabaseId;
use photondb_catalog::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, refuse_read_only, text_field};

pub(super) struct DbConfig(pub(super) Arc<Sources>);

impl SystemTable for DbConfig {
    fn name(&self) -> &'static str {
        "db_config"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(self.0.catalog.state().databases().map(|database| database.describe()).collect())
    }

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        let catalog = &self.0.catalog;
        if new.is_null() {
            let name = text_field(old, self.name(), "name")?;
            return self.0.settle(catalog.drop_database(&name)).map(drop);
        }
        if old.is_null() {
            return Err(ReqlError::op_failed(
                "Databases are created with `dbCreate`, not by inserting into `rethinkdb.db_config`.",
            ));
        }
        refuse_read_only(self.name(), old, new, &["name"])?;
        let id = old.get("id").and_then(|id| DatabaseId::parse(id.as_str()?));
        let Some(id) = id else { return Err(ReqlError::internal("a database without an id")) };
        let name = text_field(new, self.name(), "name")?;
        self.0.settle(catalog.rename_database(id, &name)).map(drop)
    }
}
