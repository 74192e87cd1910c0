//! `photondb check`: verifies a data directory, first what is stored, then what it means.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use photondb::CacheSize;
use photondb_base::SystemClock;
use photondb_catalog::{CheckProgress, CheckReport};
use photondb_exec::StoredFunctions;
use photondb_storage::{DiskEngine, Engine, OpenOptions, RealDisk, StorageError, check};
use photondb_table::Evaluator;
use thiserror::Error;

use crate::output::counted;

/// How often people are told how far it is.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);

/// What keeps the second half of a check from being done.
#[derive(Debug, Error)]
enum MeaningError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Catalog(#[from] photondb_catalog::CatalogError),
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Checks a directory and prints what was found; fails when something is wrong with it.
pub fn run(directory: &Path) -> ExitCode {
    let report = match check(directory) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("photondb: cannot check {}: {error}", directory.display());
            if matches!(error, StorageError::Locked { .. }) {
                eprintln!("hint: a server has this directory open; stop it first");
            }
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{}: {} with {}, {}, {}; checkpoint at {}, log up to {}",
        directory.display(),
        counted(report.trees, "tree"),
        counted(report.entries, "entry"),
        counted(report.nodes, "node"),
        counted(report.values, "value"),
        report.checkpoint_position,
        report.log_position
    );
    for problem in &report.problems {
        println!("  {problem}");
    }
    if report.problem_count > 0 {
        let problems = counted(report.problem_count, "problem");
        println!("{problems} found; documents and indexes were not compared.");
        return ExitCode::FAILURE;
    }
    match check_meaning(directory) {
        Ok(report) => tell(&report),
        Err(error) => {
            eprintln!("photondb: cannot read the tables in {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

/// Compares documents and indexes. The log is applied first, as at any start of a server.
fn check_meaning(directory: &Path) -> Result<CheckReport, MeaningError> {
    let disk = Arc::new(RealDisk::open(directory)?);
    let cache_bytes_max = CacheSize::Automatic.bytes();
    // The log that backups go on from is not ours to cut.
    let options = OpenOptions { cache_bytes_max, log_keep_bytes: u64::MAX, ..OpenOptions::new(disk) };
    let engine = DiskEngine::open(options)?;
    let evaluator: Arc<dyn Evaluator> = Arc::new(StoredFunctions::new(Arc::new(SystemClock::default())));
    let mut told = Instant::now();
    let mut progress = |progress: CheckProgress<'_>| {
        if told.elapsed() >= PROGRESS_PERIOD {
            told = Instant::now();
            eprintln!("  {}: {} documents so far", progress.table, progress.documents);
        }
    };
    // Functions of users may nest deeply.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(photondb_base::limits::THREAD_STACK_BYTES);
        let snapshot = engine.snapshot();
        let (evaluator, progress) = (&evaluator, &mut progress);
        let check =
            thread.spawn_scoped(scope, move || photondb_catalog::check(&snapshot, evaluator, progress))?;
        match check.join() {
            Ok(report) => Ok(report?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn tell(report: &CheckReport) -> ExitCode {
    let sum = |of: fn(&photondb_table::TableReport) -> u64| -> u64 {
        report.tables.iter().map(|(_, table)| of(table)).sum()
    };
    println!(
        "{} with {} and {}",
        counted(report.tables.len() as u64, "table"),
        counted(sum(|table| table.documents), "document"),
        counted(sum(|table| table.entries), "index entry")
    );
    let unfinished = sum(|table| table.indexes_unfinished);
    if unfinished > 0 {
        println!(
            "{} not finished; the server builds what is missing when it starts.",
            counted(unfinished, "index")
        );
    }
    for (name, table) in &report.tables {
        for problem in &table.problems {
            println!("  {name}: {problem}");
        }
        let left = table.problem_count - table.problems.len() as u64;
        if left > 0 {
            println!("  {name}: and {} more", counted(left, "problem"));
        }
    }
    for tree in &report.trees_unowned {
        println!("  tree {} belongs to no table", tree.0);
    }
    if report.is_directory_wrong {
        println!("  the table directory does not agree with the tables");
    }
    match report.problem_count() {
        0 => {
            println!("No problems found.");
            ExitCode::SUCCESS
        }
        count => {
            println!("{} found.", counted(count, "problem"));
            ExitCode::FAILURE
        }
    }
}
