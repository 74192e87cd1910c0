//! `photondb restore`: an archive into tables of a running server.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use photondb_archive::{Archive, ArchivedTable, TableDescription};
use photondb_client::{Connection, Term};
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::loader::Loader;
use crate::progress::Progress;
use crate::remote::{self, CommandError, RemoteArguments};
use crate::table_choice::{TableChoice, is_chosen, unmatched};

pub const EXAMPLES: &str = "\
Examples:
  photondb restore photondb_dump_2026-01-31T12-00-00.tar.gz
      Every table of the archive, into the server on localhost.
  photondb restore shop.tar.gz -i shop.orders --force
      One table; documents that are there already with the same key are replaced.

Tables that exist already are an error before anything is written, unless --force is given.
Databases and tables that are missing are created. Archives may come from `photondb dump` or
from RethinkDB's tools.";

/// What a table is identified by when its archive does not say.
const PRIMARY_KEY_DEFAULT: &str = "id";

/// What to restore, and how.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The archive
    file: PathBuf,

    #[command(flatten)]
    remote: RemoteArguments,

    /// Restore this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    import: Vec<TableChoice>,

    /// Restore into tables that exist, replacing documents that have the same key
    #[arg(long)]
    force: bool,

    /// Leave secondary indexes away
    #[arg(long)]
    no_secondary_indexes: bool,
}

/// A table of the archive on its way into the server.
struct Target<'a> {
    archived: &'a ArchivedTable,
    table: Term,
    /// Whether the server had it before.
    existed: bool,
}

impl Target<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.archived.database, self.archived.table)
    }

    fn description(&self) -> Option<&TableDescription> {
        self.archived.description.as_ref()
    }

    fn primary_key(&self) -> &str {
        self.description().map_or(PRIMARY_KEY_DEFAULT, |description| &description.primary_key)
    }
}

/// Restores and tells what was restored.
pub fn run(arguments: &RestoreArguments) -> ExitCode {
    remote::run(|| restore(arguments))
}

fn restore(arguments: &RestoreArguments) -> Result<(), CommandError> {
    let archive = Archive::open(&arguments.file)?;
    let chosen = choose(&archive, &arguments.import)?;
    let mut connection = arguments.remote.open()?;
    let databases: BTreeSet<String> = remote::databases(&mut connection)?.into_iter().collect();
    let targets = look(&mut connection, chosen, &databases)?;
    check(&mut connection, &targets, arguments.force)?;
    create(&mut connection, &targets, databases)?;
    let mut progress = Progress::start(targets.iter().map(|target| target.archived.documents_bytes).sum());
    archive.each(|archived, documents| {
        let Some(target) = targets.iter().find(|target| std::ptr::eq(target.archived, archived)) else {
            return Ok(());
        };
        let loader = Loader::new(&mut connection, &target.table, target.name(), arguments.force);
        loader.load(documents, &mut progress)
    })?;
    let mut indexes = 0;
    if !arguments.no_secondary_indexes {
        progress.say("building indexes");
        for target in &targets {
            indexes += create_indexes(&mut connection, target)?;
        }
        for target in &targets {
            connection.run_value(&target.table.index_wait().start())?;
        }
    }
    for target in &targets {
        set_write_hook(&mut connection, target)?;
    }
    let (rows, elapsed) = progress.finish();
    println!(
        "Restored {} tables with {rows} documents and {indexes} indexes from {} in {:.1} s",
        targets.len(),
        arguments.file.display(),
        elapsed.as_secs_f64()
    );
    Ok(())
}

fn choose<'a>(archive: &'a Archive, choices: &[TableChoice]) -> Result<Vec<&'a ArchivedTable>, CommandError> {
    let tables = archive.tables();
    let names: Vec<(&str, &str)> =
        tables.iter().map(|table| (table.database.as_str(), table.table.as_str())).collect();
    if let Some(choice) = unmatched(choices, &names) {
        let text = format!("the archive has no table that `--import {choice}` fits");
        return Err(CommandError::Refused(text));
    }
    Ok(tables.iter().filter(|table| is_chosen(choices, &table.database, &table.table)).collect())
}

