//! The files of an export: DIR/DATABASE/TABLE.json and TABLE.info.

use std::path::{Path, PathBuf};

use photondb_archive::TableDescription;

use super::Source;
use crate::command_error::CommandError;
use crate::export::FileFormat;
use crate::table_choice::{TableChoice, TableName, is_chosen, unmatched};
use crate::target::Target;

/// The files of a folder that are wanted, in the order of their names.
pub fn sources(directory: &Path, choices: &[TableChoice]) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for folder in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        for path in entries(&folder)? {
            let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
            let (Some(format), Some(table)) = (FileFormat::of(&path), name(&path)) else { continue };
            let Some(database) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            let table = TableName { database: database.to_owned(), table };
            let target = Target::described(table, description(&path.with_extension("info"))?);
            sources.push(Source { path, format, target });
        }
    }
    let names: Vec<(&str, &str)> =
        sources.iter().map(|source| (&*source.target.name.database, &*source.target.name.table)).collect();
    if let Some(choice) = unmatched(choices, &names) {
        let text = format!("{} has no table that `--import {choice}` fits", directory.display());
        return Err(CommandError::Refused(text));
    }
    if let Some(pair) = sources.windows(2).find(|pair| pair[0].target.name == pair[1].target.name) {
        let [first, second] = [0, 1].map(|position| pair[position].path.display().to_string());
        return Err(CommandError::Refused(format!("{first} and {second} are for the same table")));
    }
    sources.retain(|source| is_chosen(choices, &source.target.name.database, &source.target.name.table));
    if sources.is_empty() {
        return Err(CommandError::Refused(format!(
            "{} has no DATABASE/TABLE.json, .ndjson or .csv in it",
            directory.display()
        )));
    }
    Ok(sources)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        Ok(paths)
    };
    read().map_err(CommandError::file("read", folder))
}

/// What is known of a table besides its documents; nothing when there is no such file.
fn description(path: &Path) -> Result<Option<TableDescription>, CommandError> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(TableDescription::parse(&path.display().to_string(), &text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CommandError::file("read", path)(error)),
    }
}
