//! What becomes of the storage engine when there is more of everything: more documents, more
//! data than cache, updates for long, deletions, trees, and what a start takes then.
//!
//! `cargo run --release --bin endurance`; `--run growth,rot` for some of it. One thread unless
//! told otherwise, documents of about 1.1 kB with one index, the allocator of the server.

mod latency;
mod measure;
mod parts;
mod store;

use std::process::ExitCode;

use clap::Parser;

/// The server's, since memory is part of what is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What goes wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measure what time and size do to the storage engine.
#[derive(Parser)]
pub struct Arguments {
    /// Documents of the smaller data set; the larger one has ten times as many
    #[arg(long, default_value_t = 50_000)]
    documents: u64,
    /// Megabytes of cache where data and memory are set against it
    #[arg(long, default_value_t = 64)]
    cache: u64,
    /// Trees
    #[arg(long, default_value_t = 10_000)]
    trees: u64,
    /// Seconds without writes before the size on disk is looked at again
    #[arg(long, default_value_t = 8)]
    settle: u64,
    /// Only these parts, separated by commas
    #[arg(long, value_delimiter = ',')]
    run: Vec<String>,
    /// Where the files go while it runs; it should be on the disk that matters
    #[arg(long, default_value = ".")]
    directory: std::path::PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    for (name, part) in parts::PARTS {
        if !arguments.run.is_empty() && !arguments.run.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("\n{name}");
        if let Err(error) = part(&arguments) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
