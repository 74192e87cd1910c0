//! `photondb export`: tables into files that other programs read.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use photondb_archive::TableDescription;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::dump::describe_tables;
use crate::moment::{moment_name, now_ms};
use crate::nameless_file::NamelessFile;
use crate::output::{OutputFormat, RowWriter, counted, number};
use crate::progress::Progress;
use crate::session::{Rows, Session, SessionPool};
use crate::table_choice::TableChoice;
use crate::table_reader::read_tables;
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb export
      Every table, into photondb_export_DATE_TIME/DATABASE/TABLE.json.
  photondb export -d people -e shop.people --format csv --fields id,name,age
  photondb export -d all --format ndjson --data-dir photondb_data
      Out of a directory that no server has open.

Beside the documents of each table stands TABLE.info with its primary key, indexes and write
hook; `photondb import` and RethinkDB's tool read both. In CSV, strings are written as they are,
null and missing fields as nothing, the rest as JSON; without --fields, all fields that the
documents have are columns. A file has its name when it is whole.";

/// What to export, and where to.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Folder to write, which must be new or empty; photondb_export_DATE_TIME by default
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Export this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    export: Vec<TableChoice>,

    /// Export these fields of one table, not all
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    fields: Vec<String>,

    /// How the documents are written
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: FileFormat,

    /// What separates the fields of CSV; `\t` is a tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,

    /// Tables that are read at the same time
    #[arg(long, value_name = "NUM", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,

    /// Read what may not be durable yet
    #[arg(long)]
    read_outdated: bool,

    #[command(flatten)]
    tool: ToolArguments,
}

/// How documents stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// An array of documents
    Json,
    /// A document on each line
    Ndjson,
    /// Values separated by commas, under a line of names
    Csv,
}

impl FileFormat {
    /// What the names of such files end with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The format of a file with such a name.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        [Self::Json, Self::Ndjson, Self::Csv].into_iter().find(|format| format.extension() == extension)
    }
}

/// One ASCII character, or `\t`.
pub fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err(format!("`{text}` should be one character, or \\t")),
    }
}

/// Exports and tells what was exported.
pub fn run(arguments: &ExportArguments) -> ExitCode {
    command_error::run(|| export(arguments))
}

