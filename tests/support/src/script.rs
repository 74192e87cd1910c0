//! Runs a script of a client under a deadline.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{SupportError, while_doing};

const POLL_PAUSE: Duration = Duration::from_millis(20);

/// A program to run to its end.
#[derive(Debug)]
pub struct Script {
    command: Command,
    timeout: Duration,
}

/// What a script left behind.
#[derive(Debug, Clone)]
pub struct ScriptOutput {
    /// Whether it ended with success.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Script {
    /// A script that may take `timeout`.
    pub fn new(command: Command, timeout: Duration) -> Self {
        Self { command, timeout }
    }

    /// Runs it; a script that takes too long is killed.
    pub fn run(mut self) -> Result<ScriptOutput, SupportError> {
        // Files rather than pipes: a full pipe would block the script while nobody reads.
        let stdout = tempfile::NamedTempFile::new().map_err(while_doing("create the script's output"))?;
        let stderr = tempfile::NamedTempFile::new().map_err(while_doing("create the script's output"))?;
        let reopen =
            |file: &tempfile::NamedTempFile| file.reopen().map_err(while_doing("open the script's output"));
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(reopen(&stdout)?)
            .stderr(reopen(&stderr)?)
            .spawn()
            .map_err(while_doing("start a script"))?;
        let end = Instant::now() + self.timeout;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(while_doing("wait for a script"))? {
                break Some(status);
            }
            if Instant::now() >= end {
                child.kill().map_err(while_doing("kill a script"))?;
                child.wait().map_err(while_doing("reap a script"))?;
                break None;
            }
            std::thread::sleep(POLL_PAUSE);
        };
        let read = |file: &tempfile::NamedTempFile| {
            std::fs::read(file.path()).map_err(while_doing("read a script's output"))
        };
        let mut stderr = String::from_utf8_lossy(&read(&stderr)?).into_owned();
        if status.is_none() {
            stderr.push_str(&format!("\nkilled after {:?}", self.timeout));
        }
        Ok(ScriptOutput {
            success: status.is_some_and(|status| status.success()),
            stdout: String::from_utf8_lossy(&read(&stdout)?).into_owned(),
            stderr,
        })
    }
}
