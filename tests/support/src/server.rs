//! A server process: started, awaited, stopped or killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::connection::Connection;
use crate::{SupportError, server_binary, while_doing};

/// How long a server may take from its start to its first answer.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to stop when asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_PAUSE: Duration = Duration::from_millis(10);
/// A port that was free may be taken before the server binds it: try another one.
const START_ATTEMPTS_MAX: u32 = 3;

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Further command line arguments.
    pub arguments: Vec<String>,
    /// Environment variables to set.
    pub environment: Vec<(String, String)>,
    /// Whether to serve HTTP, too.
    pub http: bool,
}

/// A running server of the binary under test; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    http_port: Option<u16>,
    /// A file rather than a pipe: a pipe that nobody reads would block the server.
    log: NamedTempFile,
}

impl Server {
    /// Starts a server on `directory` and waits until it answers a handshake.
    pub fn start(directory: &Path) -> Result<Self, SupportError> {
        Self::start_with(directory, &ServerOptions::default())
    }

    /// [`Server::start`] with further arguments.
    pub fn start_with(directory: &Path, options: &ServerOptions) -> Result<Self, SupportError> {
        let mut attempt = 1;
        loop {
            let mut server = Self::spawn(directory, options)?;
            match server.wait_until_ready(START_TIMEOUT) {
                Ok(()) => return Ok(server),
                Err(_) if attempt < START_ATTEMPTS_MAX && server.output().contains("in use") => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts a server on `directory` and returns at once, ready or not.
    pub fn spawn(directory: &Path, options: &ServerOptions) -> Result<Self, SupportError> {
        let port = free_port()?;
        let http_port = options.http.then(free_port).transpose()?;
        let http = match http_port {
            Some(port) => vec!["--http-port".to_owned(), port.to_string()],
            None => vec!["--no-http-admin".to_owned()],
        };
        let log = NamedTempFile::new().map_err(while_doing("create the server's log"))?;
        let output = log.reopen().map_err(while_doing("open the server's log"))?;
        let errors = output.try_clone().map_err(while_doing("share the server's log"))?;
        let child = Command::new(server_binary())
            .arg("serve")
            .arg("--directory")
            .arg(directory)
            .args(["--bind", "127.0.0.1", "--driver-port", &port.to_string()])
            .args(http)
            .args(&options.arguments)
            .envs(options.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(while_doing("start the server"))?;
        Ok(Self { child, port, http_port, log })
    }

    /// Waits until the server completes a handshake.
    pub fn wait_until_ready(&mut self, timeout: Duration) -> Result<(), SupportError> {
        let end = Instant::now() + timeout;
        loop {
            let ended = self.child.try_wait().map_err(while_doing("ask for the server's state"))?;
            if let Some(status) = ended {
                return Err(SupportError::ServerDown { status: status.to_string(), output: self.output() });
            }
            if Connection::open_v0_4(self.port, Duration::from_secs(5)).is_ok() {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(SupportError::ServerDown {
                    status: "still starting".into(),
                    output: self.output(),
                });
            }
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// The driver port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The HTTP port, when HTTP was asked for.
    pub fn http_port(&self) -> Option<u16> {
        self.http_port
    }

    /// The process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What the server printed so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A connection as `admin` with an empty password.
    pub fn connect(&self) -> Result<Connection, SupportError> {
        Connection::open(self.port, "admin", "", Duration::from_secs(10))
    }

    /// Ends the process as a power switch would (`kill -9`).
    pub fn kill(mut self) -> Result<(), SupportError> {
        self.child.kill().map_err(while_doing("kill the server"))?;
        self.child.wait().map_err(while_doing("reap the server"))?;
        Ok(())
    }

    /// Sends `signal` (a name such as `TERM`) and waits for the end.
    pub fn stop(mut self, signal: &str) -> Result<ExitStatus, SupportError> {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        sent.map_err(while_doing("signal the server"))?;
        self.wait_for_exit(STOP_TIMEOUT)
    }

    /// Waits for the process to end by itself.
    pub fn wait_for_exit(&mut self, timeout: Duration) -> Result<ExitStatus, SupportError> {
        let end = Instant::now() + timeout;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().map_err(while_doing("wait for the server"))? {
                return Ok(status);
            }
            std::thread::sleep(POLL_PAUSE);
        }
        Err(SupportError::Timeout { timeout_ms: timeout.as_millis() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, SupportError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(while_doing("find a free port"))?;
    Ok(listener.local_addr().map_err(while_doing("read the free port"))?.port())
}
