//! `photondb backup list` and `verify`: what there is, and whether it is whole.

use std::path::Path;

use photondb_backup::{BackupError, BackupFile, BackupSet, Stretch, time_text};
use photondb_datum::Datum;

use super::{BAR_PARTS, megabytes};
use crate::command_error::CommandError;
use crate::output::{OutputArguments, counted, number};
use crate::progress::Progress;

const COLUMNS: [&str; 7] = ["file", "kind", "from", "to", "time", "items", "bytes"];

/// Prints the files of a set.
pub fn list(directory: &Path, output: OutputArguments) -> Result<(), CommandError> {
    let set = open(directory)?;
    output.list(&COLUMNS, set.files().iter().map(row))?;
    tell_unreadable(&set)
}

fn row(file: &BackupFile) -> Datum {
    let header = &file.header;
    Datum::object([
        ("file", Datum::string(file.name())),
        ("kind", Datum::from(header.kind.name())),
        ("from", number(header.start.position.0)),
        ("to", number(header.end.position.0)),
        ("time", Datum::string(time_text(header.time_ms))),
        ("items", number(header.items)),
        ("bytes", number(file.bytes)),
    ])
}

/// Reads all files of a set.
pub fn verify(directory: &Path, is_quiet: bool, output: OutputArguments) -> Result<(), CommandError> {
    let set = open(directory)?;
    let (mut bytes, mut problems) = (0, 0);
    let progress = Progress::start(BAR_PARTS, is_quiet);
    let stretches = set.verify(&mut |file, result| {
        if let Err(error) = result {
            problems += 1;
            eprintln!("photondb: {error}");
        }
        bytes += file.bytes;
        progress.set_share(bytes as f64 / set.bytes().max(1) as f64);
        progress.say(megabytes(bytes));
        true
    })?;
    let (_, elapsed) = progress.finish();
    let files = set.files().len() as u64;
    let can_restore = match stretches.is_empty() {
        true => "nothing can be restored".to_owned(),
        false => format!("what can be restored: {}", described(&stretches)),
    };
    let unreadable = tell_unreadable(&set);
    if problems > 0 || unreadable.is_err() {
        let damaged = counted(problems + set.unreadable().len() as u64, "damaged file");
        return Err(CommandError::Refused(format!("{damaged} in {}; {can_restore}", directory.display())));
    }
    if is_quiet {
        return Ok(());
    }
    let sentence = format!(
        "{} in {} are whole, {}; {can_restore}",
        counted(files, "backup"),
        directory.display(),
        megabytes(bytes)
    );
    let seconds = Datum::Number(elapsed.as_secs_f64());
    output.report(&sentence, &[("files", number(files)), ("bytes", number(bytes)), ("seconds", seconds)])
}

fn open(directory: &Path) -> Result<BackupSet, CommandError> {
    let set = BackupSet::open(directory)?;
    if set.files().is_empty() && set.unreadable().is_empty() {
        return Err(BackupError::NoBackup { directory: directory.to_owned() }.into());
    }
    Ok(set)
}

fn tell_unreadable(set: &BackupSet) -> Result<(), CommandError> {
    for file in set.unreadable() {
        eprintln!("photondb: {}", file.error);
    }
    match set.unreadable().len() {
        0 => Ok(()),
        count => {
            let count = counted(count as u64, "file");
            Err(CommandError::Refused(format!("{count} cannot be read")))
        }
    }
}

fn described(stretches: &[Stretch]) -> String {
    let each = stretches.iter().map(|stretch| {
        let ((first, last), (first_ms, last_ms)) = (stretch.positions(), stretch.times_ms());
        format!("positions {first} to {last} ({} to {})", time_text(first_ms), time_text(last_ms))
    });
    each.collect::<Vec<_>>().join(", ")
}
