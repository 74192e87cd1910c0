//! A server in this process and a client that sends whatever bytes it likes.
#![allow(dead_code, reason = "each test that includes this uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use photondb::{Database, DatabaseOptions, Server, ServerOptions};
use tokio::runtime::Runtime;

const V0_4: u32 = 0x400c_2d20;
const JSON: u32 = 0x7e69_70c7;

/// A server in this process.
pub struct Fixture {
    pub database: Database,
    pub port: u16,
    runtime: Runtime,
    server: Option<Server>,
}

impl Fixture {
    pub fn start() -> Self {
        Self::start_with(&DatabaseOptions::in_memory())
    }

    pub fn start_with(options: &DatabaseOptions) -> Self {
        let database = Database::open(options).expect("opens");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runs");
        let options = ServerOptions { driver_port: 0, http_port: Some(0), ..ServerOptions::default() };
        let server = runtime.block_on(database.serve(&options)).expect("listens");
        let port = server.driver_port();
        Self { database, port, runtime, server: Some(server) }
    }

    pub fn http_port(&self) -> u16 {
        self.server.as_ref().and_then(Server::http_port).expect("HTTP is on")
    }

    /// Runs the binary against this server.
    pub fn command(&self, arguments: &[&str]) -> Ran {
        self.command_with(Path::new("."), arguments, "")
    }

    /// The same in a folder and with an input.
    pub fn command_with(&self, folder: &Path, arguments: &[&str], input: &str) -> Ran {
        let mut command = binary(folder, arguments);
        command.env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", self.port));
        ran(command, input)
    }

    /// Runs the binary against this server, with words that are separated by spaces; gives what it
    /// printed.
    pub fn did(&self, words: &str) -> String {
        let ran = self.command(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, Some(0), "{words}: {}", ran.errors);
        ran.output
    }

    /// Stops the server; whether everything had ended in time.
    pub fn stop(&mut self) -> bool {
        self.server.take().is_none_or(|server| self.runtime.block_on(server.stop()))
    }

    /// A connection on which nothing was sent.
    pub fn connect_silently(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("sets");
        stream.set_nodelay(true).expect("sets");
        Client { stream }
    }

    /// A connection that is logged in.
    pub fn connect(&self) -> Client {
        let mut client = self.connect_silently();
        let mut hello = Vec::new();
        for number in [V0_4, 0, JSON] {
            hello.extend_from_slice(&number.to_le_bytes());
        }
        client.send_bytes(&hello);
        let mut welcome = [0; 8];
        client.stream.read_exact(&mut welcome).expect("is welcomed");
        assert_eq!(&welcome, b"SUCCESS\0");
        client
    }
}

/// How a run of the binary has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

/// The binary in a folder, as if no variable was set for it.
pub fn binary(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_photondb"));
    command.current_dir(folder).args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command
}

fn is_ours(variable: &str) -> bool {
    variable.starts_with("PHOTONDB_") || variable.starts_with("RETHINKDB_")
}

/// Runs a command to its end.
pub fn ran(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    // One that does not read its input may have ended.
    child.stdin.take().expect("is piped").write_all(input.as_bytes()).ok();
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ends");
    Ran {
        code: status.code(),
        output: String::from_utf8_lossy(&stdout).into(),
        errors: String::from_utf8_lossy(&stderr).into(),
    }
}

/// A client.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sends");
    }

    pub fn send(&mut self, token: u64, body: &str) {
        self.send_bytes(&frame(token, body));
    }

    /// The next answer: its token and its text.
    pub fn receive(&mut self) -> (u64, String) {
        let mut header = [0; 12];
        self.stream.read_exact(&mut header).expect("an answer");
        let token = u64::from_le_bytes(header[..8].try_into().expect("eight"));
        let size = u32::from_le_bytes(header[8..].try_into().expect("four"));
        let mut body = vec![0; size as usize];
        self.stream.read_exact(&mut body).expect("a whole answer");
        (token, String::from_utf8(body).expect("text"))
    }

    /// Sends and gives the text of the answer.
    pub fn ask(&mut self, token: u64, body: &str) -> String {
        self.send(token, body);
        let (answered, answer) = self.receive();
        assert_eq!(answered, token, "{answer}");
        answer
    }

    /// Everything until the server closes the connection.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection was not closed: {error}"),
        }
        bytes
    }

    /// One handle to read with, one to write with.
    pub fn split(self) -> (Self, Self) {
        let other = self.stream.try_clone().expect("clones");
        (self, Self { stream: other })
    }

    /// Whether nothing arrives for a while.
    pub fn is_silent(&mut self, wait: Duration) -> bool {
        self.stream.set_read_timeout(Some(wait)).expect("sets");
        let silent = self.stream.peek(&mut [0]).is_err();
        self.stream.set_read_timeout(Some(Duration::from_secs(20))).expect("sets");
        silent
    }
}

pub fn frame(token: u64, body: &str) -> Vec<u8> {
    let mut bytes = token.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(body.as_bytes());
    bytes
}
