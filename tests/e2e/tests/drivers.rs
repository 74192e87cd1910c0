//! The official drivers, unmodified, on real data.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{JavascriptClient, PythonClient, Script, Server};

const SCRIPT_TIMEOUT: Duration = Duration::from_secs(180);
/// A script that checks less has lost its content.
const CHECKS_MIN: usize = 15;

#[test]
fn python_movies() {
    run_python("movies.py");
}

#[test]
fn python_airports() {
    run_python("airports.py");
}

#[test]
fn javascript_movies() {
    run_javascript("movies.js");
}

#[test]
fn javascript_airports() {
    run_javascript("airports.js");
}

fn run_python(script: &str) {
    let client = PythonClient::fetch().expect("the Python driver can be fetched");
    run(client.command(), script);
}

fn run_javascript(script: &str) {
    let client = JavascriptClient::fetch().expect("the JavaScript driver can be fetched");
    run(client.command(), script);
}

fn run(mut command: Command, script: &str) {
    let data = JavascriptClient::fetch().expect("the data sets can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script))
        .env("PHOTONDB_PORT", server.port().to_string())
        .env("MOVIES_JSON", data.dataset("movies.json"))
        .env("AIRPORTS_CSV", data.dataset("airports.csv"));
    let output = Script::new(command, SCRIPT_TIMEOUT).run().expect("the script can be started");
    let shown = || format!("{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success, "{script}:\n{}", shown());
    let passed =
        output.stdout.lines().find_map(|line| line.strip_suffix(" checks passed")?.parse::<usize>().ok());
    let passed = passed.unwrap_or_else(|| panic!("{script} counts no checks:\n{}", shown()));
    assert!(passed >= CHECKS_MIN, "{script} makes {passed} checks only");
}
