//! `photondb admin`: what a server's files may need now and then.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use photondb::OpenError;
use photondb_datum::Datum;
use photondb_reql::COMPACT_QUERY_TYPE;
use photondb_storage::{DiskEngine, Engine, OpenOptions, RealDisk, StorageError};

use crate::backup::megabytes;
use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, number};
use crate::session::SessionArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb admin compact
      Gives room that is lost in the data file of a running server back to the file system.
  photondb admin compact --data-dir photondb_data
      The same where no server runs.

A server does so by itself, when nothing was written for a while and enough is lost to be worth
it. Only the user `admin` may ask for it. Documents stay readable and writable meanwhile; what a
cursor or a backup still reads is not given back.";

/// What to do.
#[derive(Debug, Args)]
pub struct AdminArguments {
    #[command(subcommand)]
    verb: AdminVerb,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum AdminVerb {
    /// Give room that is lost in the data file back
    Compact,
}

/// Does what is wanted.
pub fn run(arguments: &AdminArguments) -> ExitCode {
    command_error::run(|| match arguments.verb {
        AdminVerb::Compact => compact(arguments),
    })
}

fn compact(arguments: &AdminArguments) -> Result<(), CommandError> {
    let (before, after) = match &arguments.session.data_dir {
        Some(data) => compact_directory(data)?,
        None => {
            let mut connection = arguments.session.connect()?;
            let gain = connection.run_value(format!("[{COMPACT_QUERY_TYPE}]").as_bytes())?;
            let bytes = |name: &str| gain.get(name).as_ref().and_then(Datum::as_number).unwrap_or(0.0) as u64;
            (bytes("data_bytes_before"), bytes("data_bytes_after"))
        }
    };
    let sentence = match before.saturating_sub(after) {
        0 => format!("The data file has {}, and too little is lost in it to gain anything", megabytes(after)),
        gained => format!("The data file has {} now, {} less", megabytes(after), megabytes(gained)),
    };
    let fields = [("data_bytes_before", number(before)), ("data_bytes_after", number(after))];
    arguments.output.report(&sentence, &fields)
}

/// Length of the data file before and after it.
fn compact_directory(data: &Path) -> Result<(u64, u64), CommandError> {
    let fail = |source: StorageError| CommandError::Open {
        directory: data.to_owned(),
        source: OpenError::Storage(source),
    };
    let disk = Arc::new(RealDisk::open_existing(data).map_err(fail)?);
    // What the server keeps of its log is not ours to cut.
    let options = OpenOptions { log_keep_bytes: u64::MAX, ..OpenOptions::new(disk) };
    let engine = DiskEngine::open(options).map_err(fail)?;
    let before = engine.statistics().data_bytes;
    engine.compact(&|| true).map_err(fail)?;
    let after = engine.statistics().data_bytes;
    engine.close().map_err(fail)?;
    Ok((before, after))
}
