//! `photondb query`: one query, as people write it, and its answer.

use std::io;
use std::process::ExitCode;

use clap::Args;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::text::TextQuery;

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, OutputFormat, RowWriter};
use crate::session::{Rows, Session, SessionArguments};

pub const EXAMPLES: &str = "\
Examples:
  photondb query 'r.tableCreate(\"people\")'
  photondb query 'r.table(\"people\").filter(row => row(\"age\").gt(21)).limit(10)'
  photondb query 'r.table(\"people\").changes()' -o ndjson
      Changes as they happen, one on each line, until it is interrupted.
  photondb query - -d shop < query.txt
      A query out of a file; `r.table` without a database means `shop`.
  photondb query --data-dir photondb_data 'r.table(\"people\").count()'
      Without a server: the directory is opened for the one query.

Queries are written as in JavaScript; operators are methods. In JSON, times, binary data and
geometry are shown as drivers receive them, as objects with a field $reql_type$.";

/// Stands for the query when it comes from the standard input.
const FROM_INPUT: &str = "-";

/// What to ask, and how to show the answer.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// The query; `-` reads it from the standard input
    query: String,

    /// The database of tables that are named without one
    #[arg(short, long, value_name = "NAME", default_value = "test")]
    database: String,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    session: SessionArguments,
}

/// Asks and prints the answer.
pub fn run(arguments: &QueryArguments) -> ExitCode {
    command_error::run(|| {
        let text = match arguments.query.as_str() {
            FROM_INPUT => io::read_to_string(io::stdin()).map_err(CommandError::Input)?,
            text => text.to_owned(),
        };
        let query = TextQuery::parse(&text).map_err(|error| CommandError::Query(error.render(&text)))?;
        let mut session = arguments.session.open()?;
        let outcome = answer(&mut session, &query, &arguments.database, arguments.output);
        outcome.map_err(|error| at_its_place(error, &query, &text))
    })
}

/// The wire form of a query as people wrote it.
pub fn wire_form(query: &TextQuery, options: &[(&str, Term)]) -> Vec<u8> {
    Term::from(&query.ast).start_with(options)
}

/// Shows what failed in the text of the query.
pub fn at_its_place(error: CommandError, query: &TextQuery, text: &str) -> CommandError {
    match error.query() {
        Some(inner) => CommandError::Query(query.locate(inner).render(text)),
        None => error,
    }
}

fn answer(
    session: &mut Session,
    query: &TextQuery,
    database: &str,
    output: OutputArguments,
) -> Result<(), CommandError> {
    let rows = session.rows(&wire_form(query, &[("db", Term::db(database))]))?;
    write_rows(rows, output, &|| true)
}

/// Prints an answer while `goes_on` says so; that of a feed as it comes.
pub fn write_rows(
    mut rows: Rows<'_>,
    output: OutputArguments,
    goes_on: &dyn Fn() -> bool,
) -> Result<(), CommandError> {
    let out = io::stdout().lock();
    let is_feed = rows.is_feed();
    let format = match (output.format(), rows.is_sequence()) {
        // One value alone, and changes, whose columns nobody knows beforehand.
        (OutputFormat::Json, false) => OutputFormat::Ndjson,
        (OutputFormat::Table, _) if is_feed => OutputFormat::Ndjson,
        (OutputFormat::Table, false) => return write_value(rows),
        (OutputFormat::Ndjson | OutputFormat::Csv, false) => {
            let mut writer = RowWriter::new(out, output.format());
            for row in rows {
                match row? {
                    Datum::Array(items) => items.iter().try_for_each(|item| writer.push(item))?,
                    row => writer.push(row)?,
                }
            }
            return writer.finish();
        }
        (format, true) => format,
    };
    let mut writer = RowWriter::new(out, format);
    loop {
        // What a batch holds is shown before the next one, which may be long in coming.
        rows.buffered().into_iter().try_for_each(|row| writer.push(row))?;
        if is_feed || format == OutputFormat::Ndjson {
            writer.flush()?;
        }
        if !rows.fetch_while(goes_on)? {
            return writer.finish();
        }
    }
}

/// Shows one value to people: an array of objects as a table, the rest as indented JSON.
fn write_value(rows: Rows<'_>) -> Result<(), CommandError> {
    let mut writer = RowWriter::new(io::stdout().lock(), OutputFormat::Table);
    for row in rows {
        match row? {
            Datum::Array(items) if !items.is_empty() && items.iter().all(|item| item.is_plain_object()) => {
                items.iter().try_for_each(|item| writer.push(item))?;
            }
            row => crate::output::write_pretty(&row)?,
        }
    }
    writer.finish()
}
