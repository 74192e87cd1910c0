//! `photondb index`: secondary indexes of a table.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use photondb_client::{ClientError, Term};
use photondb_datum::Datum;
use photondb_reql::text::TextQuery;
use photondb_reql::{Frame, ReqlError, TermType};

use crate::command_error::{self, CommandError};
use crate::confirm::Confirmation;
use crate::output::OutputArguments;
use crate::progress::Progress;
use crate::query::at_its_place;
use crate::session::{Session, SessionArguments};
use crate::table_choice::TableName;

pub const EXAMPLES: &str = "\
Examples:
  photondb index create shop.people age
      By the field `age`.
  photondb index create shop.people name --function \"row => [row('last'), row('first')]\"
      By a function, written as in JavaScript.
  photondb index create shop.people tags --multi
  photondb index create shop.people mail --unique
  photondb index list shop.people
  photondb index wait shop.people";

/// How often the progress of an index is asked for.
const POLL_PERIOD: Duration = Duration::from_millis(200);
/// The function among the arguments of `indexCreate`.
const FUNCTION_POSITION: Frame = Frame::Position(2);
/// Parts into which the progress of an index is divided.
const PROGRESS_PARTS: u64 = 1_000;
const COLUMNS: [&str; 8] = ["index", "ready", "progress", "multi", "geo", "unique", "outdated", "query"];

/// What to do with indexes.
#[derive(Debug, Args)]
pub struct IndexArguments {
    #[command(subcommand)]
    verb: IndexVerb,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum IndexVerb {
    /// Create an index and wait until it is built
    #[command(after_help = EXAMPLES)]
    Create(CreateArguments),
    /// Drop an index
    Drop {
        /// The table's database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
        /// The index
        index: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Print the names of a table's indexes
    List {
        /// The table's database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
    },
    /// Print what the indexes of a table are and how far they are built
    Status {
        /// The table's database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
        /// These indexes; all of them by default
        indexes: Vec<String>,
    },
    /// Wait until indexes are built
    Wait {
        /// The table's database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
        /// These indexes; all of them by default
        indexes: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// The table's database and name
    #[arg(value_name = "DB.TABLE")]
    table: TableName,
    /// The index; without --function the field of this name is indexed
    index: String,
    /// What is indexed of a row, such as `row => row('a').add(row('b'))`
    #[arg(short, long, value_name = "FUNCTION")]
    function: Option<String>,
    /// Index each element of an array
    #[arg(long)]
    multi: bool,
    /// Index geometry
    #[arg(long)]
    geo: bool,
    /// Refuse documents with a value that another one has
    #[arg(long)]
    unique: bool,
    /// Return at once; the index is built meanwhile
    #[arg(long)]
    no_wait: bool,
}

/// Does what the verb says.
pub fn run(arguments: &IndexArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        let output = arguments.output;
        match &arguments.verb {
            IndexVerb::Create(create) => create_index(&mut session, create, output),
            IndexVerb::Drop { table, index, confirmation } => {
                confirmation.ask(&format!("drop index {index} of {table}"))?;
                session.run(&table.term().index_drop(index.as_str()))?;
                let fields = [("dropped", index.as_str().into()), ("table", table.to_string().into())];
                output.report(&format!("Dropped index {index} of {table}"), &fields)
            }
            IndexVerb::List { table } => output.names("index", session.names(&table.term().index_list())?),
            IndexVerb::Status { table, indexes } => print_status(&mut session, table, indexes, output),
            IndexVerb::Wait { table, indexes } => {
                wait(&mut session, table, indexes)?;
                print_status(&mut session, table, indexes, output)
            }
        }
    })
}

fn create_index(
    session: &mut Session,
    create: &CreateArguments,
    output: OutputArguments,
) -> Result<(), CommandError> {
    let table = create.table.term();
    let name = create.index.as_str();
    let mut term = match &create.function {
        None => table.index_create(name),
        Some(text) => table.index_create_with(name, parse_function(text)?),
    };
    for (option, wanted) in [("multi", create.multi), ("geo", create.geo), ("unique", create.unique)] {
        if wanted {
            term = term.option(option, true);
        }
    }
    session.run(&term).map_err(|error| match (&create.function, error.query()) {
        // The function is all that was written here of the whole query.
        (Some(text), Some(inner)) if inner.backtrace.first() == Some(&FUNCTION_POSITION) => {
            locate(text, error)
        }
        _ => error,
    })?;
    if !create.no_wait {
        wait(session, &create.table, std::slice::from_ref(&create.index))?;
    }
    let fields = [("created", name.into()), ("table", create.table.to_string().into())];
    output.report(&format!("Created index {name} of {}", create.table), &fields)
}

/// A function in ReQL's text form.
pub fn parse_function(text: &str) -> Result<Term, CommandError> {
    let query = TextQuery::parse(text).map_err(|error| CommandError::Query(error.render(text)))?;
    Ok(Term::from(&query.ast))
}

/// Shows the part of a function at which an error of `table.indexCreate(name, function)` points.
fn locate(text: &str, error: CommandError) -> CommandError {
    let Ok(query) = TextQuery::parse(text) else { return error };
    let Some(inner) = error.query() else { return error };
    let within: Vec<_> = inner.backtrace.iter().skip(1).cloned().collect();
    let moved = ReqlError::new(inner.kind, inner.message.clone()).at(within);
    at_its_place(CommandError::from(ClientError::Query(moved)), &query, text)
}

fn statuses(session: &mut Session, table: &TableName, indexes: &[String]) -> Result<Datum, CommandError> {
    let mut arguments = vec![table.term()];
    arguments.extend(indexes.iter().map(|index| Term::from(index.as_str())));
    session.run(&Term::call(TermType::IndexStatus, &arguments, &[]))
}

/// Waits until indexes are built, and shows how far they are.
pub fn wait(session: &mut Session, table: &TableName, indexes: &[String]) -> Result<(), CommandError> {
    let progress = Progress::start(PROGRESS_PARTS, false);
    progress.say(format!("building indexes of {table}"));
    loop {
        let statuses = statuses(session, table, indexes)?;
        let statuses: Vec<Datum> = statuses.as_array().into_iter().flatten().collect();
        if let Some(error) = statuses.iter().find_map(|status| status.get("error")) {
            return Err(CommandError::Refused(crate::output::plain_text(&error)));
        }
        let is_ready = |status: &Datum| status.get("ready") == Some(Datum::Bool(true));
        if statuses.iter().all(is_ready) {
            progress.finish();
            return Ok(());
        }
        let shares = statuses.iter().map(|status| match is_ready(status) {
            true => 1.0,
            false => status.get("progress").and_then(|share| share.as_number()).unwrap_or_default(),
        });
        progress.set_share(shares.sum::<f64>() / statuses.len() as f64);
        std::thread::sleep(POLL_PERIOD);
    }
}

fn print_status(
    session: &mut Session,
    table: &TableName,
    indexes: &[String],
    output: OutputArguments,
) -> Result<(), CommandError> {
    let statuses = statuses(session, table, indexes)?;
    let rows = statuses.as_array().into_iter().flatten().map(|status| match status {
        // The function is for programs that ask the database; `query` says the same.
        Datum::Object(status) => {
            let unique = status.get("unique").unwrap_or(Datum::Bool(false));
            Datum::Object(status.without("function").with("unique".into(), unique))
        }
        other => other,
    });
    output.list(&COLUMNS, rows)
}
