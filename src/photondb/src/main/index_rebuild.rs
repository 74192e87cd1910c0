//! `photondb index-rebuild`: indexes made anew from what they were made of.

use std::process::ExitCode;

use clap::Args;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::index::wait;
use crate::output::counted;
use crate::session::Session;
use crate::table_choice::{TableChoice, TableName, is_chosen, unmatched};
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb index-rebuild
      The indexes that an older version built and that the server calls outdated.
  photondb index-rebuild -r shop.orders --force -n 2
      All indexes of one table, two at a time.

Each index is built a second time beside the old one, which answers queries until the new one
takes its name.";

const SYSTEM_DATABASE: &str = "rethinkdb";
/// Names of indexes that are being rebuilt begin with it, as those of RethinkDB's tool do.
const DRAFT_PREFIX: &str = "$reql_temp_index$_";

/// Which indexes to rebuild.
#[derive(Debug, Args)]
pub struct IndexRebuildArguments {
    /// Rebuild indexes of this database or table, not of all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    rebuild: Vec<TableChoice>,

    /// Indexes that are rebuilt at the same time
    #[arg(short = 'n', value_name = "NUM", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrent: u16,

    /// Rebuild indexes that are not outdated, too
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    tool: ToolArguments,
}

struct Outdated {
    table: TableName,
    index: String,
    function: Datum,
}

/// Rebuilds and tells what was rebuilt.
pub fn run(arguments: &IndexRebuildArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.tool.session.open()?;
        let indexes = find(&mut session, &arguments.rebuild, arguments.force)?;
        for together in indexes.chunks(usize::from(arguments.concurrent)) {
            for index in together {
                let create = index.table.term().index_create_with(draft(index), index.function.clone());
                session.run(&create)?;
            }
            for index in together {
                wait(&mut session, &index.table, &[draft(index)])?;
                let names = [index.table.term(), draft(index).into(), index.index.as_str().into()];
                session.run(&Term::call(TermType::IndexRename, &names, &[("overwrite", true.into())]))?;
            }
        }
        if arguments.tool.quiet {
            return Ok(());
        }
        let count = indexes.len() as u64;
        let sentence = format!("Rebuilt {}", counted(count, "index"));
        arguments.tool.output.report(&sentence, &[("rebuilt", Datum::Number(count as f64))])
    })
}

fn draft(index: &Outdated) -> String {
    format!("{DRAFT_PREFIX}{}", index.index)
}

fn find(session: &mut Session, choices: &[TableChoice], force: bool) -> Result<Vec<Outdated>, CommandError> {
    let mut tables = Vec::new();
    for database in session.databases()?.into_iter().filter(|database| database != SYSTEM_DATABASE) {
        for table in session.names(&Term::db(&database).table_list())? {
            tables.push(TableName { database: database.clone(), table });
        }
    }
    let names: Vec<(&str, &str)> = tables.iter().map(|name| (&*name.database, &*name.table)).collect();
    if let Some(choice) = unmatched(choices, &names) {
        return Err(CommandError::Refused(format!("the server has no table that `--rebuild {choice}` fits")));
    }
    let mut found = Vec::new();
    for table in tables.into_iter().filter(|name| is_chosen(choices, &name.database, &name.table)) {
        let statuses = session.run(&table.term().index_status())?;
        for status in statuses.as_array().into_iter().flatten() {
            let name = status.get("index").and_then(|name| name.as_str().map(str::to_owned));
            let (Some(index), Some(function)) = (name, status.get("function")) else { continue };
            if index.starts_with(DRAFT_PREFIX) {
                // What an interrupted run has left behind.
                session.run(&table.term().index_drop(index.as_str()))?;
            } else if force || status.get("outdated") == Some(Datum::Bool(true)) {
                found.push(Outdated { table: table.clone(), index, function });
            }
        }
    }
    Ok(found)
}
