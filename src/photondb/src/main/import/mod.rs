//! `photondb import`: files of other programs into tables.

mod column_type;
mod directory;
mod rows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use photondb_datum::Datum;

use crate::command_error::{self, CommandError};
use crate::export::{FileFormat, delimiter};
use crate::loader::{Conflict, LoadOptions, Loader};
use crate::output::{counted, number};
use crate::progress::Progress;
use crate::session::Session;
use crate::table_choice::{TableChoice, TableName};
use crate::target::{self, PRIMARY_KEY_DEFAULT, Placement, Target};
use crate::tool_arguments::ToolArguments;
use column_type::TypedColumn;
use rows::{FileRows, ReadOptions};

pub const EXAMPLES: &str = "\
Examples:
  photondb import -d photondb_export_2026-01-31T12-00-00
      What `photondb export` or RethinkDB's tool has written, with indexes and write hooks.
  photondb import -f people.csv --table shop.people --pkey mail --types age:number,born:time
  photondb import -f events.ndjson --table test.events --conflict keep
  curl https://example.org/films.json | photondb import -f - --format json --table test.films

The database and the table are created when they are missing; --force or --conflict writes into
a table that is there. The cells of CSV are strings unless --types says otherwise (string,
number, bool, time, json); empty cells are no fields. An error names the file and the line, and
--from-line goes on from there.";

/// What separates the fields of CSV unless something else is said.
const DELIMITER_DEFAULT: u8 = b',';

/// How to go on when a row cannot be read.
const GO_ON: &str = "what stands above it is imported; mend the line, then go on with --from-line LINE";
/// How to go on when a row cannot be written.
const GO_ON_BEHIND: &str = "what stands above it is imported, and some of what stands below; \
     mend the line, then go on with --from-line LINE --conflict keep";

/// What to import, and where to.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Folder that an export has written
    #[arg(short, long, value_name = "DIR", required_unless_present = "file")]
    directory: Option<PathBuf>,

    /// Import this database or table of the folder, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE", conflicts_with = "file")]
    import: Vec<TableChoice>,

    /// Leave secondary indexes away
    #[arg(long)]
    no_secondary_indexes: bool,

    /// A single file; `-` is the standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "directory", requires = "table")]
    file: Option<PathBuf>,

    /// The table for the single file
    #[arg(long, value_name = "DB.TABLE", requires = "file")]
    table: Option<TableName>,

    /// Import these fields, not all
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "file")]
    fields: Vec<String>,

    /// How the documents stand in the file; its name says so by default
    #[arg(long, value_name = "FORMAT", requires = "file")]
    format: Option<FileFormat>,

    /// Primary key of the table, if it is created
    #[arg(long, value_name = "FIELD", requires = "file")]
    pkey: Option<String>,

    /// What the columns of CSV are: string, number, bool, time or json
    #[arg(long, value_name = "FIELD:TYPE", value_delimiter = ',', requires = "file")]
    types: Vec<TypedColumn>,

    /// Go on from a line of the file: what begins above it is passed over
    #[arg(long, value_name = "LINE", requires = "file")]
    from_line: Option<u64>,

    /// What separates the fields of CSV; `\t` is a tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter, requires = "file")]
    delimiter: Option<u8>,

    /// The first line of CSV is no header
    #[arg(long, requires = "custom_header")]
    no_header: bool,

    /// The columns of CSV, instead of those that its header names
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "file")]
    custom_header: Vec<String>,

    /// Bytes of one JSON document
    #[arg(long, value_name = "BYTES")]
    max_document_size: Option<usize>,

    /// How deep a JSON document may be nested
    #[arg(long, value_name = "DEPTH")]
    max_nesting_depth: Option<usize>,

    /// Write into tables that exist, replacing documents that have the same key
    #[arg(long)]
    force: bool,

    /// Write into tables that exist; what becomes of documents that have the same key
    #[arg(long, value_name = "WHAT")]
    conflict: Option<Conflict>,

    /// Inserts that are under way at the same time
    #[arg(long, value_name = "NUM", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,

    /// Wait for the disk after each insert, not only at the end of each table
    #[arg(long)]
    hard_durability: bool,

    #[command(flatten)]
    placement: Placement,

    #[command(flatten)]
    tool: ToolArguments,
}

/// A file and the table that it is for.
struct Source {
    path: PathBuf,
    format: FileFormat,
    target: Target,
}

/// A file and how it is read.
struct FileOptions<'a> {
    path: PathBuf,
    format: FileFormat,
    arguments: &'a ImportArguments,
}

impl FileOptions<'_> {
    fn open(&self) -> Result<FileRows, CommandError> {
        FileRows::open(&self.path, &self.arguments.read_options(self.format))
    }
}

impl ImportArguments {
    fn conflict(&self) -> Conflict {
        match self.conflict {
            Some(conflict) => conflict,
            None if self.force => Conflict::Replace,
            None => Conflict::Error,
        }
    }

    fn read_options(&self, format: FileFormat) -> ReadOptions {
        ReadOptions {
            format,
            fields: self.fields.clone(),
            delimiter: self.delimiter.unwrap_or(DELIMITER_DEFAULT),
            no_header: self.no_header,
            custom_header: self.custom_header.clone(),
            types: self.types.clone(),
            document_bytes_max: self.max_document_size,
            nesting_depth_max: self.max_nesting_depth,
        }
    }

