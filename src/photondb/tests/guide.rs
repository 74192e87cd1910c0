//! The pages of `docs/guide`: each command runs as it is written, and prints what it says there.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Ran, ran};

/// A fenced block of a page.
struct Block {
    kind: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(kind)) => {
                open = Some(Block { kind: kind.to_owned(), text: String::new(), line: number + 2 });
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The shell of a reader: a folder, and a server when one was started.
struct Reader {
    folder: tempfile::TempDir,
    server: Option<Running>,
}

/// A server that a page has started, on ports of its own.
struct Running {
    process: Child,
    driver_port: String,
    http_port: Option<String>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(Running { process, .. }) = &mut self.server {
            // Fails when it has ended already.
            process.kill().ok();
            process.wait().ok();
        }
    }
}

impl Reader {
    fn bash(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        let binary = Path::new(env!("CARGO_BIN_EXE_photondb")).parent().expect("a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PHOTONDB_")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env("PATH", path).env("HOME", self.folder.path());
        command.args(["-euo", "pipefail", "-c", text]);
        command
    }

    /// Starts the server that a block is about, on ports that are free.
    fn serve(&mut self, text: &str) {
        let mut command = self.bash(&format!("exec {text}"));
        command.env("PHOTONDB_DRIVER_PORT", "0").env("PHOTONDB_HTTP_PORT", "0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let (mut driver_port, mut http_port) = (None, None);
        for line in lines.map(|line| line.expect("reads")) {
            let port = |start: &str| line.strip_prefix(start).map(str::to_owned);
            driver_port = driver_port.or_else(|| port("Listening for client driver connections on port "));
            http_port = http_port.or_else(|| port("Listening for administrative HTTP connections on port "));
            if line.starts_with("Server ready") {
                break;
            }
        }
        let driver_port = driver_port.expect("a port");
        self.server = Some(Running { process: child, driver_port, http_port });
    }

    fn run(&self, text: &str) -> Ran {
        let Some(server) = &self.server else { return ran(self.bash(text), "") };
        // Other servers may run on this machine.
        let mut text = text.replace("$(pidof photondb)", &server.process.id().to_string());
        if let Some(port) = &server.http_port {
            text = text.replace("localhost:8080", &format!("localhost:{port}"));
        }
        let mut command = self.bash(&text);
        command.env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", server.driver_port));
        ran(command, "")
    }
}

fn is_server(block: &Block) -> bool {
    block.text.trim() == "photondb" || block.text.starts_with("photondb serve")
}

fn read(page: &Path) -> usize {
    let text = std::fs::read_to_string(page).expect("a page");
    let mut reader = Reader { folder: tempfile::tempdir().expect("a folder"), server: None };
    let mut last = String::new();
    let mut commands = 0;
    for block in blocks(&text) {
        let place = format!("{}:{}", page.display(), block.line);
        match block.kind.as_str() {
            "sh" if is_server(&block) => reader.serve(block.text.trim()),
            "sh" => {
                let Ran { code, output, errors } = reader.run(&block.text);
                assert_eq!(code, Some(0), "{place}: {errors}{output}");
                commands += 1;
                last = output;
            }
            "output" => assert_eq!(last, block.text, "{place}"),
            "python" | "toml" | "js" => {}
            other => panic!("{place}: what is a block of {other:?}?"),
        }
    }
    commands
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name)
}

#[test]
fn the_first_quarter_of_an_hour() {
    assert!(read(&page("start.md")) >= 5);
}

#[test]
fn the_command_line() {
    assert!(read(&page("cli.md")) >= 10);
}

#[test]
fn backups() {
    assert!(read(&page("backup.md")) >= 10);
}

#[test]
fn encryption() {
    assert!(read(&page("tls.md")) >= 3);
}

#[test]
fn every_verb_is_on_the_page() {
    let text = std::fs::read_to_string(page("cli.md")).expect("a page");
    let help = ran(support::binary(Path::new("."), &["help"]), "").output;
    let verbs = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let verbs = verbs.lines().filter_map(|line| line.split_whitespace().next());
    for verb in verbs.filter(|verb| *verb != "help") {
        assert!(text.contains(verb), "docs/guide/cli.md does not know `{verb}`");
    }
}
