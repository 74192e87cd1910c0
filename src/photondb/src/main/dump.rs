//! `photondb dump`: tables of a running server into an archive.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use photondb_archive::{ArchiveWriter, TableDescription, TableSpool};
use photondb_client::{Connection, Term};
use photondb_datum::Datum;
use photondb_datum::pseudo::CivilDate;
use photondb_reql::TermType;
use tempfile::NamedTempFile;

use crate::progress::Progress;
use crate::remote::{self, CommandError, RemoteArguments};
use crate::table_choice::{TableChoice, is_chosen, unmatched};

pub const EXAMPLES: &str = "\
Examples:
  photondb dump
      Every table of the server on localhost, into photondb_dump_DATE_TIME.tar.gz.
  photondb dump -c db.example:28015 -p password.txt -f shop.tar.gz -e shop -e test.people
      All of one database and one table of another.

Each table is read in the order of its primary key while the server goes on serving; writes
of other clients meanwhile may be in the dump or not. The archive is the one of RethinkDB:
its tools restore it, and `photondb restore` takes theirs. Only you can read the file.";

/// Databases that hold no documents of users.
const SYSTEM_DATABASE: &str = "rethinkdb";
const SECONDS_PER_DAY: u64 = 86_400;
const BUFFER_BYTES: usize = 256 * 1024;

/// What to dump, and where to.
#[derive(Debug, Args)]
pub struct DumpArguments {
    #[command(flatten)]
    remote: RemoteArguments,

    /// File to write; photondb_dump_DATE_TIME.tar.gz in this folder by default
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Dump this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    export: Vec<TableChoice>,

    /// Replace the file when there is one
    #[arg(long)]
    overwrite_file: bool,
}

/// Dumps and tells what was dumped.
pub fn run(arguments: &DumpArguments) -> ExitCode {
    remote::run(|| dump(arguments))
}

fn dump(arguments: &DumpArguments) -> Result<(), CommandError> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let top = dump_name(seconds);
    let path = arguments.file.clone().unwrap_or_else(|| PathBuf::from(format!("{top}.tar.gz")));
    if !arguments.overwrite_file && path.exists() {
        return Err(exists_already(&path));
    }
    let mut connection = arguments.remote.open()?;
    let tables = describe_tables(&mut connection, &arguments.export)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = NamedTempFile::with_prefix_in(".photondb_dump_", folder);
    let mut file = file.map_err(CommandError::file("create a file in", folder))?;
    let mut archive = ArchiveWriter::new(BufWriter::with_capacity(BUFFER_BYTES, &mut file), &top, seconds);
    let mut progress = Progress::start(tables.iter().filter_map(TableDescription::documents_estimate).sum());
    let mut indexes = 0;
    for table in &tables {
        let documents = read_documents(&mut connection, table, folder, &mut progress)?;
        archive.add(table, documents)?;
        indexes += table.indexes.len();
    }
    archive.finish()?.flush().map_err(CommandError::file("write", &path))?;
    let bytes = keep(file, &path, arguments.overwrite_file)?;
    let (rows, elapsed) = progress.finish();
    println!(
        "Dumped {} tables with {rows} documents and {indexes} indexes to {} ({bytes} bytes) in {:.1} s",
        tables.len(),
        path.display(),
        elapsed.as_secs_f64()
    );
    Ok(())
}

/// Gives the whole file its name. Gives its length, too.
fn keep(file: NamedTempFile, path: &Path, overwrite: bool) -> Result<u64, CommandError> {
    file.as_file().sync_all().map_err(CommandError::file("write", path))?;
    let kept = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    let kept = kept.map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists_already(path),
        _ => CommandError::file("write", path)(error.error),
    })?;
    Ok(kept.metadata().map_err(CommandError::file("look at", path))?.len())
}

fn exists_already(path: &Path) -> CommandError {
    CommandError::Refused(format!("{} exists already; --overwrite-file replaces it", path.display()))
}

/// What the server says of every table that is wanted.
fn describe_tables(
    connection: &mut Connection,
    choices: &[TableChoice],
) -> Result<Vec<TableDescription>, CommandError> {
    let mut names = Vec::new();
    for database in remote::databases(connection)? {
        if database != SYSTEM_DATABASE {
            let tables = remote::names(connection, &Term::db(&database).table_list())?;
            names.extend(tables.into_iter().map(|table| (database.clone(), table)));
        }
    }
    let all: Vec<(&str, &str)> = names.iter().map(|(database, table)| (&**database, &**table)).collect();
    if let Some(choice) = unmatched(choices, &all) {
        return Err(CommandError::Refused(format!("the server has no table that `--export {choice}` fits")));
    }
    if names.is_empty() {
        return Err(CommandError::Refused("the server has no tables to dump".to_owned()));
    }
    names.retain(|(database, table)| is_chosen(choices, database, table));
    names.iter().map(|(database, table)| describe(connection, &Term::db(database).table_of(table))).collect()
}

fn describe(connection: &mut Connection, table: &Term) -> Result<TableDescription, CommandError> {
    let info = connection.run_value(&table.info().start())?;
    let indexes = connection.run_value(&table.index_status().start())?;
    let get_write_hook = Term::call(TermType::GetWriteHook, std::slice::from_ref(table), &[]);
    let write_hook: Datum = connection.run_value(&get_write_hook.start())?;
    Ok(TableDescription::new(&info, indexes, write_hook)?)
}

fn read_documents(
    connection: &mut Connection,
    table: &TableDescription,
    folder: &Path,
    progress: &mut Progress,
) -> Result<TableSpool, CommandError> {
    let name = format!("{}.{}", table.database, table.table);
    let documents = Term::db(&table.database).table_of(&table.table);
    let order = [("index", table.primary_key.as_str().into())];
    let in_order = Term::call(TermType::OrderBy, &[documents], &order);
    let mut spool = TableSpool::new(folder)?;
    for document in connection.cursor(&in_order.start())? {
        spool.push(&document?)?;
        progress.advance(&name, 1, 1);
    }
    Ok(spool)
}

/// Name of a dump of a moment, in UTC.
fn dump_name(seconds: u64) -> String {
    let date = CivilDate::from_days((seconds / SECONDS_PER_DAY) as i64);
    let of_day = seconds % SECONDS_PER_DAY;
    format!(
        "photondb_dump_{:04}-{:02}-{:02}T{:02}-{:02}-{:02}",
        date.year,
        date.month,
        date.day,
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_called_after_its_moment() {
        assert_eq!(dump_name(0), "photondb_dump_1970-01-01T00-00-00");
        assert_eq!(dump_name(1_769_860_923), "photondb_dump_2026-01-31T12-02-03");
    }
}