    fn check(&self, format: FileFormat) -> Result<(), CommandError> {
        let only_for = |flag: &str, format: &str| {
            Err(CommandError::Usage(format!("{flag} is for files in the format {format}")))
        };
        match format {
            FileFormat::Csv if self.max_document_size.is_some() => only_for("--max-document-size", "json"),
            FileFormat::Csv => Ok(()),
            _ if self.delimiter.is_some() => only_for("--delimiter", "csv"),
            _ if !self.custom_header.is_empty() => only_for("--custom-header", "csv"),
            _ if !self.types.is_empty() => only_for("--types", "csv"),
            _ => Ok(()),
        }
    }
}

/// Imports and tells what was imported.
pub fn run(arguments: &ImportArguments) -> ExitCode {
    command_error::run(|| import(arguments))
}

fn import(arguments: &ImportArguments) -> Result<(), CommandError> {
    let sources = match (&arguments.directory, &arguments.file, &arguments.table) {
        (Some(directory), ..) => directory::sources(directory, &arguments.import)?,
        (None, Some(file), Some(table)) => vec![single(arguments, file, table)?],
        _ => return Err(CommandError::Usage("--directory or --file is needed".to_owned())),
    };
    let bytes =
        sources.iter().map(|source| std::fs::metadata(&source.path).map_or(0, |file| file.len())).sum();
    let (files, mut targets): (Vec<FileOptions<'_>>, Vec<Target>) = sources
        .into_iter()
        .map(|source| (FileOptions { path: source.path, format: source.format, arguments }, source.target))
        .unzip();
    // A mistake in the only file is found before anything is created.
    let mut opened = match arguments.file {
        Some(_) => files.first().map(FileOptions::open).transpose()?,
        None => None,
    };
    let mut session = arguments.tool.session.open()?;
    target::look(&mut session, &mut targets)?;
    if arguments.file.is_some() && arguments.pkey.is_none() {
        // The table that is there knows its key.
        adopt_primary_key(&mut session, &mut targets)?;
    }
    let may_exist = arguments.force || arguments.conflict.is_some() || arguments.from_line.is_some();
    target::check(&mut session, &targets, may_exist)?;
    target::create(&mut session, &targets, &arguments.placement)?;
    let progress = Progress::start(bytes, arguments.tool.quiet);
    for (file, target) in files.iter().zip(&targets) {
        progress.say(target.name.to_string());
        let rows = opened.take().map_or_else(|| file.open(), Ok)?;
        load(&mut session, target, file, rows, &progress)?;
    }
    let indexes = target::finish(&mut session, &targets, !arguments.no_secondary_indexes, &progress)?;
    let (rows, elapsed) = progress.finish();
    if arguments.tool.quiet {
        return Ok(());
    }
    let (tables, seconds) = (targets.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Imported {} into {} with {} in {seconds:.1} s",
        counted(rows, "document"),
        counted(tables, "table"),
        counted(indexes, "index"),
    );
    arguments.tool.output.report(
        &sentence,
        &[
            ("documents", number(rows)),
            ("tables", number(tables)),
            ("indexes", number(indexes)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn single(arguments: &ImportArguments, file: &Path, table: &TableName) -> Result<Source, CommandError> {
    let Some(format) = arguments.format.or_else(|| FileFormat::of(file)) else {
        let text = format!("--format is needed: the name of {} does not say it", file.display());
        return Err(CommandError::Usage(text));
    };
    arguments.check(format)?;
    let mut target = Target::described(table.clone(), None);
    target.primary_key = arguments.pkey.clone().unwrap_or_else(|| PRIMARY_KEY_DEFAULT.to_owned());
    Ok(Source { path: file.to_owned(), format, target })
}

fn adopt_primary_key(session: &mut Session, targets: &mut [Target]) -> Result<(), CommandError> {
    for target in targets.iter_mut().filter(|target| target.existed) {
        let info = session.run(&target.term.info())?;
        if let Some(primary_key) = info.get("primary_key").as_ref().and_then(Datum::as_str) {
            target.primary_key = primary_key.to_owned();
        }
    }
    Ok(())
}

fn load(
    session: &mut Session,
    target: &Target,
    file: &FileOptions<'_>,
    mut rows: FileRows,
    progress: &Progress,
) -> Result<(), CommandError> {
    let arguments = file.arguments;
    let options = LoadOptions {
        conflict: arguments.conflict(),
        hard_durability: arguments.hard_durability,
        // Documents of an export were seen by the hook that comes with them.
        ignore_write_hook: arguments.directory.is_some(),
        inserts_unanswered_max: usize::from(arguments.clients),
    };
    let with_hint = |error: CommandError, hint| match arguments.file {
        Some(_) => error.unfinished(hint),
        None => error,
    };
    let refused = |error: CommandError| with_hint(error, GO_ON_BEHIND);
    let mut loader = Loader::new(session, &target.term, format!("{}: line", file.path.display()), options);
    let mut bytes_before = 0;
    loop {
        let row = match rows.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => return loader.finish().map_err(refused),
            // What stands above the mistake is imported, so that its line is where to go on.
            Err(error) => return loader.finish().map_err(refused).and(Err(with_hint(error, GO_ON))),
        };
        if arguments.from_line.is_none_or(|line| row.line >= line) {
            loader.push(row.document, row.line).map_err(refused)?;
            progress.advance(1, rows.bytes_read() - bytes_before);
            bytes_before = rows.bytes_read();
        }
    }
}
