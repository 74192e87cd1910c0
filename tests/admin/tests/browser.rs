//! The pages in Chromium, on a real server.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_admin::{Browser, Specs};
use photondb_test_support::{Server, ServerOptions, server_binary};

const TIMEOUT: Duration = Duration::from_secs(900);

#[test]
fn pages() {
    run("pages.spec.ts");
}

#[test]
fn explorer() {
    run("explorer.spec.ts");
}

#[test]
fn tables() {
    run("tables.spec.ts");
}

#[test]
fn keyboard() {
    run("keyboard.spec.ts");
}

#[test]
fn users() {
    run("users.spec.ts");
}

/// What the page fetches is restored into a second server, which then has the documents.
#[test]
fn backups() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fetched = folder.path().join("fetched.tar");
    run_with("backups.spec.ts", &[("PHOTONDB_DOWNLOAD", &fetched)]);
    let unpacked = Command::new("tar").arg("xf").arg(&fetched).current_dir(folder.path()).status();
    assert!(unpacked.expect("`tar` can be started").success(), "it is a tar file");
    let mut entries = std::fs::read_dir(folder.path()).expect("it can be listed").flatten();
    let set = entries.find(|entry| entry.path().is_dir()).expect("the set is a folder");
    let data = folder.path().join("restored");
    let mut restore = Command::new(server_binary());
    let restored = restore.arg("restore").arg(set.path()).arg("--data-dir").arg(&data).status();
    assert!(restored.expect("the binary runs").success(), "it is restored");
    let server = Server::start(&data).expect("a server starts on it");
    let mut connection = server.connect().expect("a connection");
    let table = r#"[15,[[14,["test"]],"people"]]"#;
    let count = connection.value(&format!("[43,[{table}]]")).expect("the number of documents");
    assert_eq!(count, 2001);
    let late = connection.value(&format!(r#"[170,[[16,[{table},"late"]],"name"]]"#)).expect("the document");
    assert_eq!(late, "Person who came late");
}

/// Draws the pictures of the guide: see [`Specs::pictures`].
#[test]
fn pictures() {
    run("screenshots.spec.ts");
}

/// Runs a specification on a server of its own.
fn run(spec: &str) {
    run_with(spec, &[]);
}

/// The same with variables that the specification knows.
fn run_with(spec: &str, variables: &[(&str, &Path)]) {
    let browser = Browser::find().unwrap_or_else(|error| panic!("{error}"));
    let specs = Specs::open(browser).expect("Playwright can be fetched");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = ServerOptions {
        arguments: vec!["--server-name".into(), "photon".into()],
        http: true,
        ..ServerOptions::default()
    };
    let server = Server::start_with(&folder.path().join("data"), &options).expect("the server starts");
    let url = format!("http://127.0.0.1:{}", server.http_port().expect("HTTP was asked for"));
    let output = specs.run(spec, &url, variables, TIMEOUT).expect("Playwright can be started");
    assert!(output.success, "{spec}:\n{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
}
