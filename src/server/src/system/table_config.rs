//! `table_config`: what can be set about tables.

use std::sync::Arc;

use photondb_base::TableId;
use photondb_catalog::{IdentifierFormat, TableEdit, TimeToLive, WriteAcks};
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::Durability;

use super::{Sources, SystemTable, refuse_read_only, refused, text_field, wrong_row};

pub(super) struct TableConfig(pub(super) Arc<Sources>);

impl SystemTable for TableConfig {
    fn name(&self) -> &'static str {
        "table_config"
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.0.catalog.state();
        Ok(state.tables().map(|table| state.describe_table(table, format)).collect())
    }

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        if old.is_null() {
            return Err(ReqlError::op_failed(
                "Tables are created with `tableCreate`, not by inserting into `rethinkdb.table_config`.",
            ));
        }
        if new.is_null() {
            return self.drop_table(old);
        }
        refuse_read_only(
            self.name(),
            old,
            new,
            &["name", "db", "durability", "write_acks", "shards", "data", "ttl"],
        )?;
        let id = old.get("id").and_then(|id| TableId::parse(id.as_str()?));
        let Some(id) = id else { return Err(ReqlError::internal("a table without an id")) };
        let edit = self.edit(old, new)?;
        self.0.settle(self.0.catalog.configure_table(id, edit)).map(drop)
    }
}

impl TableConfig {
    fn drop_table(&self, old: &Datum) -> Result<(), ReqlError> {
        let state = self.0.catalog.state();
        let database = text_field(old, self.name(), "db")?;
        let name = text_field(old, self.name(), "name")?;
        drop(state);
        self.0.settle(self.0.catalog.drop_table(&database, &name)).map(drop)
    }

    fn edit(&self, old: &Datum, new: &Datum) -> Result<TableEdit, ReqlError> {
        let table = self.name();
        let changed = |field: &str| old.get(field) != new.get(field);
        let mut edit = TableEdit::default();
        if changed("name") {
            edit.name = Some(text_field(new, table, "name")?);
        }
        if changed("db") {
            let name = text_field(new, table, "db")?;
            let state = self.0.catalog.state();
            edit.database = Some(state.database(&name).map_err(|error| refused(&error))?.id);
        }
        if changed("durability") {
            edit.durability = Some(match text_field(new, table, "durability")?.as_str() {
                "hard" => Durability::Hard,
                "soft" => Durability::Soft,
                other => {
                    let what = format!("In `durability`: Expected \"hard\" or \"soft\", got \"{other}\".");
                    return Err(wrong_row(table, &what));
                }
            });
        }
        if changed("write_acks") {
            edit.write_acks = Some(match text_field(new, table, "write_acks")?.as_str() {
                "single" => WriteAcks::Single,
                "majority" => WriteAcks::Majority,
                other => {
                    let what =
                        format!("In `write_acks`: Expected \"single\" or \"majority\", got \"{other}\".");
                    return Err(wrong_row(table, &what));
                }
            });
        }
        if changed("shards") {
            let count = new.get("shards").as_ref().and_then(Datum::as_array).map_or(0, |shards| shards.len());
            edit.shards = Some(self.0.catalog.shards(count, 1).map_err(|error| refused(&error))?);
        }
        if changed("data") {
            edit.data = Some(new.get("data").unwrap_or(Datum::Null));
        }
        if changed("ttl") {
            let ttl = TimeToLive::parse(&new.get("ttl").unwrap_or(Datum::Null));
            edit.ttl = Some(ttl.map_err(|error| wrong_row(table, &error.to_string()))?);
        }
        Ok(edit)
    }
}
