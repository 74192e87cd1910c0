//! `photondb repl`: queries and answers, one after the other.

mod catalog;
mod completer;
mod history;
mod input;
mod interrupt;
mod prompt;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use parking_lot::Mutex;
use photondb_client::Term;
use photondb_reql::text::TextQuery;

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, write_all, write_pretty};
use crate::query::{at_its_place, wire_form, write_rows};
use crate::session::{Session, SessionArguments};
use catalog::SchemaNames;
use input::{Input, Line};
use interrupt::Interrupt;

pub const EXAMPLES: &str = "\
Examples:
  photondb repl
  photondb repl -c db.example:28015 -d shop
  photondb repl --data-dir photondb_data
  photondb repl < queries.txt
      Each query of the file, and its answer.

A query ends with its last bracket, however many lines it has. Tab completes terms, databases,
tables, fields and indexes. Ctrl-C ends a query or a feed, Ctrl-D the session. `.help` tells the
rest.";

/// What can be said besides queries.
pub const COMMANDS: [(&str, &str); 7] = [
    (".help", "tells what can be said here"),
    (".use DATABASE", "makes it the database of tables that are named without one"),
    (".tables", "prints the tables of the database"),
    (".explain QUERY", "prints how a query would run, without running it"),
    (".profile QUERY", "runs a query and prints where its time went"),
    (".output FORMAT", "writes answers as table, json, ndjson or csv from now on"),
    (".quit", "ends the session"),
];

/// What to talk to.
#[derive(Debug, Args)]
pub struct ReplArguments {
    /// The database of tables that are named without one
    #[arg(short, long, value_name = "NAME", default_value = "test")]
    database: String,

    /// File that keeps what was typed; in $XDG_STATE_HOME or ~/.local/state by default
    #[arg(long, value_name = "FILE", env = "PHOTONDB_HISTORY_FILE")]
    history_file: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    session: SessionArguments,
}

/// Talks until the end.
pub fn run(arguments: &ReplArguments) -> ExitCode {
    command_error::run(|| {
        let pool = arguments.session.pool()?;
        let names = SchemaNames::new(pool.open()?, &arguments.database);
        let mut talk = Talk {
            session: pool.open()?,
            database: arguments.database.clone(),
            output: arguments.output,
            interrupt: Interrupt::listen(arguments.session.data_dir.is_none())?,
            names: Arc::new(Mutex::new(names)),
        };
        let history = arguments.history_file.clone().or_else(history::default_path);
        let mut input = Input::open(history, Arc::clone(&talk.names))?;
        loop {
            // Not once a line was read: from then on Ctrl-C is meant for its query.
            talk.interrupt.forget();
            match input.read(&talk.database)? {
                Line::End => return Ok(()),
                Line::Nothing => {}
                Line::Text(text) => {
                    if !talk.answer(&text, input.is_watched())? {
                        return Ok(());
                    }
                }
            }
        }
    })
}

/// The state of a session at the prompt.
struct Talk {
    session: Session,
    database: String,
    output: OutputArguments,
    interrupt: Interrupt,
    names: Arc<Mutex<SchemaNames>>,
}

impl Talk {
    /// Does what a line says; `false` when it was the last one. A mistake of whoever types is
    /// told and nothing more; it ends the session when nobody watches.
    fn answer(&mut self, text: &str, is_watched: bool) -> Result<bool, CommandError> {
        let outcome = match text.strip_prefix('.') {
            Some(command) => self.command(command),
            None => self.query(text, &[]).map(|()| true),
        };
        match outcome {
            Err(error) if is_watched && !error.is_fatal() => {
                eprintln!("{error}");
                Ok(true)
            }
            other => other,
        }
    }

    fn command(&mut self, text: &str) -> Result<bool, CommandError> {
        let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match verb {
            "quit" | "exit" => return Ok(false),
            "help" => write_all(&help())?,
            "use" => self.use_database(rest)?,
            "tables" => {
                let tables = self.session.names(&Term::db(&self.database).table_list())?;
                self.output.names("name", tables)?;
            }
            "explain" => self.query(rest, &[("explain", true.into())])?,
            "profile" => self.query(rest, &[("profile", true.into())])?,
            "output" => self.output = self.output.with_format(rest).map_err(CommandError::Usage)?,
            _ => return Err(CommandError::Usage(format!("there is no .{verb}; .help tells what there is"))),
        }
        Ok(true)
    }

    fn use_database(&mut self, name: &str) -> Result<(), CommandError> {
        if !self.session.databases()?.iter().any(|database| database == name) {
            return Err(CommandError::Refused(format!("there is no database `{name}`")));
        }
        self.database = name.to_owned();
        self.names.lock().use_database(name);
        Ok(())
    }

    fn query(&mut self, text: &str, options: &[(&str, Term)]) -> Result<(), CommandError> {
        let query = TextQuery::parse(text).map_err(|error| CommandError::Query(error.render(text)))?;
        let mut all = vec![("db", Term::db(&self.database))];
        all.extend_from_slice(options);
        let started = Instant::now();
        let outcome = self.show(&wire_form(&query, &all));
        self.session.wait_without_end()?;
        let goes_on = outcome.map_err(|error| at_its_place(error, &query, text))?;
        if goes_on {
            eprintln!("{:.3} s", started.elapsed().as_secs_f64());
        } else {
            eprintln!("interrupted");
        }
        Ok(())
    }

    /// Asks and prints the answer; `false` when it was interrupted.
    fn show(&mut self, wire: &[u8]) -> Result<bool, CommandError> {
        let interrupt = &self.interrupt;
        let goes_on = || !interrupt.has_come();
        let ticket = self.session.send(wire)?;
        let Some(rows) = self.session.receive_while(ticket, &goes_on)? else { return Ok(false) };
        let profile = rows.profile().cloned();
        write_rows(rows, self.output, &goes_on)?;
        if let Some(profile) = profile {
            write_pretty(&profile)?;
        }
        Ok(goes_on())
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|(command, does)| format!("  {command:16} {does}\n"));
    format!(
        "Anything else is a query, written as in JavaScript:\n  r.table('people').filter(row => \
         row('age').gt(21)).limit(10)\n  r.table('people').changes()\n\n{}",
        lines.collect::<String>()
    )
}
