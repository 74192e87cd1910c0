//! Plays many files on a few servers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use photondb_test_support::{Server, SupportError};

use crate::replay::{FileReport, play};
use crate::vector::VectorFile;

/// Files that wait for feeds leave the processor to the others.
const SERVERS_MAX: usize = 4;

/// The outcome of all files.
#[derive(Debug)]
pub struct Report {
    /// By name.
    pub files: Vec<FileReport>,
}

/// The suite could not run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// No server.
    #[error(transparent)]
    Support(#[from] SupportError),
    /// No place for its data.
    #[error("creating a data directory: {0}")]
    Directory(std::io::Error),
}

impl Report {
    /// How many checks there were.
    pub fn checks(&self) -> usize {
        self.files.iter().map(|file| file.checks.len()).sum()
    }

    /// How many passed.
    pub fn passes(&self) -> usize {
        self.files.iter().map(FileReport::passes).sum()
    }

    /// How many recorded backtraces ours agree with, and how many there are.
    pub fn backtraces(&self) -> (usize, usize) {
        let verdicts = self.files.iter().flat_map(|file| &file.checks).filter_map(|c| c.backtrace_agrees);
        verdicts.fold((0, 0), |(agree, all), verdict| (agree + usize::from(verdict), all + 1))
    }
}

/// Plays `files` against servers started for them.
pub fn run_all(files: &[VectorFile]) -> Result<Report, SuiteError> {
    // The longest first, so that none is left running alone at the end.
    let mut order: Vec<&VectorFile> = files.iter().collect();
    order.sort_by_key(|file| std::cmp::Reverse(file.vectors.len()));
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SERVERS_MAX.min(files.len()))
            .map(|_| scope.spawn(|| work(&order, &next, &reports)))
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    let mut files = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Report { files })
}

fn work(
    order: &[&VectorFile],
    next: &AtomicUsize,
    reports: &Mutex<Vec<FileReport>>,
) -> Result<(), SuiteError> {
    let folder = Folder::create()?;
    let mut server = Server::start(&folder.data())?;
    while let Some(file) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
        if !server.is_running() {
            eprintln!("the server died; its output:\n{}", server.output());
            server = Server::start(&folder.data())?;
        }
        let report = play(server.port(), file);
        reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }
    Ok(())
}

/// A temporary folder for one server.
struct Folder(tempfile::TempDir);

impl Folder {
    fn create() -> Result<Self, SuiteError> {
        tempfile::tempdir().map(Self).map_err(SuiteError::Directory)
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }
}
