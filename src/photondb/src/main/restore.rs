//! `photondb restore`: an archive into tables, or backups into a data directory.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use photondb_archive::{Archive, ArchivedTable, Documents};
use photondb_datum::Datum;

use crate::command_error::{self, CommandError};
use crate::loader::{Conflict, LoadOptions, Loader};
use crate::output::{counted, number};
use crate::progress::Progress;
use crate::restore_backup::{self, RestoreBackupArguments};
use crate::session::Session;
use crate::table_choice::{TableChoice, TableName, is_chosen, unmatched};
use crate::target::{self, Placement, Target};
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb restore photondb_dump_2026-01-31T12-00-00.tar.gz
      Every table of the archive, into the server on localhost.
  photondb restore shop.tar.gz -i shop.orders --force
      One table; documents that are there already with the same key are replaced.
  photondb restore /backups --data-dir photondb_data --to 2026-01-31T12:00:00Z
      A new data directory, out of what `photondb backup --into /backups` has written, as of a
      moment. Without --to or --to-position it is as of the last backup.

Tables that exist already are an error before anything is written, unless --force is given.
Databases and tables that are missing are created. Archives may come from `photondb dump` or
from RethinkDB's tools.";

/// What to restore, and how.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The archive, or the directory of backups
    file: PathBuf,

    #[command(flatten)]
    backup: RestoreBackupArguments,

    /// Restore this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    import: Vec<TableChoice>,

    /// Restore into tables that exist, replacing documents that have the same key
    #[arg(long)]
    force: bool,

    /// Leave secondary indexes away
    #[arg(long)]
    no_secondary_indexes: bool,

    /// Inserts that are under way at the same time
    #[arg(long, value_name = "NUM", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,

    /// Wait for the disk after each insert, not only at the end of each table
    #[arg(long)]
    hard_durability: bool,

    /// Taken for the sake of scripts that were made for RethinkDB: nothing is set aside here
    #[arg(long, value_name = "DIR", hide = true)]
    temp_dir: Option<PathBuf>,

    #[command(flatten)]
    placement: Placement,

    #[command(flatten)]
    tool: ToolArguments,
}

/// Restores and tells what was restored.
pub fn run(arguments: &RestoreArguments) -> ExitCode {
    command_error::run(|| match restore_backup::is_meant(&arguments.file, &arguments.backup) {
        true => restore_backup::restore(
            &arguments.file,
            &arguments.backup,
            arguments.tool.session.data_dir.as_deref(),
            arguments.tool.quiet,
            arguments.tool.output,
        ),
        false => restore(arguments),
    })
}

fn restore(arguments: &RestoreArguments) -> Result<(), CommandError> {
    let archive = Archive::open(&arguments.file)?;
    let mut targets = choose(&archive, &arguments.import)?;
    let mut session = arguments.tool.session.open()?;
    target::look(&mut session, &mut targets)?;
    target::check(&mut session, &targets, arguments.force)?;
    target::create(&mut session, &targets, &arguments.placement)?;
    let bytes = archive.tables().iter().filter(|archived| find(&targets, archived).is_some());
    let progress =
        Progress::start(bytes.map(|archived| archived.documents_bytes).sum(), arguments.tool.quiet);
    archive.each(|archived, documents| match find(&targets, archived) {
        Some(target) => load(&mut session, target, documents, arguments, &progress),
        None => Ok(()),
    })?;
    let indexes = target::finish(&mut session, &targets, !arguments.no_secondary_indexes, &progress)?;
    let (rows, elapsed) = progress.finish();
    if arguments.tool.quiet {
        return Ok(());
    }
    let (tables, seconds) = (targets.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Restored {} with {} and {} from {} in {seconds:.1} s",
        counted(tables, "table"),
        counted(rows, "document"),
        counted(indexes, "index"),
        arguments.file.display(),
    );
    arguments.tool.output.report(
        &sentence,
        &[
            ("tables", number(tables)),
            ("documents", number(rows)),
            ("indexes", number(indexes)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn choose(archive: &Archive, choices: &[TableChoice]) -> Result<Vec<Target>, CommandError> {
    let tables = archive.tables();
    let names: Vec<(&str, &str)> =
        tables.iter().map(|table| (table.database.as_str(), table.table.as_str())).collect();
    if let Some(choice) = unmatched(choices, &names) {
        let text = format!("the archive has no table that `--import {choice}` fits");
        return Err(CommandError::Refused(text));
    }
    let chosen = tables.iter().filter(|table| is_chosen(choices, &table.database, &table.table));
    Ok(chosen.map(|table| Target::described(name_of(table), table.description.clone())).collect())
}

fn find<'a>(targets: &'a [Target], archived: &ArchivedTable) -> Option<&'a Target> {
    targets.iter().find(|target| target.name == name_of(archived))
}

fn name_of(archived: &ArchivedTable) -> TableName {
    TableName { database: archived.database.clone(), table: archived.table.clone() }
}

fn load(
    session: &mut Session,
    target: &Target,
    mut documents: Documents<impl Read>,
    arguments: &RestoreArguments,
    progress: &Progress,
) -> Result<(), CommandError> {
    let options = LoadOptions {
        conflict: if arguments.force { Conflict::Replace } else { Conflict::Error },
        hard_durability: arguments.hard_durability,
        ignore_write_hook: true,
        inserts_unanswered_max: usize::from(arguments.clients),
    };
    progress.say(target.name.to_string());
    let name = format!("{} of {}, line", target.name, arguments.file.display());
    let mut loader = Loader::new(session, &target.term, name, options);
    let mut bytes_before = 0;
    while let Some(document) = documents.next_document()? {
        loader.push(document, documents.line())?;
        progress.advance(1, documents.bytes_read() - bytes_before);
        bytes_before = documents.bytes_read();
    }
    loader.finish()
}
