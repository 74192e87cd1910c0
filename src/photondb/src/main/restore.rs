//! `photondb restore`: an archive into tables.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use photondb_archive::{Archive, ArchivedTable, Documents, TableDescription};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::loader::{Conflict, LoadOptions, Loader};
use crate::output::{OutputArguments, counted};
use crate::progress::Progress;
use crate::session::{Session, SessionArguments};
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

    #[command(flatten)]
    placement: Placement,

    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    session: SessionArguments,
}

/// How created tables are spread over servers.
#[derive(Debug, Args)]
pub struct Placement {
    /// Shards of created tables
    #[arg(long, value_name = "NUM")]
    shards: Option<u32>,

    /// Replicas of created tables
    #[arg(long, value_name = "NUM")]
    replicas: Option<u32>,
}

impl Placement {
    /// The same for `tableCreate`.
    pub fn apply(&self, create: Term) -> Term {
        let with = |create: Term, name: &str, count: Option<u32>| match count {
            Some(count) => create.option(name, count),
            None => create,
        };
        with(with(create, "shards", self.shards), "replicas", self.replicas)
    }
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
    command_error::run(|| restore(arguments))
}

fn restore(arguments: &RestoreArguments) -> Result<(), CommandError> {
    let archive = Archive::open(&arguments.file)?;
    let chosen = choose(&archive, &arguments.import)?;
    let mut session = arguments.session.open()?;
    let databases: BTreeSet<String> = session.databases()?.into_iter().collect();
    let targets = look(&mut session, chosen, &databases)?;
    check(&mut session, &targets, arguments.force)?;
    create(&mut session, &targets, databases, &arguments.placement)?;
    let bytes = targets.iter().map(|target| target.archived.documents_bytes).sum();
    let progress = Progress::start(bytes, arguments.quiet);
    archive.each(|archived, documents| {
        match targets.iter().find(|target| std::ptr::eq(target.archived, archived)) {
            Some(target) => load(&mut session, target, documents, arguments, &progress),
            None => Ok(()),
        }
    })?;
    let mut indexes = 0;
    if !arguments.no_secondary_indexes {
        progress.say("building indexes");
        for target in &targets {
            indexes += create_indexes(&mut session, target)?;
        }
        for target in &targets {
            session.run(&target.table.index_wait())?;
        }
    }
    for target in &targets {
        set_write_hook(&mut session, target)?;
    }
    let (rows, elapsed) = progress.finish();
    if arguments.quiet {
        return Ok(());
    }
    let (tables, seconds) = (targets.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Restored {} with {} and {} from {} in {seconds:.1} s",
        counted(tables, "table"),
        counted(rows, "document"),
        counted(indexes as u64, "index"),
        arguments.file.display(),
    );
    let number = |count: u64| Datum::Number(count as f64);
    arguments.output.report(
        &sentence,
        &[
            ("tables", number(tables)),
            ("documents", number(rows)),
            ("indexes", number(indexes as u64)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn load(
    session: &mut Session,
    target: &Target<'_>,
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
    progress.say(target.name());
    let name = format!("{} of {}, row", target.name(), arguments.file.display());
    let mut loader = Loader::new(session, &target.table, name, options);
    let mut bytes_before = 0;
    let mut row = 0;
    while let Some(document) = documents.next_document()? {
        row += 1;
        loader.push(document, row)?;
        progress.advance(1, documents.bytes_read() - bytes_before);
        bytes_before = documents.bytes_read();
    }
    loader.finish()
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
    session: &mut Session,
    chosen: Vec<&'a ArchivedTable>,
    databases: &BTreeSet<String>,
) -> Result<Vec<Target<'a>>, CommandError> {
    let mut existing = BTreeSet::new();
    let wanted: BTreeSet<&String> = chosen.iter().map(|table| &table.database).collect();
    for database in wanted.into_iter().filter(|database| databases.contains(*database)) {
        let tables = session.names(&Term::db(database).table_list())?;
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
fn check(session: &mut Session, targets: &[Target<'_>], force: bool) -> Result<(), CommandError> {
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
        let info = session.run(&target.table.info())?;
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
    session: &mut Session,
    targets: &[Target<'_>],
    mut databases: BTreeSet<String>,
    placement: &Placement,
) -> Result<(), CommandError> {
    for target in targets.iter().filter(|target| !target.existed) {
        let database = &target.archived.database;
        if databases.insert(database.clone()) {
            let create = Term::call(TermType::DbCreate, &[database.as_str().into()], &[]);
            session.run(&create)?;
        }
        let create = Term::db(database).table_create(target.archived.table.as_str());
        let mut create = placement.apply(create.option("primary_key", target.primary_key()));
        if let Some(time_to_live) = target.description().and_then(TableDescription::time_to_live) {
            create = create.option("ttl", time_to_live);
        }
        session.run(&create)?;
    }
    Ok(())
}

/// Starts building the indexes of a table; those that are there and the same are left alone.
/// Gives how many the table has in the archive.
fn create_indexes(session: &mut Session, target: &Target<'_>) -> Result<usize, CommandError> {
    let Some(description) = target.description() else { return Ok(0) };
    let there = match target.existed {
        true => session.run(&target.table.index_status())?,
        false => Datum::array([]),
    };
    for index in &description.indexes {
        let mut statuses = there.as_array().into_iter().flatten();
        let there = statuses
            .find(|status| status.get("index").as_ref().and_then(Datum::as_str) == Some(index.name.as_str()));
        match there {
            Some(status) if status.get("function").as_ref() == Some(&index.function) => continue,
            Some(_) => {
                session.run(&target.table.index_drop(index.name.as_str()))?;
            }
            None => {}
        }
        let create = target.table.index_create_with(index.name.as_str(), index.function.clone());
        session.run(&create)?;
    }
    Ok(description.indexes.len())
}

fn set_write_hook(session: &mut Session, target: &Target<'_>) -> Result<(), CommandError> {
    if let Some(hook) = target.description().and_then(|description| description.write_hook.clone()) {
        let set = Term::call(TermType::SetWriteHook, &[target.table.clone(), hook.into()], &[]);
        session.run(&set)?;
    }
    Ok(())
}
