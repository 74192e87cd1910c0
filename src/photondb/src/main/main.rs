//! The `photondb` binary.

mod check;
mod command_line;
mod dump;
mod loader;
mod logging;
mod progress;
mod query;
mod remote;
mod restore;
mod schema;
mod serve;
mod table_choice;

use std::process::ExitCode;

use clap::Parser;

use command_line::{Command, CommandLine};

/// Many threads make and drop many small values; the system's allocator is slow at that and
/// keeps the memory of dropped ones for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    match command_line.command {
        None => serve::run(&command_line.serve),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Check { directory }) => check::run(&directory),
        Some(Command::Dump(arguments)) => dump::run(&arguments),
        Some(Command::Query(arguments)) => query::run(&arguments),
        Some(Command::Restore(arguments)) => restore::run(&arguments),
        Some(Command::Db(arguments)) => schema::run_database(&arguments),
        Some(Command::Table(arguments)) => schema::run_table(&arguments),
        Some(Command::Version) => {
            println!(
                "photondb {} (speaks the protocol and language of RethinkDB {})",
                env!("CARGO_PKG_VERSION"),
                photondb_server::SERVER_VERSION
            );
            ExitCode::SUCCESS
        }
    }
}
