//! `photondb status`: the server, its tables and what needs attention, at a glance.

use std::process::ExitCode;

use clap::Args;
use photondb_client::Term;
use photondb_datum::Datum;

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, OutputFormat, counted, plain_text, write_all};
use crate::session::{Session, SessionArguments};

pub const EXAMPLES: &str = "\
Examples:
  photondb status
  photondb status -o json
      One object with the server, the tables and the issues, for programs.";

const SYSTEM_DATABASE: &str = "rethinkdb";
const COLUMNS: [&str; 7] =
    ["table", "documents", "bytes_estimated", "primary_key", "indexes", "index_entries", "ready"];

/// Which server.
#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

/// Prints how the server is.
pub fn run(arguments: &StatusArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        let servers = system_rows(&mut session, "server_status")?;
        let tables = describe_tables(&mut session)?;
        let issues = system_rows(&mut session, "current_issues")?;
        if arguments.output.format() == OutputFormat::Table {
            return tell(&servers, tables, &issues, arguments.output);
        }
        arguments.output.record(vec![
            ("servers", Datum::array(servers)),
            ("tables", Datum::array(tables)),
            ("issues", Datum::array(issues)),
        ])
    })
}

/// All rows of a table of the system.
pub fn system_rows(session: &mut Session, table: &str) -> Result<Vec<Datum>, CommandError> {
    let rows = session.run(&Term::db(SYSTEM_DATABASE).table_of(table))?;
    Ok(rows.as_array().map(|rows| rows.to_vec()).unwrap_or_default())
}

/// A field within fields.
pub fn field(row: &Datum, path: &[&str]) -> Datum {
    path.iter().fold(row.clone(), |row, name| row.get(name).unwrap_or(Datum::Null))
}

fn describe_tables(session: &mut Session) -> Result<Vec<Datum>, CommandError> {
    let mut rows = Vec::new();
    let stats = system_rows(session, "stats")?;
    for status in system_rows(session, "table_status")? {
        let (database, name) = (field(&status, &["db"]), field(&status, &["name"]));
        let (Some(database), Some(name)) = (database.as_str(), name.as_str()) else { continue };
        let table = Term::db(database).table_of(name);
        let info = session.run(&table.info())?;
        let sizes = sizes_of(&stats, &field(&status, &["id"]));
        let indexes = info.get("indexes").and_then(|indexes| Some(indexes.as_array()?.len()));
        rows.push(Datum::object([
            ("table", Datum::string(format!("{database}.{name}"))),
            ("documents", session.run(&table.count())?),
            ("bytes_estimated", field(&sizes, &["document_bytes_estimated"])),
            ("primary_key", field(&info, &["primary_key"])),
            ("indexes", Datum::Number(indexes.unwrap_or_default() as f64)),
            ("index_entries", field(&sizes, &["index_entries"])),
            ("ready", field(&status, &["status", "all_replicas_ready"])),
        ]));
    }
    rows.sort_by_key(|row| row.get("table").map(|name| plain_text(&name)));
    Ok(rows)
}

/// How large a table is, by its id; null on servers that do not tell.
fn sizes_of(stats: &[Datum], table: &Datum) -> Datum {
    let is_meant = |row: &&Datum| {
        let id = field(row, &["id"]);
        let part = |n| id.as_array().and_then(|id| id.get(n));
        part(0).as_ref().and_then(Datum::as_str) == Some("table_server") && part(1).as_ref() == Some(table)
    };
    stats.iter().find(is_meant).map_or(Datum::Null, |row| field(row, &["storage_engine", "table"]))
}

fn tell(
    servers: &[Datum],
    tables: Vec<Datum>,
    issues: &[Datum],
    output: OutputArguments,
) -> Result<(), CommandError> {
    let mut text = String::new();
    for server in servers {
        let part = |path: &[&str]| plain_text(&field(server, path));
        text.push_str(&format!("server   {}  {}\n", part(&["name"]), part(&["id"])));
        text.push_str(&format!("version  {}\n", part(&["process", "version"])));
        text.push_str(&format!("started  {}\n", part(&["process", "time_started"])));
        text.push_str(&format!(
            "ports    drivers {}, HTTP {}\n",
            part(&["network", "reql_port"]),
            part(&["network", "http_admin_port"])
        ));
        text.push_str(&format!("cache    {} MB\n", part(&["process", "cache_size_mb"])));
    }
    text.push_str(&format!("tables   {}\n", tables.len()));
    write_all(&text)?;
    if !tables.is_empty() {
        output.list(&COLUMNS, tables)?;
    }
    match issues.len() {
        0 => write_all("No issues.\n"),
        count => {
            let mut text = format!("{}:\n", counted(count as u64, "issue"));
            for issue in issues {
                text.push_str(&format!("  {}\n", plain_text(&field(issue, &["description"]))));
            }
            write_all(&text)
        }
    }
}
