//! The examples of the guide to HTTP, run as they stand there.
//!
//! Every block marked `sh` is run by the shell, every block marked `javascript` by Node, in
//! order, against one server. What a block prints must be what the block behind it says: the
//! same text, or JSON with `"..."` for what is different each time.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{Script, Server, ServerOptions, workspace_root};
use serde_json::Value;

const EXAMPLE_TIMEOUT: Duration = Duration::from_secs(120);
const DEFAULT_ADDRESS: &str = "localhost:8080";
/// Stands for any value.
const ANYTHING: &str = "...";

#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

#[test]
fn the_examples_of_the_guide_work() {
    let guide = workspace_root().join("docs/guide/http.md");
    let blocks = blocks(&std::fs::read_to_string(guide).expect("the guide can be read"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = ServerOptions { http: true, ..ServerOptions::default() };
    let server = Server::start_with(&folder.path().join("data"), &options).expect("the server starts");
    let address = format!("localhost:{}", server.http_port().expect("HTTP is on"));
    let mut examples = 0;
    for (position, block) in blocks.iter().enumerate() {
        let code = block.text.replace(DEFAULT_ADDRESS, &address);
        let printed = match block.language.as_str() {
            "sh" => run(shell(&code), &code, folder.path()),
            "javascript" => run(node(&code, folder.path()), &code, folder.path()),
            _ => continue,
        };
        examples += 1;
        match blocks.get(position + 1).filter(|next| matches!(next.language.as_str(), "json" | "text")) {
            Some(expected) => check(&code, &printed, expected),
            None => assert_eq!(lines(&printed), comments(&block.text), "{code}"),
        }
    }
    assert!(examples >= 10, "only {examples} examples were found");
}

fn shell(code: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", code]);
    command
}

fn node(code: &str, folder: &Path) -> Command {
    let file = folder.join("example.js");
    std::fs::write(&file, code).expect("the example can be written");
    let mut command = Command::new("node");
    // Node has the browsers' WebSocket since version 20, and needs to be asked for it until 22.
    command.args(["--no-warnings", "--experimental-websocket"]).arg(file);
    command
}

fn run(mut command: Command, code: &str, folder: &Path) -> String {
    command.current_dir(folder);
    let output = Script::new(command, EXAMPLE_TIMEOUT).run().expect("the example can be started");
    assert!(output.success, "{code}\n{}\n{}", output.stdout, output.stderr);
    output.stdout
}

fn check(code: &str, printed: &str, expected: &Block) {
    if expected.language == "text" {
        assert_eq!(lines(printed), lines(&expected.text), "{code}");
        return;
    }
    let parse = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{code}\n{text}"))
    };
    let (printed, expected) = (parse(printed), parse(&expected.text));
    assert!(matches(&printed, &expected), "{code}\nprinted {printed}\nexpected {expected}");
}

fn matches(printed: &Value, expected: &Value) -> bool {
    match (printed, expected) {
        (_, Value::String(text)) if text == ANYTHING => true,
        (Value::Object(printed), Value::Object(expected)) => {
            printed.len() == expected.len()
                && expected
                    .iter()
                    .all(|(name, value)| printed.get(name).is_some_and(|printed| matches(printed, value)))
        }
        (Value::Array(printed), Value::Array(expected)) => {
            printed.len() == expected.len()
                && printed.iter().zip(expected).all(|(printed, expected)| matches(printed, expected))
        }
        (printed, expected) => printed == expected,
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

/// What the comments behind lines that print say.
fn comments(code: &str) -> Vec<&str> {
    let prints = code.lines().filter(|line| line.contains("console.log("));
    prints.filter_map(|line| Some(line.rsplit_once("  // ")?.1.trim())).collect()
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in guide.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (None, None) => {}
        }
    }
    blocks
}