/// Finds out which tables there are already.
fn look<'a>(
    connection: &mut Connection,
    chosen: Vec<&'a ArchivedTable>,
    databases: &BTreeSet<String>,
) -> Result<Vec<Target<'a>>, CommandError> {
    let mut existing = BTreeSet::new();
    let wanted: BTreeSet<&String> = chosen.iter().map(|table| &table.database).collect();
    for database in wanted.into_iter().filter(|database| databases.contains(*database)) {
        let tables = remote::names(connection, &Term::db(database).table_list())?;
        existing.extend(tables.into_iter().map(|table| (database.clone(), table)));
    }
    let target = |archived: &'a ArchivedTable| Target {
        archived,
        table: Term::db(&archived.database).table_of(&archived.table),
        existed: existing.contains(&(archived.database.clone(), archived.table.clone())),
    };
    Ok(chosen.into_iter().map(target).collect())
}

/// Refuses what would not end well while nothing is written.
fn check(connection: &mut Connection, targets: &[Target<'_>], force: bool) -> Result<(), CommandError> {
    let existing: Vec<&Target<'_>> = targets.iter().filter(|target| target.existed).collect();
    if !force && !existing.is_empty() {
        let names: Vec<String> = existing.iter().map(|target| target.name()).collect();
        return Err(CommandError::Refused(format!(
            "these tables exist already: {}; --force restores into them, replacing documents that have \
             the same key",
            names.join(", ")
        )));
    }
    for target in existing {
        let info = connection.run_value(&target.table.info().start())?;
        let primary_key = info.get("primary_key");
        if primary_key.as_ref().and_then(Datum::as_str) != Some(target.primary_key()) {
            return Err(CommandError::Refused(format!(
                "table {} exists with another primary key than `{}`, which it has in the archive",
                target.name(),
                target.primary_key()
            )));
        }
    }
    Ok(())
}

/// Creates the databases and tables that are missing.
fn create(
    connection: &mut Connection,
    targets: &[Target<'_>],
    mut databases: BTreeSet<String>,
) -> Result<(), CommandError> {
    for target in targets.iter().filter(|target| !target.existed) {
        let database = &target.archived.database;
        if databases.insert(database.clone()) {
            let create = Term::call(TermType::DbCreate, &[database.as_str().into()], &[]);
            connection.run_value(&create.start())?;
        }
        let create = Term::db(database).table_create(target.archived.table.as_str());
        let mut create = create.option("primary_key", target.primary_key());
        if let Some(time_to_live) = target.description().and_then(TableDescription::time_to_live) {
            create = create.option("ttl", time_to_live);
        }
        connection.run_value(&create.start())?;
    }
    Ok(())
}

/// Starts building the indexes of a table; those that are there and the same are left alone.
/// Gives how many the table has in the archive.
fn create_indexes(connection: &mut Connection, target: &Target<'_>) -> Result<usize, CommandError> {
    let Some(description) = target.description() else { return Ok(0) };
    let there = match target.existed {
        true => connection.run_value(&target.table.index_status().start())?,
        false => Datum::array([]),
    };
    for index in &description.indexes {
        let mut statuses = there.as_array().into_iter().flatten();
        let there = statuses
            .find(|status| status.get("index").as_ref().and_then(Datum::as_str) == Some(index.name.as_str()));
        match there {
            Some(status) if status.get("function").as_ref() == Some(&index.function) => continue,
            Some(_) => {
                connection.run_value(&target.table.index_drop(index.name.as_str()).start())?;
            }
            None => {}
        }
        let create = target.table.index_create_with(index.name.as_str(), index.function.clone());
        connection.run_value(&create.start())?;
    }
    Ok(description.indexes.len())
}

fn set_write_hook(connection: &mut Connection, target: &Target<'_>) -> Result<(), CommandError> {
    if let Some(hook) = target.description().and_then(|description| description.write_hook.clone()) {
        let set = Term::call(TermType::SetWriteHook, &[target.table.clone(), hook.into()], &[]);
        connection.run_value(&set.start())?;
    }
    Ok(())
}
