//! What containers and systemd are told is what the binary understands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use photondb_test_support::{Server, ServerOptions, server_binary};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    fs::read_to_string(project().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Words of the form of an environment variable of the server.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| word.starts_with("PHOTONDB_")).collect()
}

#[test]
fn variables_and_flags_are_those_of_the_server() {
    let help = Command::new(server_binary()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known = variables(&help);
    for file in ["Dockerfile", "docker-compose.yml", "packaging/photondb.service"] {
        let text = read(file);
        let used = variables(&text);
        assert!(!used.is_empty(), "{file}");
        assert!(used.is_subset(&known), "{file} has {:?}", used.difference(&known));
    }
    let unit = read("packaging/photondb.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let flags: Vec<_> = command.split(' ').filter(|word| word.starts_with("--")).collect();
    assert!(!flags.is_empty() && flags.iter().all(|flag| help.contains(flag)), "{command}");
}

#[test]
fn the_containers_health_check_tells_health() {
    let dockerfile = read("Dockerfile").replace("\\\n", "");
    let (_, check) = dockerfile.split_once("HEALTHCHECK").unwrap();
    let (_, check) = check.lines().next().unwrap().split_once(" CMD ").unwrap();
    let check: Vec<String> = serde_json::from_str(check.trim()).unwrap();
    let is_healthy = |port: u16| {
        let mut command = Command::new(&check[0]);
        let status = command.args(&check[1..]).env("PHOTONDB_HTTP_PORT", port.to_string()).output();
        status.unwrap().status.success()
    };
    let directory = tempfile::tempdir().unwrap();
    let options = ServerOptions { http: true, ..ServerOptions::default() };
    let server = Server::start_with(directory.path(), &options).unwrap();
    let port = server.http_port().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_healthy(port) {
        assert!(Instant::now() < deadline, "{}", server.output());
        thread::sleep(Duration::from_millis(50));
    }
    drop(server);
    assert!(!is_healthy(port));
}
