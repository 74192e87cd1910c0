//! `photondb create`: a data directory, before anybody serves it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use photondb::{Database, DatabaseOptions, RunError};

use crate::command_error::{self, CommandError};
use crate::password;

pub const EXAMPLES: &str = "\
Examples:
  photondb create -d /var/lib/photondb --server-name first
  photondb create -d /var/lib/photondb --initial-password-file password.txt
      The password of `admin`, who has none otherwise.";

/// What to create.
#[derive(Debug, Args)]
pub struct CreateArguments {
    /// The data directory; it must not be there, or be empty
    #[arg(short, long, value_name = "DIR", default_value = "photondb_data", env = "PHOTONDB_DIRECTORY")]
    directory: PathBuf,

    /// Name of the server; one is made up by default
    #[arg(short = 'n', long, value_name = "NAME", env = "PHOTONDB_SERVER_NAME")]
    server_name: Option<String>,

    /// File with the password of `admin` on its first line; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    initial_password_file: Option<PathBuf>,
}

/// Creates the directory.
pub fn run(arguments: &CreateArguments) -> ExitCode {
    command_error::run(|| {
        let directory = &arguments.directory;
        let is_used = std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            let text = format!("{} exists already and is not empty", directory.display());
            return Err(CommandError::Refused(text));
        }
        let options = DatabaseOptions {
            server_name: arguments.server_name.clone(),
            initial_password: arguments
                .initial_password_file
                .as_deref()
                .map(password::from_file)
                .transpose()?,
            ..DatabaseOptions::directory(directory)
        };
        let fail = |source| CommandError::Open { directory: directory.clone(), source };
        let database = Database::open(&options).map_err(fail)?;
        let name = database.state().server().name.clone();
        database.close().map_err(RunError::NotDurable)?;
        println!("Created {} for server \"{name}\"", directory.display());
        Ok(())
    })
}
