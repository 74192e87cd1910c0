//! `photondb backup`: a server as a whole into a directory, and then what was written since.

mod remote;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use photondb::OpenError;
use photondb_backup::{
    BackupFile, BackupKind, BackupMode, BackupProgress, BackupSet, BackupSource, EngineSource, Taken, take,
    time_text,
};
use photondb_base::SystemClock;
use photondb_datum::Datum;
use photondb_storage::{DiskEngine, OpenOptions, RealDisk, StorageError};

use self::remote::RemoteSource;
use crate::command_error::{self, CommandError};
use crate::output::{counted, number};
use crate::progress::Progress;
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb backup --into /backups
      All of the server on localhost, while it goes on working. Again, and only what was written
      since the last time is added.
  photondb backup --into /backups --full --keep 3
      All of it once more; what is older than the newest three such backups is removed.
  photondb backup list /backups
  photondb backup verify /backups
      Reads every byte. Says which file is damaged, and what can be restored without it.
  photondb restore /backups --data-dir photondb_data --to 2026-01-31T12:00:00Z
      A new data directory as of any moment between the first backup and the last.

A backup holds everything: tables with their indexes, users with their rights and passwords. So
the user `admin` alone may take one, and the directory must be kept as safe as the data itself.
It is made on this machine, over the driver port; the server needs no access to it.";

/// Bytes of a megabyte, as disks are sold.
const MEGABYTE: f64 = 1e6;
/// What a bar is divided into where only shares are known.
const BAR_PARTS: u64 = 1000;

/// Where the backup goes, and what kind it is.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct BackupArguments {
    #[command(subcommand)]
    verb: Option<BackupVerb>,

    /// The directory with the backups, made when it is not there
    #[arg(long, value_name = "DIR", required = true)]
    into: Option<PathBuf>,

    /// Copy everything, even if what was written since the last backup would do
    #[arg(long)]
    full: bool,

    /// Fail rather than copy everything when there is nothing to go on from
    #[arg(long, conflicts_with = "full")]
    incremental_only: bool,

    /// Remove what is older than this many of the newest full backups, when all is done
    #[arg(long, value_name = "NUM", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,

    #[command(flatten)]
    tool: ToolArguments,
}

#[derive(Debug, Subcommand)]
enum BackupVerb {
    /// Print the backups of a directory, and what can be restored
    List {
        /// The directory with the backups
        directory: PathBuf,
    },
    /// Read every byte of the backups of a directory
    Verify {
        /// The directory with the backups
        directory: PathBuf,
    },
}

/// Takes a backup, or tells about those that were taken.
pub fn run(arguments: &BackupArguments) -> ExitCode {
    command_error::run(|| match &arguments.verb {
        Some(BackupVerb::List { directory }) => report::list(directory, arguments.tool.output),
        Some(BackupVerb::Verify { directory }) => {
            report::verify(directory, arguments.tool.quiet, arguments.tool.output)
        }
        None => back_up(arguments),
    })
}

fn back_up(arguments: &BackupArguments) -> Result<(), CommandError> {
    let missing = || CommandError::Usage("say where the backup goes: --into DIR".to_owned());
    let directory = arguments.into.as_deref().ok_or_else(missing)?;
    let progress = Progress::start(BAR_PARTS, arguments.tool.quiet);
    let taken = match &arguments.tool.session.data_dir {
        Some(data) => take_of_directory(arguments, directory, data, &progress)?,
        None => {
            let mut source = RemoteSource::new(arguments.tool.session.connect()?);
            let taken = take_into(arguments, directory, &mut source, &progress);
            taken.map_err(|error| source.failure().unwrap_or(error))?
        }
    };
    let (_, elapsed) = progress.finish();
    let removed = match arguments.keep {
        Some(bases) => BackupSet::open(directory)?.retain(usize::from(bases))?,
        None => Vec::new(),
    };
    if arguments.tool.quiet {
        return Ok(());
    }
    tell(arguments, directory, &taken, &removed, elapsed.as_secs_f64())
}

