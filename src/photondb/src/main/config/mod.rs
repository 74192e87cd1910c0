//! The configuration file: what `photondb.toml` says stands behind flags and variables, before
//! defaults.
//!
//! Its keys are the long flags themselves, `[serve]` has those of `photondb serve` and
//! `[client]` those that say which database is asked. They become defaults of the command line,
//! so each value is read and checked in one place only.

mod file;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, Subcommand};

use crate::command_error::{self, CommandError};
use crate::output::{OutputArguments, counted, write_all};
use file::{ConfigFile, Section};

pub const EXAMPLES: &str = "\
Examples:
  photondb config check /etc/photondb/photondb.toml
      Says which line is wrong, and what is allowed there.
  photondb config show --config-file photondb.toml
      The values that would be used, and where each comes from.

A file has the long flags as keys:
  [serve]
  directory = \"/var/lib/photondb\"
  bind = [\"all\"]
  driver-port = 28015
  [client]
  connect = \"db.example:28015\"
  output = \"json\"

Flags count for more than variables, those for more than the file, that for more than defaults.
Without --config-file, photondb.toml of the current folder is read when it is there.";

/// The file that is read when no other is named.
const NAME: &str = "photondb.toml";
const FLAG: &str = "--config-file";
const VARIABLE: &str = "PHOTONDB_CONFIG_FILE";
/// The verb whose flags are the keys of `[serve]`.
const SERVE: &str = "serve";
/// The flags that `[client]` sets for every verb that has them.
const CLIENT_KEYS: [&str; 10] = [
    "connect",
    "host-name",
    "driver-port",
    "tls-cert",
    "tls-client-cert",
    "tls-client-key",
    "user",
    "password-file",
    "data-dir",
    "output",
];

/// What to do with the configuration.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Say what is wrong with a file
    Check {
        /// The file; the one that would be read by default
        file: Option<PathBuf>,
    },
    /// Print the values that would be used, and where each comes from
    Show {
        #[command(flatten)]
        output: OutputArguments,
    },
}

/// The command line with the values of the file, if there is one, as its defaults.
pub fn prepare(command: Command, arguments: &[OsString]) -> Result<Command, CommandError> {
    // Whoever asks what is wrong with a file wants to hear it from that verb.
    let checks = arguments.get(1).is_some_and(|verb| verb == "config")
        && arguments.get(2).is_some_and(|verb| verb == "check");
    match path(arguments).filter(|_| !checks) {
        None => Ok(command),
        Some(path) => Ok(apply(&ConfigFile::read(&path, &command)?, command)),
    }
}

/// Does what the verb says.
pub fn run(arguments: &ConfigArguments, command: Command, words: &[OsString]) -> ExitCode {
    command_error::run(|| match &arguments.verb {
        ConfigVerb::Check { file } => {
            let path = file.clone().or_else(|| path(words)).unwrap_or_else(|| PathBuf::from(NAME));
            let config = ConfigFile::read(&path, &command)?;
            let keys = counted(config.entries.len() as u64, "key");
            write_all(&format!("{}: {keys}, nothing is wrong\n", path.display()))
        }
        ConfigVerb::Show { output } => {
            let config = path(words).map(|path| ConfigFile::read(&path, &command)).transpose()?;
            show::print(config.as_ref(), command, *output)
        }
    })
}

/// Which file is to be read: the flag, the variable, the one in the current folder.
fn path(arguments: &[OsString]) -> Option<PathBuf> {
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match word.strip_prefix(FLAG) {
            Some("") => return words.next().map(|path| PathBuf::from(path.into_owned())),
            Some(rest) if rest.starts_with('=') => return Some(PathBuf::from(&rest[1..])),
            _ => {}
        }
    }
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(NAME)).filter(|path| Path::is_file(path)))
}

/// Makes what a file says the defaults of the verbs that it is for.
fn apply(config: &ConfigFile, mut command: Command) -> Command {
    for entry in &config.entries {
        let (key, values) = (entry.key.clone(), entry.values.clone());
        let set = move |command: Command| set_default(command, &key, &values);
        match entry.section {
            // Serving is what is done without a verb, too.
            Section::Serve => command = set.clone()(command).mut_subcommand(SERVE, set),
            Section::Client => {
                let verbs: Vec<String> = command
                    .get_subcommands()
                    .filter(|verb| verb.get_name() != SERVE)
                    .map(|verb| verb.get_name().to_owned())
                    .collect();
                for verb in verbs {
                    command = command.mut_subcommand(verb, set.clone());
                }
            }
        }
    }
    command
}

fn set_default(command: Command, key: &str, values: &[String]) -> Command {
    let id = command.get_arguments().find(|argument| argument.get_long() == Some(key));
    let Some(id) = id.map(|argument| argument.get_id().clone()) else { return command };
    let values = values.to_vec();
    command.mut_arg(id, |argument| argument.default_values(values))
}