fn export(arguments: &ExportArguments) -> Result<(), CommandError> {
    check(arguments)?;
    let folder = arguments.directory.clone();
    let folder = folder.unwrap_or_else(|| moment_name("photondb_export", now_ms()).into());
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CommandError::Refused(format!("{} is there and not empty", folder.display())));
    }
    let pool = arguments.tool.session.pool()?;
    let mut session = pool.open()?;
    let tables = describe_tables(&mut session, &arguments.export, "--export")?;
    if !arguments.fields.is_empty() && tables.len() != 1 {
        return Err(CommandError::Usage("--fields is for the export of a single table".to_owned()));
    }
    let estimate = tables.iter().filter_map(TableDescription::documents_estimate).sum();
    let progress = Progress::start(estimate, arguments.tool.quiet);
    write_tables(&pool, &mut session, &tables, arguments, &folder, &progress)?;
    let (rows, elapsed) = progress.finish();
    if arguments.tool.quiet {
        return Ok(());
    }
    let (tables, seconds) = (tables.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Exported {} with {} to {} in {seconds:.1} s",
        counted(tables, "table"),
        counted(rows, "document"),
        folder.display()
    );
    arguments.tool.output.report(
        &sentence,
        &[
            ("tables", number(tables)),
            ("documents", number(rows)),
            ("directory", folder.display().to_string().into()),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn check(arguments: &ExportArguments) -> Result<(), CommandError> {
    let is_csv = arguments.format == FileFormat::Csv;
    match arguments {
        _ if !is_csv && arguments.delimiter.is_some() => {
            Err(CommandError::Usage("--delimiter is for --format csv".to_owned()))
        }
        _ if !arguments.fields.is_empty() && !matches!(&*arguments.export, [one] if one.is_table()) => {
            Err(CommandError::Usage("--fields needs a single table, by --export DB.TABLE".to_owned()))
        }
        _ => Ok(()),
    }
}

fn write_tables(
    pool: &SessionPool,
    session: &mut Session,
    tables: &[TableDescription],
    arguments: &ExportArguments,
    folder: &Path,
    progress: &Progress,
) -> Result<(), CommandError> {
    let mut columns = Vec::with_capacity(tables.len());
    for table in tables {
        columns.push(match (arguments.format, arguments.fields.is_empty()) {
            (FileFormat::Csv, true) => fields_of(session, table)?,
            _ => arguments.fields.clone(),
        });
    }
    let queries: Vec<Vec<u8>> = tables.iter().map(|table| query(table, arguments)).collect();
    read_tables(
        pool,
        usize::from(arguments.clients),
        &queries,
        |position, rows| {
            let table = &tables[position];
            progress.say(format!("{}.{}", table.database, table.table));
            write_table(rows, table, columns[position].clone(), arguments, folder, progress)
        },
        |_, ()| Ok(()),
    )
}

/// The documents of a table in the order of their keys.
fn query(table: &TableDescription, arguments: &ExportArguments) -> Vec<u8> {
    let documents = crate::dump::in_order(table, arguments.read_outdated);
    match arguments.fields.is_empty() {
        true => documents.start(),
        false => {
            let mut terms = vec![documents];
            terms.extend(arguments.fields.iter().map(|field| Term::from(field.as_str())));
            Term::call(TermType::Pluck, &terms, &[]).start()
        }
    }
}

/// All fields that the documents of a table have, the primary key first.
fn fields_of(session: &mut Session, table: &TableDescription) -> Result<Vec<String>, CommandError> {
    let documents = Term::db(&table.database).table_of(&table.table);
    let keys = Term::function(|row| Term::call(TermType::Keys, &[row], &[]));
    let mut fields = session.names(&documents.concat_map(keys).distinct())?;
    fields.sort_by_key(|field| *field != table.primary_key);
    if fields.is_empty() {
        fields.push(table.primary_key.clone());
    }
    Ok(fields)
}

fn write_table(
    rows: Rows<'_>,
    table: &TableDescription,
    columns: Vec<String>,
    arguments: &ExportArguments,
    folder: &Path,
    progress: &Progress,
) -> Result<(), CommandError> {
    let folder = folder.join(&table.database);
    std::fs::create_dir_all(&folder).map_err(CommandError::file("create", &folder))?;
    let path = folder.join(format!("{}.{}", table.table, arguments.format.extension()));
    let mut file = NamelessFile::create(&path)?;
    let format = match arguments.format {
        FileFormat::Json => OutputFormat::Json,
        FileFormat::Ndjson => OutputFormat::Ndjson,
        FileFormat::Csv => OutputFormat::Csv,
    };
    let delimiter = arguments.delimiter.unwrap_or(b',');
    let mut writer = RowWriter::new(file.file(), format).with_columns(columns).with_delimiter(delimiter);
    for row in rows {
        writer.push(row?).map_err(|error| in_file(error, &path))?;
        progress.advance(1, 1);
    }
    writer.finish().map_err(|error| in_file(error, &path))?;
    file.keep(false)?;
    let path = folder.join(format!("{}.info", table.table));
    let text = table.write()?;
    let written = File::create_new(&path).and_then(|mut file| file.write_all(&text));
    written.map_err(CommandError::file("write", &path))
}

/// The writer does not know what it writes to.
fn in_file(error: CommandError, path: &Path) -> CommandError {
    match error {
        CommandError::Output(error) => CommandError::file("write", path)(error),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_one_character() {
        assert_eq!(delimiter(";"), Ok(b';'));
        assert_eq!(delimiter("\\t"), Ok(b'\t'));
        for text in ["", ";;", "\n", "\"", "é"] {
            assert!(delimiter(text).is_err(), "{text}");
        }
        assert_eq!(FileFormat::of(Path::new("a/b.csv")), Some(FileFormat::Csv));
        assert_eq!(FileFormat::of(Path::new("a/b.info")), None);
    }
}
