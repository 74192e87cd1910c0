//! `photondb jobs`: what a server is working on, and stopping it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use photondb_client::Term;
use photondb_datum::Datum;

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, plain_text};
use crate::session::{Session, SessionArguments};
use crate::status::{field, system_rows};

pub const EXAMPLES: &str = "\
Examples:
  photondb jobs
      Queries and index builds that run.
  photondb jobs kill 00000000-0000-0000-0000-00000000002a
      Stops a query; its client is told so.";

const COLUMNS: [&str; 7] = ["id", "type", "seconds", "user", "client", "memory_bytes", "what"];
/// The kind of job that can be stopped.
const QUERY: &str = "query";

/// What to do with jobs.
#[derive(Debug, Args)]
pub struct JobsArguments {
    #[command(subcommand)]
    verb: Option<JobsVerb>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum JobsVerb {
    /// Print the jobs that run; this is the default
    List,
    /// Stop a query
    Kill {
        /// The id of its job
        id: String,
    },
}

/// Does what the verb says.
pub fn run(arguments: &JobsArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        match &arguments.verb {
            None | Some(JobsVerb::List) => {
                let rows = system_rows(&mut session, "jobs")?;
                arguments.output.list(&COLUMNS, rows.iter().map(describe))
            }
            Some(JobsVerb::Kill { id }) => {
                kill(&mut session, id)?;
                arguments.output.report(&format!("Stopped query {id}"), &[("stopped", id.as_str().into())])
            }
        }
    })
}

fn describe(job: &Datum) -> Datum {
    let kind = field(job, &["type"]);
    let info = |name: &str| field(job, &["info", name]);
    let what = match kind.as_str() {
        Some(QUERY) => info("query"),
        _ => {
            let percent = info("progress").as_number().unwrap_or_default() * 100.0;
            let [database, table, index] = ["db", "table", "index"].map(|name| plain_text(&info(name)));
            Datum::string(format!("{index} of {database}.{table}, {percent:.0} %"))
        }
    };
    let id = field(job, &["id"]).as_array().and_then(|id| id.get(1)).unwrap_or(Datum::Null);
    Datum::object([
        ("id", id),
        ("type", kind),
        ("seconds", field(job, &["duration_sec"])),
        ("user", info("user")),
        ("client", info("client_address")),
        ("memory_bytes", info("memory_bytes")),
        ("what", what),
    ])
}

fn kill(session: &mut Session, id: &str) -> Result<(), CommandError> {
    let key = Term::array(&[QUERY.into(), id.into()]);
    let job = Term::db("rethinkdb").table_of("jobs").get(key);
    if session.run(&job)?.is_null() {
        return Err(CommandError::Refused(format!("there is no query {id}; `photondb jobs` lists them")));
    }
    match session.run(&job.delete())?.get("first_error") {
        Some(error) => Err(CommandError::Refused(plain_text(&error))),
        None => Ok(()),
    }
}
