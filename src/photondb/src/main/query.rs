//! `photondb query`: one query, as people write it, and its answer as JSON.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use photondb_client::{ClientError, Connection, Cursor, Term};
use photondb_datum::{Datum, json};
use photondb_reql::encode;
use photondb_reql::text::TextQuery;

use crate::remote::{self, CommandError, RemoteArguments};

pub const EXAMPLES: &str = "\
Examples:
  photondb query 'r.tableCreate(\"people\")'
  photondb query 'r.table(\"people\").filter(row => row(\"age\").gt(21)).limit(10)'
  photondb query 'r.table(\"people\").changes()' -o ndjson
      Changes as they happen, one on each line, until it is interrupted.
  photondb query - -d shop < query.txt
      A query out of a file; `r.table` without a database means `shop`.

Queries are written as in JavaScript; operators are methods. Times, binary data and geometry
are shown as drivers receive them, as objects with a field $reql_type$.";

/// Stands for the query when it comes from the standard input.
const FROM_INPUT: &str = "-";

/// What to ask, and how to show the answer.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// The query; `-` reads it from the standard input
    query: String,

    #[command(flatten)]
    remote: RemoteArguments,

    /// The database of tables that are named without one
    #[arg(short, long, value_name = "NAME", default_value = "test")]
    database: String,

    /// How the answer is written
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One JSON text; the rows of a sequence are an array
    Json,
    /// The rows of a sequence, or the elements of an array, one on each line
    Ndjson,
}

/// Asks and prints the answer.
pub fn run(arguments: &QueryArguments) -> ExitCode {
    remote::run(|| match ask(arguments) {
        // Whoever reads has enough.
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    })
}

fn ask(arguments: &QueryArguments) -> Result<(), CommandError> {
    let text = match arguments.query.as_str() {
        FROM_INPUT => io::read_to_string(io::stdin()).map_err(CommandError::Input)?,
        text => text.to_owned(),
    };
    let query = TextQuery::parse(&text).map_err(|error| CommandError::Query(error.render(&text)))?;
    let mut connection = arguments.remote.open()?;
    answer(&mut connection, &query, arguments).map_err(|error| match error {
        CommandError::Client(ClientError::Query(error)) => {
            CommandError::Query(query.locate(&error).render(&text))
        }
        other => other,
    })
}

fn answer(
    connection: &mut Connection,
    query: &TextQuery,
    arguments: &QueryArguments,
) -> Result<(), CommandError> {
    let mut wire = b"[1,".to_vec();
    wire.extend(encode(&query.ast, query.ast.root()));
    wire.extend(format!(",{{\"db\":{}}}]", Term::db(&arguments.database).wire()).into_bytes());
    let cursor = connection.cursor(&wire)?;
    let mut out = Rows { out: BufWriter::new(io::stdout().lock()), written: 0 };
    match (arguments.output, cursor.is_sequence()) {
        (Output::Json, true) => out.write_array(cursor),
        (Output::Json, false) => out.write_lines(cursor),
        (Output::Ndjson, true) => out.write_lines(cursor),
        (Output::Ndjson, false) => {
            for row in cursor {
                match row? {
                    Datum::Array(items) => items.iter().try_for_each(|item| out.write("", &item, "\n"))?,
                    row => out.write("", &row, "\n")?,
                }
            }
            out.flush()
        }
    }
}

/// Rows on their way to the standard output.
struct Rows<W: Write> {
    out: BufWriter<W>,
    written: u64,
}

impl<W: Write> Rows<W> {
    fn write_array(&mut self, cursor: Cursor<'_>) -> Result<(), CommandError> {
        for row in cursor {
            self.write(if self.written == 0 { "[\n" } else { ",\n" }, &row?, "")?;
        }
        let end = if self.written == 0 { "[]\n" } else { "\n]\n" };
        self.out.write_all(end.as_bytes()).map_err(CommandError::Output)?;
        self.flush()
    }

    /// Shows what a batch holds before it waits for the next one, which may be long in coming.
    fn write_lines(&mut self, mut cursor: Cursor<'_>) -> Result<(), CommandError> {
        loop {
            cursor.buffered().try_for_each(|row| self.write("", &row, "\n"))?;
            self.flush()?;
            if !cursor.fetch()? {
                return Ok(());
            }
        }
    }

    fn write(&mut self, before: &str, row: &Datum, after: &str) -> Result<(), CommandError> {
        let mut text = before.as_bytes().to_vec();
        json::write(row, &mut text).map_err(|error| CommandError::Query(error.to_string()))?;
        text.extend_from_slice(after.as_bytes());
        self.written += 1;
        self.out.write_all(&text).map_err(CommandError::Output)
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        self.out.flush().map_err(CommandError::Output)
    }
}
