//! The `photondb` binary.

mod admin;
mod backup;
mod check;
mod command_error;
mod command_line;
mod config;
mod confirm;
mod create;
mod dump;
mod export;
mod freed_memory;
mod import;
mod index;
mod index_rebuild;
mod jobs;
mod loader;
mod logging;
mod migrate;
mod moment;
mod nameless_file;
mod output;
mod password;
mod progress;
mod query;
mod repl;
mod restore;
mod restore_backup;
mod schema;
mod serve;
mod session;
mod shell_files;
mod stats;
mod status;
mod table_choice;
mod table_reader;
mod target;
mod tls_arguments;
mod tool_arguments;
mod user;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use command_line::{Command, CommandLine};

/// Many threads make and drop many values, often those of other threads; an allocator with pages
/// for each thread keeps several times of what is in use. Its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let command = match config::prepare(CommandLine::command(), &words) {
        Ok(command) => command,
        Err(error) => return command_error::tell(&error),
    };
    match CommandLine::from_arg_matches(&command.get_matches()) {
        Ok(command_line) => run(command_line, &words),
        Err(error) => error.exit(),
    }
}

/// Does what the command line says.
fn run(command_line: CommandLine, words: &[OsString]) -> ExitCode {
    match command_line.command {
        None => serve::run(&command_line.serve),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Check { directory }) => check::run(&directory),
        Some(Command::Create(arguments)) => create::run(&arguments),
        Some(Command::Query(arguments)) => query::run(&arguments),
        Some(Command::Repl(arguments)) => repl::run(&arguments),
        Some(Command::Db(arguments)) => schema::run_database(&arguments),
        Some(Command::Table(arguments)) => schema::run_table(&arguments),
        Some(Command::Index(arguments)) => index::run(&arguments),
        Some(Command::IndexRebuild(arguments)) => index_rebuild::run(&arguments),
        Some(Command::User(arguments)) => user::run(&arguments),
        Some(Command::Status(arguments)) => status::run(&arguments),
        Some(Command::Stats(arguments)) => stats::run(&arguments),
        Some(Command::Jobs(arguments)) => jobs::run(&arguments),
        Some(Command::Admin(arguments)) => admin::run(&arguments),
        Some(Command::Backup(arguments)) => backup::run(&arguments),
        Some(Command::Dump(arguments)) => dump::run(&arguments),
        Some(Command::Restore(arguments)) => restore::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Import(arguments)) => import::run(&arguments),
        Some(Command::Migrate(arguments)) => migrate::run(&arguments),
        Some(Command::Config(arguments)) => config::run(&arguments, CommandLine::command(), words),
        Some(Command::Completions(arguments)) => {
            shell_files::print_completions(&arguments, CommandLine::command())
        }
        Some(Command::Man(arguments)) => shell_files::write_manual(&arguments, CommandLine::command()),
        Some(Command::Version) => {
            println!("{}", version::text());
            ExitCode::SUCCESS
        }
    }
}
