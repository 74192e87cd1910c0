//! Does the HTTP door keep what its description promises? Schemathesis reads the description and
//! makes up requests, sensible and not.

use std::time::Duration;

use photondb_test_support::{PythonClient, Script, Server, ServerOptions};

const SCHEMATHESIS: &str = "schemathesis==4.32.5";
const FOLDER: &str = "schemathesis-4.32.5";
const TIMEOUT: Duration = Duration::from_secs(600);
/// Every answer is as described, none is a fault of the server, and a wrong method is told.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";

#[test]
fn the_door_keeps_its_description() {
    let client = PythonClient::fetch_packages(FOLDER, &[SCHEMATHESIS]).expect("Schemathesis can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = ServerOptions { http: true, ..ServerOptions::default() };
    let server = Server::start_with(&folder.path().join("data"), &options).expect("the server starts");
    let url = format!("http://127.0.0.1:{}/api/openapi.json", server.http_port().expect("HTTP is on"));
    let mut command = client.command();
    command.current_dir(folder.path()).args(["-m", "schemathesis.cli", "run", &url, "--no-color"]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "15"]);
    command.arg("--generation-deterministic");
    // A stream of events has no end.
    command.args(["--exclude-path", "/api/changes", "--request-timeout", "60", "--warnings", "off"]);
    let output = Script::new(command, TIMEOUT).run().expect("Schemathesis can be started");
    let shown = format!("{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success, "{shown}");
    assert!(output.stdout.contains("No issues found"), "{shown}");
}
