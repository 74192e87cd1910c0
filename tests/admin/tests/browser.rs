//! The pages in Chromium, on a real server.

use std::time::Duration;

use photondb_admin::{Browser, Specs};
use photondb_test_support::{Server, ServerOptions};

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
fn users() {
    run("users.spec.ts");
}

/// Draws the pictures of the guide: see [`Specs::pictures`].
#[test]
fn pictures() {
    run("screenshots.spec.ts");
}

/// Runs a specification on a server of its own.
fn run(spec: &str) {
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
    let output = specs.run(spec, &url, TIMEOUT).expect("Playwright can be started");
    assert!(output.success, "{spec}:\n{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
}