/// Backs up files that no server has open.
fn take_of_directory(
    arguments: &BackupArguments,
    directory: &Path,
    data: &Path,
    progress: &Progress,
) -> Result<Taken, CommandError> {
    let fail = |source: StorageError| CommandError::Open {
        directory: data.to_owned(),
        source: OpenError::Storage(source),
    };
    let disk = Arc::new(RealDisk::open_existing(data).map_err(fail)?);
    // What the server keeps of its log is not ours to cut.
    let options = OpenOptions { log_keep_bytes: u64::MAX, ..OpenOptions::new(disk) };
    let engine = Arc::new(DiskEngine::open(options).map_err(fail)?);
    let mut source = EngineSource::new(engine, Arc::new(SystemClock::default()));
    take_into(arguments, directory, &mut source, progress)
}

fn take_into(
    arguments: &BackupArguments,
    directory: &Path,
    source: &mut dyn BackupSource,
    progress: &Progress,
) -> Result<Taken, CommandError> {
    let mode = match (arguments.full, arguments.incremental_only) {
        (true, _) => BackupMode::Full,
        (false, true) => BackupMode::IncrementalOnly,
        (false, false) => BackupMode::Automatic,
    };
    let mut items = 0;
    let tell = &mut |now: BackupProgress| {
        progress.advance(now.items - items, 0);
        items = now.items;
        progress.set_share(now.items as f64 / now.items_total.max(1) as f64);
        progress.say(megabytes(now.bytes));
        true
    };
    Ok(take(directory, source, mode, tell)?)
}

fn tell(
    arguments: &BackupArguments,
    directory: &Path,
    taken: &Taken,
    removed: &[BackupFile],
    seconds: f64,
) -> Result<(), CommandError> {
    if let Some(reason) = &taken.discontinued {
        eprintln!("photondb: the backups could not be continued, so this is one of everything: {reason}");
    }
    let mut sentence = match &taken.file {
        Some(file) => described(file, directory, seconds),
        None => "Nothing was written since the last backup.".to_owned(),
    };
    if !removed.is_empty() {
        let bytes = removed.iter().map(|file| file.bytes).sum();
        let count = counted(removed.len() as u64, "file");
        sentence.push_str(&format!("\nRemoved {count} of old backups, {}.", megabytes(bytes)));
    }
    let file = |fact: fn(&BackupFile) -> Datum| taken.file.as_ref().map_or(Datum::Null, fact);
    arguments.tool.output.report(
        &sentence,
        &[
            ("file", file(|file| Datum::string(file.name()))),
            ("kind", file(|file| Datum::from(file.header.kind.name()))),
            ("position", file(|file| number(file.header.end.position.0))),
            ("time", file(|file| Datum::string(time_text(file.header.time_ms)))),
            ("items", file(|file| number(file.totals.items))),
            ("bytes", file(|file| number(file.bytes))),
            ("discontinued", taken.discontinued.clone().map_or(Datum::Null, Datum::string)),
            ("files_removed", number(removed.len() as u64)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn described(file: &BackupFile, directory: &Path, seconds: f64) -> String {
    let (header, totals) = (&file.header, &file.totals);
    let what = match header.kind {
        BackupKind::Base => format!(
            "Backed up everything as of {} (position {}): {} in {}",
            time_text(header.time_ms),
            header.end.position,
            counted(totals.items, "entry"),
            counted(totals.trees, "tree"),
        ),
        BackupKind::Increment => format!(
            "Backed up what was written up to {} (positions {} to {}): {}",
            time_text(header.time_ms),
            header.start.position.0 + 1,
            header.end.position,
            counted(totals.items, "record"),
        ),
    };
    let rate = megabytes((totals.content_bytes as f64 / seconds.max(1e-3)) as u64);
    let path = directory.join(file.name());
    format!(
        "{what}\n{}: {} for {}, in {seconds:.1} s ({rate}/s)",
        path.display(),
        megabytes(file.bytes),
        megabytes(totals.content_bytes)
    )
}

/// A size for people.
pub fn megabytes(bytes: u64) -> String {
    match bytes as f64 / MEGABYTE {
        megabytes if megabytes >= 1000.0 => format!("{:.2} GB", megabytes / 1000.0),
        megabytes if megabytes >= 0.1 => format!("{megabytes:.1} MB"),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(megabytes(99), "99 bytes");
        assert_eq!(megabytes(1_250_000), "1.2 MB");
        assert_eq!(megabytes(2_000_000_000), "2.00 GB");
    }
}
