//! `photondb check`: verifies a data directory.

use std::path::Path;
use std::process::ExitCode;

use photondb_storage::{StorageError, check};

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
        "{}: {} trees with {} entries, {} nodes, {} values; checkpoint at {}, log up to {}",
        directory.display(),
        report.trees,
        report.entries,
        report.nodes,
        report.values,
        report.checkpoint_position,
        report.log_position
    );
    for problem in &report.problems {
        println!("  {problem}");
    }
    if report.problem_count == 0 {
        println!("No problems found.");
        return ExitCode::SUCCESS;
    }
    println!("{} problems found.", report.problem_count);
    ExitCode::FAILURE
}
