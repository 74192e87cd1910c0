//! `photondb dump`: tables into an archive.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use photondb_archive::{ArchiveWriter, TableDescription, TableSpool};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::moment::{moment_name, now_ms};
use crate::nameless_file::{NamelessFile, exists_already, folder_of};
use crate::output::{counted, number};
use crate::progress::Progress;
use crate::session::{Session, SessionPool};
use crate::table_choice::{TableChoice, is_chosen, unmatched};
use crate::table_reader::read_tables;
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb dump
      Every table of the server on localhost, into photondb_dump_DATE_TIME.tar.gz.
  photondb dump -c db.example:28015 --password-file password.txt -f shop.tar.gz -e shop -e test.people
      All of one database and one table of another.
  photondb dump --data-dir photondb_data -f - | ssh backup.example 'cat > shop.tar.gz'
      A directory that no server has open, to the standard output.

The archive is the one of RethinkDB: its tools restore it, and `photondb restore` takes theirs.
Only you can read the file, which has its name when it is whole.";

/// Databases that hold no documents of users.
const SYSTEM_DATABASE: &str = "rethinkdb";
/// Stands for the standard output.
const TO_OUTPUT: &str = "-";
const BUFFER_BYTES: usize = 256 * 1024;

/// What to dump, and where to.
#[derive(Debug, Args)]
pub struct DumpArguments {
    /// File to write, `-` is the standard output; photondb_dump_DATE_TIME.tar.gz in this folder
    /// by default
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Dump this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    export: Vec<TableChoice>,

    /// Replace the file when there is one
    #[arg(long)]
    overwrite_file: bool,

    /// Folder for the documents of tables on their way; that of the file by default
    #[arg(long, value_name = "DIR")]
    temp_dir: Option<PathBuf>,

    /// Tables that are read at the same time
    #[arg(long, value_name = "NUM", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,

    /// Read what may not be durable yet
    #[arg(long)]
    read_outdated: bool,

    #[command(flatten)]
    tool: ToolArguments,
}

/// What a dump was.
#[derive(Default)]
struct Totals {
    indexes: u64,
    bytes: u64,
}

/// Dumps and tells what was dumped.
pub fn run(arguments: &DumpArguments) -> ExitCode {
    command_error::run(|| dump(arguments))
}

fn dump(arguments: &DumpArguments) -> Result<(), CommandError> {
    let begun_ms = now_ms();
    let top = moment_name("photondb_dump", begun_ms);
    let path = arguments.file.clone().unwrap_or_else(|| PathBuf::from(format!("{top}.tar.gz")));
    let to_output = path.as_os_str() == TO_OUTPUT;
    if !to_output && !arguments.overwrite_file && path.exists() {
        return Err(exists_already(&path));
    }
    let pool = arguments.tool.session.pool()?;
    let tables = describe_tables(&mut pool.open()?, &arguments.export, "--export")?;
    let estimate = tables.iter().filter_map(TableDescription::documents_estimate).sum();
    let progress = Progress::start(estimate, arguments.tool.quiet);
    let archive_to = |out: &mut dyn Write| {
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let mut archive = ArchiveWriter::new(out, &top, begun_ms / 1000);
        let indexes = add_tables(&pool, &tables, arguments, &path, &progress, &mut archive)?;
        archive.finish()?.flush().map_err(CommandError::file("write", &path))?;
        Ok::<u64, CommandError>(indexes)
    };
    let totals = if to_output {
        Totals { indexes: archive_to(&mut io::stdout().lock())?, bytes: 0 }
    } else {
        let mut file = NamelessFile::create(&path)?;
        let indexes = archive_to(file.file())?;
        Totals { indexes, bytes: file.keep(arguments.overwrite_file)? }
    };
    let (rows, elapsed) = progress.finish();
    if arguments.tool.quiet || to_output {
        return Ok(());
    }
    let (tables, seconds) = (tables.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Dumped {} with {} and {} to {} ({}) in {seconds:.1} s",
        counted(tables, "table"),
        counted(rows, "document"),
        counted(totals.indexes, "index"),
        path.display(),
        counted(totals.bytes, "byte"),
    );
    arguments.tool.output.report(
        &sentence,
        &[
            ("tables", number(tables)),
            ("documents", number(rows)),
            ("indexes", number(totals.indexes)),
            ("file", path.display().to_string().into()),
            ("bytes", number(totals.bytes)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

/// Reads all tables and adds each to the archive when it is here. Gives the number of indexes.
fn add_tables<W: Write>(
    pool: &SessionPool,
    tables: &[TableDescription],
    arguments: &DumpArguments,
    path: &Path,
    progress: &Progress,
    archive: &mut ArchiveWriter<W>,
) -> Result<u64, CommandError> {
    let folder = arguments.temp_dir.as_deref().unwrap_or_else(|| folder_of(path));
    let queries: Vec<Vec<u8>> =
        tables.iter().map(|table| in_order(table, arguments.read_outdated).start()).collect();
    let mut indexes = 0;
    read_tables(
        pool,
        usize::from(arguments.clients),
        &queries,
        |number, rows| {
            let table = &tables[number];
            progress.say(format!("{}.{}", table.database, table.table));
            let mut spool = TableSpool::new(folder)?;
            for document in rows {
                spool.push(&document?)?;
                progress.advance(1, 1);
            }
            Ok(spool)
        },
        |number, spool: TableSpool| {
            archive.add(&tables[number], spool)?;
            indexes += tables[number].indexes.len() as u64;
            Ok(())
        },
    )?;
    Ok(indexes)
}

/// The documents of a table in the order of their keys.
pub fn in_order(table: &TableDescription, read_outdated: bool) -> Term {
    let mut documents = Term::db(&table.database).table_of(&table.table);
    if read_outdated {
        documents = documents.option("read_mode", "outdated");
    }
    let order = [("index", table.primary_key.as_str().into())];
    Term::call(TermType::OrderBy, &[documents], &order)
}

/// What the server says of every table that is wanted.
pub fn describe_tables(
    session: &mut Session,
    choices: &[TableChoice],
    flag: &str,
) -> Result<Vec<TableDescription>, CommandError> {
    let mut names = Vec::new();
    for database in session.databases()? {
        if database != SYSTEM_DATABASE {
            let tables = session.names(&Term::db(&database).table_list())?;
            names.extend(tables.into_iter().map(|table| (database.clone(), table)));
        }
    }
    let all: Vec<(&str, &str)> = names.iter().map(|(database, table)| (&**database, &**table)).collect();
    if let Some(choice) = unmatched(choices, &all) {
        return Err(CommandError::Refused(format!("there is no table that `{flag} {choice}` fits")));
    }
    if names.is_empty() {
        return Err(CommandError::Refused("there are no tables".to_owned()));
    }
    names.retain(|(database, table)| is_chosen(choices, database, table));
    names.iter().map(|(database, table)| describe(session, &Term::db(database).table_of(table))).collect()
}

fn describe(session: &mut Session, table: &Term) -> Result<TableDescription, CommandError> {
    let info = session.run(&table.info())?;
    let indexes = session.run(&table.index_status())?;
    let write_hook = session.run(&Term::call(TermType::GetWriteHook, std::slice::from_ref(table), &[]))?;
    Ok(TableDescription::new(&info, indexes, write_hook)?)
}
