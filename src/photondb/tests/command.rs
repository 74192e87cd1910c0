//! The binary as a shell sees it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_photondb");
const TIMEOUT: Duration = Duration::from_secs(60);
/// The messages of the log.
const LOGS: &str = r#"r.db("rethinkdb").table("logs")"#;
/// The kinds of issues that there are.
const ISSUES: &str = r#"r.db("rethinkdb").table("current_issues")("type")"#;

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

    /// Asks the server, as another process does, for JSON.
    fn query(&self, text: &str) -> Command {
        let port = self.line("Listening for client driver connections on port ").rsplit_once(' ');
        let (_, port) = port.expect("the line ends with it");
        let mut command = Command::new(BINARY);
        command.args(["query", "-c", &format!("localhost:{port}"), "-o", "ndjson", text]);
        command.stdout(Stdio::piped());
        command
    }

    fn answer(&self, text: &str) -> String {
        let Output { status, stdout, .. } = self.query(text).output().expect("runs");
        assert!(status.success(), "{text}");
        String::from_utf8(stdout).expect("is a text").trim_end().to_owned()
    }

    /// Asks until the answer fits.
    fn wait_for(&self, text: &str, fits: impl Fn(&str) -> bool) {
        let end = Instant::now() + TIMEOUT;
        loop {
            let answer = self.answer(text);
            if fits(&answer) {
                return;
            }
            assert!(Instant::now() < end, "{text}: {answer}");
        }
    }

    fn send_signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kills").success());
    }

    fn signal(mut self, name: &str) -> Option<i32> {
        self.send_signal(name);
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

    // A volume, or what systemd makes for a service, is there and empty.
    let volume = place.path().join("volume");
    std::fs::create_dir(&volume).expect("a folder");
    let server = Process::start(&volume, &arguments);
    assert!(server.line("Password of user \"admin\": ").len() > 40);
    assert!(!server.lines.iter().any(|line| line.starts_with("Loading data")), "{:?}", server.lines);
}

