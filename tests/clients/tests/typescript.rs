//! The npm package `rethinkdb-ts` as an application uses it.

use std::time::Duration;

use photondb_clients::file;
use photondb_test_support::{JavascriptClient, Script, Server};

const SCRIPT_TIMEOUT: Duration = Duration::from_secs(120);

#[test]
fn session() {
    let client = JavascriptClient::fetch_packages("rethinkdb-ts-3.0.0", &["rethinkdb-ts@3.0.0"])
        .expect("rethinkdb-ts can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    let mut command = client.command();
    command.arg(file("scripts/typescript_session.js")).env("PHOTONDB_PORT", server.port().to_string());
    let output = Script::new(command, SCRIPT_TIMEOUT).run().expect("the script can be started");
    let shown = format!("{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success, "{shown}");
    assert!(output.stdout.contains("26 checks passed"), "checks were lost:\n{shown}");
}
