//! The server as a process: what it prints, how it stops, what it refuses.

use std::time::Duration;

use photondb_test_support::{Connection, Server, ServerOptions, Version, kind};
use serde_json::json;

const TIMEOUT: Duration = Duration::from_secs(20);
const TABLE: &str = r#"[15,[[14,["test"]],"things"]]"#;

#[test]
fn a_second_server_on_a_directory_refuses_clearly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let first = Server::start(&data).expect("the first server starts");
    let mut second = Server::spawn(&data, &ServerOptions::default()).expect("the second can be spawned");
    let status = second.wait_for_exit(TIMEOUT).expect("the second server gives up by itself");
    let output = second.output();
    assert!(!status.success(), "the second server claims success; it printed:\n{output}");
    let words = output.to_lowercase();
    let names_directory = output.contains(&*data.to_string_lossy());
    let names_cause = ["in use", "locked", "already", "another"].iter().any(|word| words.contains(word));
    assert!(names_directory && names_cause, "no clear message:\n{output}");
    assert!(!words.contains("panicked"), "a refusal is no panic:\n{output}");
    let mut connection = first.connect().expect("the first server still answers");
    assert_eq!(connection.value("1").expect("a value"), json!(1));
}

#[test]
fn a_signal_stops_it_cleanly_and_the_data_is_there_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    for (round, signal) in ["TERM", "INT"].into_iter().enumerate() {
        let server = Server::start(&data).expect("the server starts");
        let mut connection = server.connect().expect("a connection");
        if round == 0 {
            connection.value(r#"[60,[[14,["test"]],"things"]]"#).expect("the table is created");
        }
        let insert =
            format!(r#"[56,[{TABLE},{{"id":{round},"signal":"{signal}"}}],{{"durability":"soft"}}]"#);
        assert_eq!(connection.value(&insert).expect("inserted")["inserted"], json!(1));
        // An open feed must not hold the shutdown up.
        let feed = connection.send(&format!("[1,[152,[{TABLE}]],{{}}]")).expect("a feed");
        assert_eq!(connection.receive(feed, TIMEOUT).expect("the feed opens").kind, kind::PARTIAL);
        let status = server.stop(signal).unwrap_or_else(|error| panic!("SIG{signal}: {error}"));
        assert!(status.success(), "SIG{signal} ends it with {status}");
    }
    let server = Server::start(&data).expect("the server starts again");
    let mut connection = server.connect().expect("a connection");
    let rows = connection.value(&format!(r#"[41,[{TABLE}],{{"index":"id"}}]"#)).expect("the rows");
    assert_eq!(rows, json!([{"id": 0, "signal": "TERM"}, {"id": 1, "signal": "INT"}]));
}

#[test]
fn it_prints_where_it_listens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = ServerOptions {
        arguments: ["--server-name", "lighthouse", "--cache-size", "64"].map(String::from).to_vec(),
        ..ServerOptions::default()
    };
    let server = Server::start_with(&folder.path().join("data"), &options).expect("the server starts");
    let line = format!("Listening for client driver connections on port {}", server.port());
    assert!(server.output().contains(&line), "no {line:?} in:\n{}", server.output());
    let mut connection = server.connect().expect("a connection");
    let token = connection.send("[5]").expect("sent");
    let info = connection.receive(token, TIMEOUT).expect("server info");
    assert_eq!(info.kind, kind::SERVER_INFO);
    assert_eq!(info.rows[0]["name"], json!("lighthouse"));
    assert_eq!(info.rows[0]["proxy"], json!(false));
}

#[test]
fn a_fresh_directory_has_an_empty_database_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("not/yet/there")).expect("the server starts");
    let mut connection = server.connect().expect("a connection");
    assert_eq!(connection.value("[59,[]]").expect("dbList"), json!(["rethinkdb", "test"]));
    assert_eq!(connection.value(r#"[62,[[14,["test"]]]]"#).expect("tableList"), json!([]));
}

#[test]
fn the_initial_password_is_asked_for_from_then_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let options = ServerOptions {
        arguments: Vec::new(),
        environment: vec![("PHOTONDB_INITIAL_PASSWORD".to_owned(), "s3cret, é=".to_owned())],
        ..ServerOptions::default()
    };
    for options in [options, ServerOptions::default()] {
        let mut server = Server::spawn(&data, &options).expect("the server can be spawned");
        wait_for_port(&mut server);
        let port = server.port();
        let refused = Connection::open(port, "admin", "", TIMEOUT).expect_err("an empty password is wrong");
        assert!(refused.to_string().contains("password"), "{refused}");
        Connection::open(port, "nobody", "", TIMEOUT).expect_err("there is no such user");
        Connection::open_v0_4(port, TIMEOUT).expect_err("an empty authorization key is wrong");
        let mut connection =
            Connection::open(port, "admin", "s3cret, é=", TIMEOUT).expect("the right password");
        assert_eq!(connection.value("1").expect("a value"), json!(1));
        server.stop("TERM").expect("it stops");
    }
}

#[test]
fn old_handshakes_are_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&folder.path().join("data")).expect("the server starts");
    for version in [Version::V0_3, Version::V0_4] {
        let mut connection =
            Connection::open_old(server.port(), version, "", TIMEOUT).expect("an old handshake is accepted");
        assert_eq!(connection.value("[24,[1,2]]").expect("a sum"), json!(3), "{version:?}");
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let binary = photondb_test_support::server_binary();
    let run = |arguments: &[&str]| {
        std::process::Command::new(binary).args(arguments).output().expect("the binary can be started")
    };
    let unknown = run(&["serve", "--no-such-option"]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--no-such-option"));
    let help = run(&["serve", "--help"]);
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.status.success());
    let options = [
        "--directory",
        "--bind",
        "--driver-port",
        "--http-port",
        "--port-offset",
        "--cache-size",
        "--server-name",
        "--initial-password",
        "--no-http-admin",
        "--log-level",
    ];
    for option in options {
        assert!(text.contains(option), "{option} is missing in:\n{text}");
    }
    assert!(run(&["--version"]).status.success());
}

/// Waits until the port takes connections; which handshakes pass is the test's affair.
fn wait_for_port(server: &mut Server) {
    let end = std::time::Instant::now() + TIMEOUT;
    while Connection::open_silent(server.port(), TIMEOUT).is_err() {
        let alive = server.is_running() && std::time::Instant::now() < end;
        assert!(alive, "the server does not come up:\n{}", server.output());
        std::thread::sleep(Duration::from_millis(10));
    }
}
