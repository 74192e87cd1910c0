//! Writes to the tables of the `rethinkdb` database, row by row.

use std::sync::Arc;

use photondb_base::prompt;
use photondb_catalog::Permission;
use photondb_datum::Datum;
use photondb_reql::ErrorKind;
use photondb_table::{
    ChangePair, Conflict, ReturnChanges, RowError, WriteFunction, WriteSummary, check_replacement,
    duplicate_key, primary_key_of,
};

use super::row_error;
use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::request::SystemWrite;
use crate::terms::merge::merge;
use crate::value::TableRef;

/// A table of the `rethinkdb` database that the user may write.
pub(super) struct SystemRows<'a> {
    env: &'a Arc<Environment>,
    table: &'a Arc<TableRef>,
    return_changes: ReturnChanges,
}

impl<'a> SystemRows<'a> {
    pub(super) fn open(
        env: &'a Arc<Environment>,
        table: &'a Arc<TableRef>,
        return_changes: ReturnChanges,
    ) -> Result<Self> {
        prompt::before_waiting()?;
        env.check_cancelled()?;
        if !table.configuration {
            env.check_table(Permission::Write, table)?;
        }
        Ok(Self { env, table, return_changes })
    }

    pub(super) fn insert(
        &mut self,
        document: Datum,
        key_is_generated: bool,
        conflict: &Conflict,
        summary: &mut WriteSummary,
    ) -> Result<()> {
        let primary_key = self.table.primary_key.as_str();
        let key = match primary_key_of(&document, primary_key) {
            Ok(key) => key,
            Err(error) => {
                self.note(summary, &Datum::Null, Err(error));
                return Ok(());
            }
        };
        let old = self.row(&key)?;
        let new = match (&old, conflict) {
            (Datum::Null, _) | (_, Conflict::Replace) => Ok(document),
            (old, Conflict::Update) => Ok(merge(old, &document)),
            (old, Conflict::Function(function)) => function.resolve(&key, old, &document),
            (old, Conflict::Error) => Err(duplicate_key(primary_key, old, &document)),
        };
        self.write(&key, key_is_generated, &old, new, summary)
    }

    pub(super) fn replace(
        &mut self,
        key: &Datum,
        function: &dyn WriteFunction,
        summary: &mut WriteSummary,
    ) -> Result<()> {
        let old = self.row(key)?;
        let new = function.new_row(&old);
        self.write(key, false, &old, new, summary)
    }

    /// The row with a key; null when there is none.
    fn row(&self, key: &Datum) -> Result<Datum> {
        let TableRef { name, identifiers, .. } = &**self.table;
        let row = self.env.services()?.system_tables.row(name, key, *identifiers);
        let missing = || EvalError::failed(format!("Table `{}` does not exist.", self.table.full_name()));
        Ok(row.ok_or_else(missing)??)
    }

    fn write(
        &self,
        key: &Datum,
        key_is_generated: bool,
        old: &Datum,
        new: std::result::Result<Datum, RowError>,
        summary: &mut WriteSummary,
    ) -> Result<()> {
        let new = new.and_then(|new| {
            check_replacement(old, &new, key, &self.table.primary_key)?;
            Ok(new)
        });
        let new = match new {
            Ok(new) => new,
            Err(error) => {
                self.note(summary, old, Err(error));
                return Ok(());
            }
        };
        let TableRef { name, identifiers, .. } = &**self.table;
        let (identifiers, user) = (*identifiers, self.env.user());
        let write = SystemWrite { key, key_is_generated, old, new: &new, identifiers, user };
        match self.env.services()?.system_tables.write(name, write) {
            Ok(row) => self.note(summary, old, Ok(Written { asked: new, row })),
            // What a user may not do is no error of a row.
            Err(error) if error.kind == ErrorKind::Permission => return Err(error.into()),
            Err(error) => self.note(summary, old, Err(row_error(error.into()))),
        }
        Ok(())
    }

    fn note(&self, summary: &mut WriteSummary, old: &Datum, written: std::result::Result<Written, RowError>) {
        let always = self.return_changes == ReturnChanges::Always;
        match written {
            Ok(Written { asked, row }) => {
                let changed = asked != *old;
                match (old.is_null(), row.is_null()) {
                    (true, true) => summary.skipped += 1,
                    (true, false) => summary.inserted += 1,
                    (false, true) => summary.deleted += 1,
                    (false, false) if changed => summary.replaced += 1,
                    (false, false) => summary.unchanged += 1,
                }
                if always || (changed && self.return_changes == ReturnChanges::Yes) {
                    summary.changes.push(ChangePair { old: old.clone(), new: row, error: None });
                }
            }
            Err(error) => {
                summary.errors += 1;
                if always {
                    let error = Some(error.message.clone());
                    summary.changes.push(ChangePair { old: old.clone(), new: old.clone(), error });
                }
                summary.first_error.get_or_insert(error.message);
            }
        }
    }
}

/// A row that was written.
struct Written {
    /// As it was asked for: a password is in it.
    asked: Datum,
    /// As it is read from now on.
    row: Datum,
}
