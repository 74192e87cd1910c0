//! The npm package `rethinkdbdash` with the suite in its tarball.

use std::path::{Path, PathBuf};
use std::time::Duration;

use photondb_clients::{ExpectedFailures, file, redirect_default_port, run_mocha, suites_are_full};
use photondb_test_support::{JavascriptClient, Script, Server};

const PACKAGES: [&str; 3] = ["rethinkdbdash@2.3.31", "mocha@10.8.2", "dev-null@0.1.1"];
const FOLDER: &str = "rethinkdbdash-2.3.31-mocha-10.8.2";
/// Files whose tests wait for their timeouts with any current version of Node.
const SLOW: [&str; 2] = ["transform-stream.js", "writable-stream.js"];
/// The suite's own.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(600);
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(30);
const PASSED_PERCENT_MIN: f64 = 98.0;

#[test]
fn own_suite() {
    let client = JavascriptClient::fetch_packages(FOLDER, &PACKAGES).expect("rethinkdbdash can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    let whole = suites_are_full();
    let files = files(&client.folder().join("node_modules/rethinkdbdash/test"), whole);
    let mut node = client.command();
    redirect_default_port(&mut node, server.port());
    // The names of the variables that the suite's configuration reads.
    node.env("WERCKER_RETHINKDB_HOST", "127.0.0.1").env("WERCKER_RETHINKDB_PORT", server.port().to_string());
    let report = run_mocha(node, client.folder(), &files, TEST_TIMEOUT, TIMEOUT, folder.path())
        .expect("the suite runs");
    let expected = ExpectedFailures::load(&file("expected_failures/rethinkdbdash.txt")).expect("a list");
    println!("rethinkdbdash: {} tests pass, {} fail", report.passed, report.failed.len());
    for (test, message) in &report.failed {
        println!("  {test}: {}", message.lines().next().unwrap_or_default());
    }
    let wrong = expected.judge(&report, whole);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(report.percent_passed() >= PASSED_PERCENT_MIN, "{} % pass only", report.percent_passed());
}

#[test]
fn pool_discovers_servers() {
    let client = JavascriptClient::fetch_packages(FOLDER, &PACKAGES).expect("rethinkdbdash can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    let mut node = client.command();
    node.arg(file("scripts/discovery_session.js")).env("PHOTONDB_PORT", server.port().to_string());
    let output = Script::new(node, DISCOVERY_TIMEOUT).run().expect("the script can be started");
    assert!(output.success, "{}\n{}", output.stdout, output.stderr);
}

fn files(folder: &Path, whole: bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the package brings its suite along");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    files.retain(|path| whole || !SLOW.iter().any(|slow| path.ends_with(slow)));
    files.sort();
    files
}
