//! Physical backups of running servers, and servers on what was restored from them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use photondb_test_support::{Connection, Server, kind, server_binary};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(60);
const TABLE: &str = r#"[15,[[14,["test"]],"people"]]"#;

/// Runs the binary against a server.
fn photondb(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(server_binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PHOTONDB_")) {
        command.env_remove(name);
    }
    command.env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", server.port()));
    command.args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a run that must succeed has printed.
fn did(server: &Server, arguments: &[&str]) -> String {
    let output = photondb(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn asked(server: &Server, query: &str) -> Value {
    serde_json::from_str(&did(server, &["query", "-o", "json", query])).expect("JSON")
}

fn backed_up(server: &Server, into: &Path, more: &[&str]) -> Value {
    let into = into.display().to_string();
    let arguments = [&["backup", "--into", into.as_str(), "-o", "json"], more].concat();
    serde_json::from_str(&did(server, &arguments)).expect("JSON")
}

fn restored(server: &Server, from: &Path, data: &Path, more: &[&str]) -> Value {
    let (from, data) = (from.display().to_string(), data.display().to_string());
    let arguments = [&["restore", from.as_str(), "--data-dir", data.as_str(), "-o", "json"], more].concat();
    serde_json::from_str(&did(server, &arguments)).expect("JSON")
}

/// Everything in the table, by key.
fn documents(server: &Server) -> Value {
    asked(server, r#"r.table("people").orderBy({index: "id"})"#)
}

fn with_people(data: &Path) -> Server {
    let server = Server::start(data).expect("the server starts");
    did(&server, &["table", "create", "test.people"]);
    asked(&server, r#"r.table("people").indexCreate("town")"#);
    asked(&server, r#"r.table("people").indexWait()"#);
    server
}

/// Inserts documents one by one until told to stop. Counts those that are acknowledged.
fn write(server_port: u16, first: u64, is_over: &AtomicBool, acknowledged: &AtomicU64) {
    let mut connection = Connection::open(server_port, "admin", "", TIMEOUT).expect("a connection");
    for id in first.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let document = format!(r#"{{"id":{id},"town":"t{}"}}"#, id % 7);
        // The server may be killed in between.
        match connection.value(&format!("[56,[{TABLE},{document}]]")) {
            Ok(summary) => assert_eq!(summary["inserted"], json!(1), "{summary}"),
            Err(_) => return,
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_was_killed_is_backed_up_further_and_restored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, backups) = (folder.path().join("data"), folder.path().join("backups"));
    let server = with_people(&data);
    asked(&server, r#"r.db("rethinkdb").table("users").insert({id: "bob", password: "secret"})"#);
    asked(&server, r#"r.db("test").grant("bob", {read: true})"#);
    let (is_over, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let wait_for = |count: u64| {
        let end = Instant::now() + TIMEOUT;
        while acknowledged.load(Ordering::Relaxed) < count {
            assert!(Instant::now() < end, "the writer is stuck");
            std::thread::sleep(Duration::from_millis(1));
        }
    };

    // Everything, and then more, while somebody writes; then the server dies.
    let port = server.port();
    std::thread::scope(|scope| {
        scope.spawn(|| write(port, 0, &is_over, &acknowledged));
        wait_for(50);
        let first = backed_up(&server, &backups, &[]);
        assert_eq!(first["kind"], json!("base"), "{first}");
        wait_for(acknowledged.load(Ordering::Relaxed) + 50);
        let second = backed_up(&server, &backups, &["--incremental-only"]);
        assert_eq!(second["kind"], json!("increment"), "{second}");
        wait_for(acknowledged.load(Ordering::Relaxed) + 10);
        server.kill().expect("the server is killed");
        is_over.store(true, Ordering::Relaxed);
    });
    let survived = acknowledged.load(Ordering::Relaxed);

    // What was acknowledged before it died is in the next increment.
    let server = Server::start(&data).expect("the server starts again");
    let before = documents(&server);
    let third = backed_up(&server, &backups, &["--incremental-only"]);
    assert_eq!(third["discontinued"], Value::Null);
    asked(&server, r#"r.table("people").get(3).update({town: "elsewhere"})"#);
    asked(&server, r#"r.table("people").get(4).delete()"#);
    let after = documents(&server);
    backed_up(&server, &backups, &["--incremental-only"]);
    asked(&server, r#"r.table("people").delete()"#);
    assert!(before.as_array().is_some_and(|rows| rows.len() as u64 >= survived));

    let position = third["position"].to_string();
    let earlier = folder.path().join("earlier");
    restored(&server, &backups, &earlier, &["--to-position", &position]);
    let latest = folder.path().join("latest");
    restored(&server, &backups, &latest, &[]);
    server.stop("TERM").expect("the server stops");
    for (data, expected) in [(&earlier, &before), (&latest, &after)] {
        let server = Server::start(data).expect("a server starts on what was restored");
        assert_eq!(&documents(&server), expected);
        let by_index = asked(&server, r#"r.table("people").getAll("t2", {index: "town"}).count()"#);
        let by_scan = asked(&server, r#"r.table("people").filter({town: "t2"}).count()"#);
        assert_eq!(by_index, by_scan);
        let mut bob = Connection::open(server.port(), "bob", "secret", TIMEOUT).expect("bob logs in");
        assert_eq!(
            bob.value(&format!("[43,[{TABLE}]]")).expect("bob reads"),
            json!(expected.as_array().map(Vec::len))
        );
        // A restored server is another one, and is never taken for the one that was backed up.
        let into = backups.display().to_string();
        let refused = photondb(&server, &["backup", "--into", &into, "--incremental-only"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains("cannot be continued"), "{}", text(&refused.stderr));
        server.stop("TERM").expect("the server stops");
        let check = Command::new(server_binary()).arg("check").arg(data).output().expect("the check runs");
        assert!(check.status.success(), "{}", text(&check.stdout));
    }
}

#[test]
fn only_admin_may_and_everybody_sees_that_it_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = with_people(&folder.path().join("data"));
    let fill = r#"r.table("people").insert(r.range(3000).map(i => ({town: r.uuid(), more: r.range(30).map(j => r.uuid()).coerceTo("array")})).coerceTo("array"))"#;
    asked(&server, fill);
    asked(&server, r#"r.db("rethinkdb").table("users").insert({id: "bob", password: "secret"})"#);
    asked(&server, r#"r.grant("bob", {read: true, write: true, config: true})"#);
    let mut bob = Connection::open(server.port(), "bob", "secret", TIMEOUT).expect("bob logs in");
    let refused = bob.run("[101]", TIMEOUT).expect("an answer").response;
    assert!(refused.is_error() && refused.message().contains("Only the user `admin`"), "{refused:?}");
    let password = folder.path().join("password");
    std::fs::write(&password, "secret").expect("written");
    let into = folder.path().join("backups").display().to_string();
    let password = password.display().to_string();
    let login = ["--user", "bob", "--password-file", &password];
    let arguments = [&["backup", "--into", into.as_str()], login.as_slice()].concat();
    let refused = photondb(&server, &arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("Only the user `admin`"), "{}", text(&refused.stderr));

    let refused = bob.run("[102]", TIMEOUT).expect("an answer").response;
    assert!(refused.is_error() && refused.message().contains("Only the user `admin`"), "{refused:?}");

    let mut admin = server.connect().expect("a connection");
    for nonsense in ["[101,7]", "[102,1,2,3]", "[101,\"x\"]", "[101,\"1-0\",3]", "[101,null]"] {
        assert!(admin.run(nonsense, TIMEOUT).expect("an answer").response.is_error(), "{nonsense}");
    }
    let token = admin.send("[101]").expect("sent");
    assert_eq!(admin.receive(token, TIMEOUT).expect("a batch").kind, kind::PARTIAL);
    let backups = || {
        let jobs = asked(
            &server,
            r#"r.db("rethinkdb").table("jobs").filter({type: "query"}).filter(j => j("info")("query").eq("backup"))"#,
        );
        jobs.as_array().cloned().unwrap_or_default()
    };
    let jobs = backups();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    // An administrator stops it like any query.
    asked(&server, &format!(r#"r.db("rethinkdb").table("jobs").get({}).delete()"#, jobs[0]["id"]));
    admin.send_continue(token).expect("sent");
    assert!(admin.receive(token, TIMEOUT).expect("an answer").message().contains("terminated"));
    assert_eq!(backups().len(), 0);
    // It ends with its connection.
    let token = admin.send("[101]").expect("sent");
    assert_eq!(admin.receive(token, TIMEOUT).expect("a batch").kind, kind::PARTIAL);
    drop(admin);
    let end = Instant::now() + TIMEOUT;
    while !backups().is_empty() {
        assert!(Instant::now() < end, "the backup outlives its connection");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn directories_without_a_server_are_backed_up_and_damage_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, backups) = (folder.path().join("data"), folder.path().join("backups"));
    let server = with_people(&data);
    asked(&server, r#"r.table("people").insert(r.range(100).map(i => ({id: i})).coerceTo("array"))"#);
    let (data_text, into) = (data.display().to_string(), backups.display().to_string());
    let busy = photondb(&server, &["backup", "--into", &into, "--data-dir", &data_text]);
    assert_eq!(busy.status.code(), Some(3), "{}", text(&busy.stderr));
    backed_up(&server, &backups, &[]);
    asked(&server, r#"r.table("people").insert({id: "later"})"#);
    server.stop("TERM").expect("the server stops");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&elsewhere.path().join("data")).expect("another server starts");
    let report = backed_up(&server, &backups, &["--data-dir", &data_text]);
    assert_eq!((&report["kind"], &report["discontinued"]), (&json!("increment"), &Value::Null), "{report}");
    // Another server's log is not what goes on there: everything is copied, and it is said why.
    let report = backed_up(&server, &backups, &[]);
    assert_eq!(report["kind"], json!("base"));
    assert!(report["discontinued"].as_str().is_some_and(|reason| reason.contains("another")), "{report}");
    let listed: Value =
        serde_json::from_str(&did(&server, &["backup", "list", &into, "-o", "json"])).expect("JSON");
    let files: Vec<String> = listed
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["file"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(files.len(), 3);
    assert!(did(&server, &["backup", "verify", &into]).contains("3 backups"));

    let path = backups.join(&files[0]);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let verified = photondb(&server, &["backup", "verify", &into]);
    assert_eq!(verified.status.code(), Some(1));
    let errors = text(&verified.stderr);
    assert!(errors.contains(&files[0]) && errors.contains("1 damaged file"), "{errors}");
    // What is older than the newest base goes when that is all that is wanted.
    let report = backed_up(&server, &backups, &["--keep", "1"]);
    assert_eq!((&report["files_removed"], &report["file"]), (&json!(2), &Value::Null), "{report}");
    assert!(did(&server, &["backup", "verify", &into]).contains("1 backup "));
    let new = folder.path().join("new");
    assert_eq!(restored(&server, &backups, &new, &[])["records"], json!(0));
}

#[test]
fn room_that_is_lost_can_be_given_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let server = with_people(&data);
    let insert = r#"r.table("people").insert(r.range(60000).map(i => ({id: i, text: r.range(12).map(j => r.uuid()).coerceTo("array")})).coerceTo("array"))"#;
    asked(&server, insert);
    asked(&server, r#"r.table("people").filter(r.row("id").mod(8).ne(0)).delete()"#);
    let report: Value =
        serde_json::from_str(&did(&server, &["admin", "compact", "-o", "json"])).expect("JSON");
    let bytes = |name: &str| report[name].as_u64().expect("bytes");
    assert!(bytes("data_bytes_after") < 20_000_000, "{report}");
    assert_eq!(asked(&server, r#"r.table("people").count()"#), json!(7500));
    server.stop("TERM").expect("the server stops");
    let elsewhere = Server::start(&folder.path().join("other")).expect("another server starts");
    did(&elsewhere, &["admin", "compact", "--data-dir", &data.display().to_string()]);
    let check = Command::new(server_binary()).arg("check").arg(&data).output().expect("the check runs");
    assert!(check.status.success(), "{}", text(&check.stdout));
}
