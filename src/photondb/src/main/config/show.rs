//! `photondb config show`: every value and where it comes from.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use photondb_datum::Datum;

use super::file::{ConfigFile, Section};
use super::{SERVE, apply};
use crate::command_error::CommandError;
use crate::output::OutputArguments;

const COLUMNS: [&str; 4] = ["table", "key", "value", "from"];
/// Stands for what nobody should read over a shoulder.
const HIDDEN: &str = "(hidden)";

/// Prints the values of a server and of a client that are started now without flags.
pub fn print(
    config: Option<&ConfigFile>,
    command: Command,
    output: OutputArguments,
) -> Result<(), CommandError> {
    let prepared = match config {
        Some(config) => apply(config, command.clone()),
        None => command.clone(),
    };
    let mut rows = Vec::new();
    for section in [Section::Serve, Section::Client] {
        let words = match section {
            Section::Serve => vec!["photondb", SERVE],
            Section::Client => vec!["photondb", section.verb(), "1"],
        };
        let matches = prepared.clone().try_get_matches_from(words);
        let matches = matches.map_err(|error| CommandError::Usage(error.to_string()))?;
        let Some((_, matches)) = matches.subcommand() else { continue };
        let flags = section.flags(&command);
        rows.extend(flags.iter().map(|flag| describe(section, flag, matches, config)));
    }
    output.list(&COLUMNS, rows)
}

fn describe(section: Section, flag: &Arg, matches: &ArgMatches, config: Option<&ConfigFile>) -> Datum {
    let (id, key) = (flag.get_id().as_str(), flag.get_long().unwrap_or_default());
    let values: Vec<String> = matches
        .get_raw(id)
        .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let value = match values.is_empty() {
        true => Datum::Null,
        false if flag.is_hide_env_values_set() => HIDDEN.into(),
        false => Datum::string(values.join(",")),
    };
    let from = match matches.value_source(id) {
        Some(ValueSource::EnvVariable) => {
            format!("${}", flag.get_env().unwrap_or_default().to_string_lossy())
        }
        Some(ValueSource::DefaultValue) => {
            match config.and_then(|file| Some((file, file.find(section, key)?))) {
                Some((file, entry)) => format!("{}:{}", file.path.display(), entry.line),
                None => "default".to_owned(),
            }
        }
        _ => "default".to_owned(),
    };
    Datum::object([
        ("table", section.name().into()),
        ("key", key.into()),
        ("value", value),
        ("from", Datum::string(from)),
    ])
}
