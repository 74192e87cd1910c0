//! The Python package: its command line tools and its asyncio loop type; and our own
//! shell at a terminal that Python plays.

use std::time::Duration;

use photondb_clients::file;
use photondb_test_support::{PythonClient, Script, Server, server_binary};

const SCRIPT_TIMEOUT: Duration = Duration::from_secs(900);

#[test]
fn tools_carry_everything() {
    run("tools.py", 19);
}

#[test]
fn asyncio_session() {
    run("asyncio_session.py", 18);
}

#[test]
fn terminal_session() {
    run("repl_session.py", 30);
}

/// Runs a script that has to make so many checks.
fn run(script: &str, checks: usize) {
    let client = PythonClient::fetch().expect("the Python driver can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    let work = folder.path().join("work");
    std::fs::create_dir(&work).expect("a folder can be made");
    let mut command = client.command();
    command
        .arg(file("scripts").join(script))
        .env("PHOTONDB_PORT", server.port().to_string())
        .env("PHOTONDB_BINARY", server_binary())
        .env("WORK_FOLDER", work);
    let output = Script::new(command, SCRIPT_TIMEOUT).run().expect("the script can be started");
    let shown = format!("{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success, "{script}:\n{shown}");
    assert!(output.stdout.contains(&format!("{checks} checks passed")), "{script} lost checks:\n{shown}");
}