#[test]
fn mistakes_are_explained() {
    let place = tempfile::tempdir().expect("a place");
    for (arguments, code, words) in [
        (vec!["serve", "--cache-size", "much"], 2, "`much` is no size"),
        (vec!["serve", "--bind", "here"], 2, "`here` is no address"),
        (vec!["serve", "--log-level", "a=b=c"], 1, "cannot be understood"),
        (vec!["serve", "--driver-port", "65000", "-o", "1000"], 1, "more than a port can be"),
        (vec!["serve", "--server-name", "no name"], 1, "Server name `no name` invalid"),
        (vec!["serve", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"], 1, "/nowhere.pem"),
        (vec!["check", "/nowhere/at/all"], 1, "cannot check /nowhere/at/all"),
    ] {
        let (found, _, errors) = run(&place.path().join("data"), &arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
        assert!(!place.path().join("data").exists(), "{arguments:?} left a folder behind");
    }
    let (code, output, _) = run(place.path(), &["version"]);
    assert_eq!(code, Some(0));
    assert!(output.starts_with("photondb "), "{output}");
}

#[test]
fn the_log_is_a_table_that_can_be_followed() {
    let place = tempfile::tempdir().expect("a place");
    // What the table has does not depend on what is shown.
    let server = Process::start(place.path(), &["serve", "--log-level", "error", "--server-name", "s"]);
    let messages = server.answer(&format!("{LOGS}(\"message\")"));
    let expected = [
        "photondb 0.",
        "Initialized a new data directory in ",
        "Listening for client driver connections on port ",
        "Listening for administrative HTTP connections on port ",
        "Server ready, \\\"s\\\" ",
    ];
    for start in expected {
        assert!(messages.lines().any(|line| line.starts_with(&format!("\"{start}"))), "{start}: {messages}");
    }
    let fields = server.answer(&format!("{LOGS}.limit(1).map(row => row.keys())"));
    assert_eq!(fields, r#"["id","level","message","server","timestamp","uptime"]"#);

    // New ones are told: databases are made until the feed has one.
    let mut feed = server.query(&format!("{LOGS}.changes()(\"new_val\")(\"message\").limit(1)"));
    let mut feed = feed.spawn().expect("starts");
    let end = Instant::now() + TIMEOUT;
    let mut count = 0;
    while feed.try_wait().expect("waits").is_none() {
        assert!(Instant::now() < end, "nothing was told");
        server.answer(&format!("r.dbCreate(\"db{count}\")"));
        count += 1;
    }
    let told = feed.wait_with_output().expect("ends").stdout;
    let told = String::from_utf8(told).expect("is a text");
    assert!(told.starts_with("\"Database `db"), "{told}");

    for query in [
        r#"r.tableCreate("people")"#,
        r#"r.table("people").indexCreate("age")"#,
        r#"r.table("people").indexWait()"#,
        r#"r.table("people").indexRename("age", "years")"#,
        r#"r.table("people").indexDrop("years")"#,
        r#"r.table("people").config().update({ name: "folk" })"#,
        r#"r.table("folk").config().update({ durability: "soft" })"#,
        r#"r.db("rethinkdb").table("users").insert({ id: "ann", password: "a" })"#,
        r#"r.table("folk").grant("ann", { read: true })"#,
        r#"r.db("rethinkdb").table("users").get("ann").update({ password: "b" })"#,
        r#"r.db("rethinkdb").table("users").get("ann").delete()"#,
        r#"r.tableDrop("folk")"#,
        r#"r.dbDrop("db0")"#,
    ] {
        server.answer(query);
    }
    let expected = [
        "Table `test.people` was created.",
        "Index `age` of table `test.people` was created.",
        "Index `age` of table `test.people` is ready.",
        "Index `age` of table `test.people` is now `years`.",
        "Index `years` of table `test.people` was dropped.",
        "Table `test.people` is now `test.folk`.",
        "The settings of table `test.folk` were changed.",
        "User `ann` was created.",
        "The permissions of user `ann` were changed.",
        "The password of user `ann` was changed.",
        "User `ann` was dropped.",
        "Table `test.folk` was dropped.",
        "Database `db0` was dropped.",
    ];
    let told = server.answer(&format!("{LOGS}.filter(r.row(\"level\").eq(\"info\"))(\"message\")"));
    let told: Vec<&str> = told.lines().map(|line| line.trim_matches('"')).collect();
    let about: Vec<&str> = told.iter().copied().filter(|line| expected.contains(line)).collect();
    assert_eq!(about, expected, "{told:?}");
}

#[test]
fn a_hangup_ends_no_server_that_has_no_certificate() {
    let place = tempfile::tempdir().expect("a place");
    let server = Process::start(place.path(), &["serve"]);
    server.send_signal("HUP");
    server.wait_for(&format!("{LOGS}(\"message\")"), |messages| messages.contains("nothing to read again"));
    assert_eq!(server.signal("TERM"), Some(0));
}

#[test]
fn issues_are_there_until_they_are_solved() {
    let place = tempfile::tempdir().expect("a place");
    let healthy = Process::start(&place.path().join("healthy"), &["serve"]);
    assert_eq!(healthy.answer(ISSUES), "", "no password is needed where nobody else comes");

    let server =
        Process::start(&place.path().join("data"), &["serve", "--bind", "all", "--cache-size", "8TB"]);
    assert_eq!(server.answer(ISSUES), "\"admin_without_password\"\n\"too_little_memory\"");
    let fields =
        server.answer(r#"r.db("rethinkdb").table("current_issues").map(issue => issue.keys()).distinct()"#);
    assert_eq!(fields, r#"["critical","description","id","info","type"]"#);
    let ids = r#"r.db("rethinkdb").table("current_issues")("id")"#;
    assert_eq!(server.answer(ids), server.answer(ids), "an issue keeps its id");
    let warnings = server.answer(&format!("{LOGS}.filter(r.row(\"level\").eq(\"warn\"))(\"message\")"));
    assert!(warnings.contains("has no password") && warnings.contains("8388608 MB"), "{warnings}");

    // An index that documents do not allow.
    server.answer(r#"r.tableCreate("people")"#);
    server.answer(r#"r.table("people").insert([{ name: "ann" }, { name: "ann" }])"#);
    server.answer(r#"r.table("people").indexCreate("name", { unique: true })"#);
    server.wait_for(ISSUES, |issues| issues.contains("failed_index"));
    let info = r#"r.db("rethinkdb").table("current_issues").filter({ type: "failed_index" })(0)("info").without("reason")"#;
    assert_eq!(server.answer(info), r#"{"db":"test","index":"name","table":"people"}"#);
    server.answer(r#"r.table("people").indexDrop("name")"#);
    assert_eq!(server.answer(ISSUES), "\"admin_without_password\"\n\"too_little_memory\"");

    server.answer(r#"r.db("rethinkdb").table("users").get("admin").update({ password: "secret" })"#);
    let secret = place.path().join("secret");
    std::fs::write(&secret, "secret\n").expect("writes");
    let mut command = server.query(ISSUES);
    let output = command.arg("--password-file").arg(&secret).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "\"too_little_memory\"");
}
