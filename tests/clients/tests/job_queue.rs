//! The npm package `rethinkdb-job-queue` with the suite in its tarball. It takes minutes,
//! most of them waiting, and its runner many packages: only as a whole.

use std::path::{Path, PathBuf};
use std::time::Duration;

use photondb_clients::{ExpectedFailures, Report, file, redirect_default_port, run_tap, suites_are_full};
use photondb_test_support::{JavascriptClient, Server};

const PACKAGES: [&str; 3] = ["rethinkdb-job-queue@3.1.7", "tap@11.1.1", "proxyquire@1.8.0"];
const FOLDER: &str = "rethinkdb-job-queue-3.1.7-tap-11.1.1";
const FILE_TIMEOUT: Duration = Duration::from_secs(120);
const PASSED_PERCENT_MIN: f64 = 98.0;

#[test]
fn own_suite() {
    if !suites_are_full() {
        println!("not run: set PHOTONDB_CLIENT_SUITES=full");
        return;
    }
    let client =
        JavascriptClient::fetch_packages(FOLDER, &PACKAGES).expect("rethinkdb-job-queue can be fetched");
    let package = client.folder().join("node_modules/rethinkdb-job-queue");
    link_sources(&package);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    let mut report = Report::default();
    for path in files(&package.join("tests")) {
        let mut node = client.command();
        redirect_default_port(&mut node, server.port());
        run_tap(node, &path, FILE_TIMEOUT, &mut report).expect("a file of the suite runs");
    }
    let expected = ExpectedFailures::load(&file("expected_failures/job_queue.txt")).expect("a list");
    println!("rethinkdb-job-queue: {} assertions pass, {} fail", report.passed, report.failed.len());
    let wrong = expected.judge(&report, true);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(report.percent_passed() >= PASSED_PERCENT_MIN, "{} % pass only", report.percent_passed());
}

/// The tests ask for `src`, which the tarball has as `dist`.
fn link_sources(package: &Path) {
    let link = package.join("src");
    if !link.exists() {
        std::os::unix::fs::symlink("dist", link).expect("a link can be made");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the package brings its suite along");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".spec.js"));
    files.sort();
    files
}
