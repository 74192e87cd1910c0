//! The binary as a shell sees it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_photondb");

/// A server process; killed when dropped.
struct Process {
    child: Child,
    lines: Vec<String>,
}

impl Process {
    /// Starts a server and waits until it says that it is ready.
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let child = command(directory)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut process = Self { child, lines: Vec::new() };
        let mut output = BufReader::new(process.child.stdout.take().expect("is piped"));
        loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).expect("reads") > 0, "it ended: {:?}", process.lines);
            process.lines.push(line.trim_end().to_owned());
            if line.starts_with("Server ready") {
                return process;
            }
        }
    }

    fn line(&self, start: &str) -> &str {
        let line = self.lines.iter().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no line starts with {start:?}: {:?}", self.lines))
    }

    fn signal(mut self, name: &str) -> Option<i32> {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kills").success());
        self.child.wait().expect("ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command
        .env("PHOTONDB_DRIVER_PORT", "0")
        .env("PHOTONDB_HTTP_PORT", "0")
        .env("PHOTONDB_DIRECTORY", directory);
    command
}

fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(directory).args(arguments).output().expect("runs");
    (status.code(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

#[test]
fn a_server_starts_tells_where_it_is_and_stops_cleanly() {
    let place = tempfile::tempdir().expect("a place");
    let directory = place.path().join("data");
    let server = Process::start(&directory, &["serve", "--server-name", "first", "--no-http-admin"]);
    let port = server.line("Listening for client driver connections on port ").rsplit_once(' ');
    assert!(port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0)));
    assert!(server.line("Server ready, ").starts_with("Server ready, \"first\" "));
    server.line("Initialized a new data directory");
    assert_eq!(server.signal("TERM"), Some(0));

    let (code, output, _) = run(&directory, &["check", &directory.display().to_string()]);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("No problems found"), "{output}");

    // The name is kept, and no verb serves.
    let server = Process::start(&directory, &[]);
    assert!(server.line("Server ready, ").contains("\"first\""));
    server.line("Listening for administrative HTTP connections on port ");
    assert_eq!(server.signal("INT"), Some(0));
}

#[test]
fn one_directory_serves_one_process() {
    let place = tempfile::tempdir().expect("a place");
    let server = Process::start(place.path(), &["serve"]);
    let (code, _, errors) = run(place.path(), &["serve"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("in use by another process"), "{errors}");
    assert!(errors.contains("hint: the directory is in use"), "{errors}");
    let (code, _, errors) = run(place.path(), &["check", &place.path().display().to_string()]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("stop it first"), "{errors}");
    assert_eq!(server.signal("TERM"), Some(0));
}

#[test]
fn a_made_up_password_is_printed_once() {
    let place = tempfile::tempdir().expect("a place");
    let directory = place.path().join("data");
    let arguments = ["serve", "--initial-password", "auto"];
    let server = Process::start(&directory, &arguments);
    assert!(server.line("Password of user \"admin\": ").len() > 40);
    assert_eq!(server.signal("TERM"), Some(0));
    let server = Process::start(&directory, &arguments);
    assert!(!server.lines.iter().any(|line| line.contains("Password")), "{:?}", server.lines);
}

#[test]
fn mistakes_are_explained() {
    let place = tempfile::tempdir().expect("a place");
    for (arguments, code, words) in [
        (vec!["serve", "--cache-size", "much"], 2, "`much` is no size"),
        (vec!["serve", "--bind", "here"], 2, "`here` is no address"),
        (vec!["serve", "--log-level", "a=b=c"], 1, "cannot be understood"),
        (vec!["serve", "--driver-port", "65000", "-o", "1000"], 1, "more than a port can be"),
        (vec!["check", "/nowhere/at/all"], 1, "cannot check /nowhere/at/all"),
    ] {
        let (found, _, errors) = run(&place.path().join("data"), &arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
    let (code, output, _) = run(place.path(), &["version"]);
    assert_eq!(code, Some(0));
    assert!(output.starts_with("photondb "), "{output}");
}
