//! `photondb completions` and `photondb man`: files for shells and for `man`, made from the
//! command line itself.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::command_error::{self, CommandError};

pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  photondb completions bash > /etc/bash_completion.d/photondb
  photondb completions zsh > \"${fpath[1]}/_photondb\"
  photondb completions fish > ~/.config/fish/completions/photondb.fish";

pub const MANUAL_EXAMPLES: &str = "\
Examples:
  photondb man | man -l -
  photondb man -d /usr/local/share/man/man1
      A page for each verb, photondb-dump.1 and so on.";

const NAME: &str = "photondb";

/// Which shell.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// Which pages.
#[derive(Debug, Args)]
pub struct ManualArguments {
    /// Folder for the pages of all verbs; without it the first page is printed
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Prints what a shell needs to complete our command line.
pub fn print_completions(arguments: &CompletionsArguments, mut command: Command) -> ExitCode {
    command_error::run(|| {
        let mut script = Vec::new();
        clap_complete::generate(arguments.shell, &mut command, NAME, &mut script);
        io::stdout().write_all(&script).map_err(CommandError::Output)
    })
}

/// Prints or writes manual pages.
pub fn write_manual(arguments: &ManualArguments, mut command: Command) -> ExitCode {
    command_error::run(|| {
        command.build();
        match &arguments.directory {
            None => Man::new(command).render(&mut io::stdout()).map_err(CommandError::Output),
            Some(directory) => {
                std::fs::create_dir_all(directory).map_err(CommandError::file("create", directory))?;
                write_pages(&command, NAME, directory)
            }
        }
    })
}

fn write_pages(command: &Command, name: &str, directory: &Path) -> Result<(), CommandError> {
    let path = directory.join(format!("{name}.1"));
    let page = Man::new(command.clone()).title(name.to_uppercase());
    let written = File::create(&path).and_then(|mut file| page.render(&mut file));
    written.map_err(CommandError::file("write", &path))?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_pages(verb, &format!("{name}-{}", verb.get_name()), directory)?;
    }
    Ok(())
}
