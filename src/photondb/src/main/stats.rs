//! `photondb stats`: what a server does, and how much of it.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use photondb_datum::Datum;

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, OutputFormat, plain_text, write_all};
use crate::session::{Session, SessionArguments};
use crate::status::{field, system_rows};

pub const EXAMPLES: &str = "\
Examples:
  photondb stats
      The numbers of this moment, of the whole server and of each table.
  photondb stats --interval 2
      Anew every two seconds, until it is interrupted.
  photondb stats --interval 1 --count 60 -o ndjson > minute.ndjson";

const COLUMNS: [&str; 10] = [
    "of",
    "queries_per_sec",
    "read_docs_per_sec",
    "written_docs_per_sec",
    "read_docs_total",
    "written_docs_total",
    "connections",
    "cache_bytes",
    "bytes_estimated",
    "data_bytes",
];
/// Goes to the first place of the screen and clears what is below it.
const CLEAR_SCREEN: &str = "\x1b[H\x1b[J";
/// Between two looks: rates are of about a second.
const INTERVAL_SECONDS_DEFAULT: f64 = 1.0;

/// How often to look.
#[derive(Debug, Args)]
pub struct StatsArguments {
    /// Look again after so many seconds, until interrupted
    #[arg(short, long, value_name = "SECONDS", value_parser = positive)]
    interval: Option<f64>,

    /// Look so many times
    #[arg(short = 'n', long, value_name = "NUM")]
    count: Option<u64>,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    session: SessionArguments,
}

fn positive(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    // The upper bound keeps it a duration.
    match seconds > 0.0 && seconds <= 86_400.0 {
        true => Ok(seconds),
        false => Err(format!("`{text}` should be above 0 and at most a day, 86400")),
    }
}

/// Prints the numbers.
pub fn run(arguments: &StatsArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        let looks = match (arguments.count, arguments.interval) {
            (Some(count), _) => count,
            (None, Some(_)) => u64::MAX,
            (None, None) => 1,
        };
        let pause = Duration::from_secs_f64(arguments.interval.unwrap_or(INTERVAL_SECONDS_DEFAULT));
        for look in 0..looks {
            if look > 0 {
                std::thread::sleep(pause);
            }
            show(&mut session, arguments.output, looks > 1)?;
        }
        Ok(())
    })
}

fn show(session: &mut Session, output: OutputArguments, is_live: bool) -> Result<(), CommandError> {
    let rows = system_rows(session, "stats")?;
    let rows: Vec<Datum> = rows.iter().filter_map(describe).collect();
    if is_live && output.format() == OutputFormat::Table && io::stdout().is_terminal() {
        write_all(CLEAR_SCREEN)?;
    }
    output.list(&COLUMNS, rows)
}

/// The rows of the server and of its tables; the others are sums of theirs.
fn describe(row: &Datum) -> Option<Datum> {
    let of = match field(row, &["id"]).as_array()?.get(0)?.as_str()? {
        "server" => "server".to_owned(),
        "table_server" => {
            let part = |name: &str| plain_text(&field(row, &[name]));
            format!("{}.{}", part("db"), part("table"))
        }
        _ => return None,
    };
    let engine = |name: &str| field(row, &["query_engine", name]);
    Some(Datum::object([
        ("of", Datum::string(of)),
        ("queries_per_sec", rounded(engine("queries_per_sec"))),
        ("read_docs_per_sec", rounded(engine("read_docs_per_sec"))),
        ("written_docs_per_sec", rounded(engine("written_docs_per_sec"))),
        ("read_docs_total", engine("read_docs_total")),
        ("written_docs_total", engine("written_docs_total")),
        ("connections", engine("client_connections")),
        ("cache_bytes", field(row, &["storage_engine", "cache", "in_use_bytes"])),
        ("bytes_estimated", field(row, &["storage_engine", "table", "document_bytes_estimated"])),
        ("data_bytes", field(row, &["storage_engine", "disk", "space_usage", "data_bytes"])),
    ]))
}

fn rounded(rate: Datum) -> Datum {
    rate.as_number().map_or(Datum::Null, |rate| Datum::Number((rate * 10.0).round() / 10.0))
}
