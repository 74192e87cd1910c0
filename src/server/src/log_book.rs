//! The last messages of the log, for the `logs` table.

use std::collections::VecDeque;
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

/// Messages that are kept.
const MESSAGES_MAX: usize = 1000;
/// Bytes of a message that are kept.
const MESSAGE_BYTES_MAX: usize = 4096;

/// One message.
#[derive(Clone, Debug)]
pub struct LogMessage {
    /// Number of the message since the start.
    pub number: u64,
    /// When.
    pub at: SystemTime,
    /// Seconds since the server started.
    pub uptime_seconds: f64,
    /// `error`, `warn`, `notice`, ...
    pub level: &'static str,
    /// What happened.
    pub text: String,
}

/// The last messages of the log.
#[derive(Debug)]
pub struct LogBook {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    messages: VecDeque<LogMessage>,
}

impl Default for LogBook {
    fn default() -> Self {
        Self { started: Instant::now(), state: Mutex::default() }
    }
}

impl LogBook {
    /// Adds a message; the oldest one goes when there are too many.
    pub fn push(&self, level: &'static str, mut text: String) {
        if text.len() > MESSAGE_BYTES_MAX {
            let end = (0..=MESSAGE_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
        }
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        if state.messages.len() >= MESSAGES_MAX {
            state.messages.pop_front();
        }
        let uptime_seconds = self.started.elapsed().as_secs_f64();
        state.messages.push_back(LogMessage { number, at: SystemTime::now(), uptime_seconds, level, text });
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> Vec<LogMessage> {
        self.state.lock().messages.iter().cloned().collect()
    }
}
