//! The sessions of the README, run as they stand there.
//!
//! Every fenced block marked `python` or `javascript` is run, in order, on one data
//! directory; the server is killed and started again between any two. What a line prints
//! must be what the comment at its end says.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{JavascriptClient, PythonClient, Script, Server, workspace_root};

const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_PORT: &str = "28015";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Javascript,
}

struct Session {
    language: Language,
    code: String,
}

#[test]
fn the_sessions_of_the_readme_work() {
    let readme = std::fs::read_to_string(workspace_root().join("README.md")).expect("the README can be read");
    let sessions = sessions(&readme);
    for language in [Language::Python, Language::Javascript] {
        assert!(sessions.iter().any(|session| session.language == language), "no {language:?} session");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    for session in &sessions {
        let server = Server::start(&data).expect("the server starts");
        run(session, &server, folder.path());
        server.kill().expect("the server can be killed");
    }
}

fn run(session: &Session, server: &Server, folder: &Path) {
    let code = session.code.replace(DEFAULT_PORT, &server.port().to_string());
    assert_ne!(code, session.code, "the session does not name the port:\n{code}");
    let javascript = JavascriptClient::fetch().expect("the npm packages can be fetched");
    let (mut command, file): (Command, _) = match session.language {
        Language::Python => {
            (PythonClient::fetch().expect("the driver can be fetched").command(), "session.py")
        }
        Language::Javascript => (javascript.command(), "session.js"),
    };
    let script = folder.join(file);
    std::fs::write(&script, &code).expect("the session can be written");
    command.arg(&script).current_dir(javascript.folder());
    let output = Script::new(command, SESSION_TIMEOUT).run().expect("the session can be started");
    let shown = || format!("{code}\n{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success, "{}", shown());
    let expected = expected_output(&session.code);
    assert!(!expected.is_empty(), "the session shows nothing:\n{code}");
    let printed: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(printed, expected, "{}", shown());
}

fn sessions(readme: &str) -> Vec<Session> {
    let mut sessions = Vec::new();
    let mut open: Option<Session> = None;
    for line in readme.lines() {
        match (&mut open, line) {
            (Some(_), "```") => sessions.extend(open.take()),
            (Some(session), line) => session.code.push_str(&format!("{line}\n")),
            (None, "```python") => open = Some(Session { language: Language::Python, code: String::new() }),
            (None, "```javascript") => {
                open = Some(Session { language: Language::Javascript, code: String::new() });
            }
            _ => {}
        }
    }
    sessions
}

/// The comments at the ends of lines that print.
fn expected_output(code: &str) -> Vec<String> {
    let prints = |line: &&str| line.contains("print(") || line.contains("console.log(");
    let comment = |line: &str| {
        let (_, comment) = line.rsplit_once("  # ").or_else(|| line.rsplit_once("  // "))?;
        Some(comment.trim().to_owned())
    };
    code.lines().filter(prints).filter_map(comment).collect()
}
