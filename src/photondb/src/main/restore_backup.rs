//! `photondb restore` of backups: a new data directory.

use std::path::Path;

use clap::Args;
use photondb_backup::{BackupSet, Moment, RestoreProgress, restore_directory, time_text};
use photondb_datum::Datum;
use photondb_datum::pseudo::{epoch_time, parse_iso8601};

use crate::backup::megabytes;
use crate::command_error::CommandError;
use crate::output::{OutputArguments, counted, number};
use crate::progress::Progress;

/// As of when backups are restored.
#[derive(Debug, Args)]
#[command(next_help_heading = "For backups")]
pub struct RestoreBackupArguments {
    /// Restore what was there at this moment, to a tenth of a second; the last backup by default
    #[arg(long, value_name = "TIME", value_parser = time_ms, conflicts_with = "to_position")]
    to: Option<u64>,

    /// Restore up to this position of the log
    #[arg(long, value_name = "NUM")]
    to_position: Option<u64>,
}

/// A time as milliseconds since 1970.
fn time_ms(text: &str) -> Result<u64, String> {
    let example = "such as 2026-01-31T12:00:00Z";
    let time = parse_iso8601(text, None).map_err(|error| format!("{error} Write it {example}"))?;
    let Datum::Object(time) = time else { return Err(format!("this is no time {example}")) };
    Ok((epoch_time(&time) * 1000.0).max(0.0) as u64)
}

/// Whether this is about backups, and not about an archive.
pub fn is_meant(path: &Path, arguments: &RestoreBackupArguments) -> bool {
    path.is_dir() || arguments.to.is_some() || arguments.to_position.is_some()
}

/// Restores and tells what was restored.
pub fn restore(
    directory: &Path,
    arguments: &RestoreBackupArguments,
    data: Option<&Path>,
    is_quiet: bool,
    output: OutputArguments,
) -> Result<(), CommandError> {
    let Some(data) = data else {
        let text = "backups are restored into a new data directory: say which with --data-dir DIR";
        return Err(CommandError::Usage(text.to_owned()));
    };
    let moment = match (arguments.to, arguments.to_position) {
        (Some(time_ms), _) => Moment::Time(time_ms),
        (None, Some(position)) => Moment::Position(position),
        (None, None) => Moment::Latest,
    };
    let plan = BackupSet::open(directory)?.plan(moment)?;
    let bytes = plan.files.iter().map(|file| file.bytes).sum();
    let progress = Progress::start(bytes, is_quiet);
    let mut bytes_before = 0;
    let tell = &mut |now: RestoreProgress| {
        progress.advance(0, now.bytes - bytes_before);
        bytes_before = now.bytes;
        progress.say(megabytes(now.bytes));
        true
    };
    let restored = restore_directory(&plan, data, tell)?;
    let (_, elapsed) = progress.finish();
    if is_quiet {
        return Ok(());
    }
    let seconds = elapsed.as_secs_f64();
    let time = time_text(restored.time_ms);
    let sentence = format!(
        "Restored {} as of {time} (position {}) out of {}: {} and {} of the log, in {seconds:.1} s",
        data.display(),
        restored.position,
        counted(plan.files.len() as u64, "backup"),
        counted(restored.entries, "entry"),
        counted(restored.records, "record"),
    );
    output.report(
        &sentence,
        &[
            ("position", number(restored.position.0)),
            ("time", Datum::string(time)),
            ("entries", number(restored.entries)),
            ("records", number(restored.records)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(time_ms("1970-01-01T00:00:01.5Z"), Ok(1500));
        assert_eq!(time_ms("1970-01-01T01:00:01+01:00"), Ok(1000));
        assert!(time_ms("1970-01-01T00:00:01").is_err());
        assert!(time_ms("yesterday").is_err());
    }
}
