//! The storage engine beside others, on the same work in one run: what counts is the ratio.
//!
//! `cargo run --release` here; `--features rocksdb` adds RocksDB. Every engine gets the same keys
//! and values in the same order, one thread, a cache of the same size where it has one, and its
//! own defaults otherwise. "Durable" means that a power cut after the call loses nothing.

mod peers;
mod work;

use std::process::ExitCode;

use clap::Parser;

use crate::peers::{ENGINES, EngineKind};
use crate::work::{ROWS, Row};

/// What goes wrong in any of the engines.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Compare the storage engine with others.
#[derive(Parser)]
struct Arguments {
    /// Entries that are loaded
    #[arg(long, default_value_t = 500_000)]
    entries: u64,
    /// Megabytes of cache
    #[arg(long, default_value_t = 512)]
    cache: u64,
    /// Only these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Where the files go while it runs; it should be on the disk that matters
    #[arg(long, default_value = ".")]
    directory: std::path::PathBuf,
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |kind: &&EngineKind| {
        arguments.engines.is_empty() || arguments.engines.iter().any(|name| name == kind.name)
    };
    let kinds: Vec<&EngineKind> = ENGINES.iter().filter(wanted).collect();
    let mut columns = Vec::new();
    for kind in &kinds {
        eprintln!("{} ..", kind.name);
        let folder = tempfile::tempdir_in(&arguments.directory)?;
        let engine = (kind.open)(folder.path(), arguments.cache << 20)?;
        columns.push(work::run(&*engine, arguments.entries, folder.path())?);
    }
    print_table(&kinds, &columns);
    Ok(())
}

/// Microseconds per operation, and in parentheses how many times as long as the first engine's.
fn print_table(kinds: &[&EngineKind], columns: &[Vec<f64>]) {
    print!("| work |");
    kinds.iter().for_each(|kind| print!(" {} |", kind.name));
    print!("\n|---|");
    kinds.iter().for_each(|_| print!("---|"));
    println!();
    for (position, Row { name, unit, .. }) in ROWS.iter().enumerate() {
        print!("| {name}, {unit} |");
        let first = columns.first().map_or(1.0, |column| column[position]);
        for column in columns {
            print!(" {:.2} ({:.2}x) |", column[position], column[position] / first);
        }
        println!();
    }
}
