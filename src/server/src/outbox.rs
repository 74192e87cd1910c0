//! The answers of one connection on their way to the socket.
//!
//! Whoever has an answer appends it and, if nobody else is at it, writes straight to the
//! socket; what the socket does not take is left to the connection's writer. So an answer
//! needs no hand-over to another task, and answers that are ready together leave together.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits::OUTPUT_BYTES_MAX;
use crate::tls::DriverSocket;

/// Bytes of an emptied buffer that are kept for the next answer.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// The outgoing side of one connection.
pub(crate) struct Outbox {
    socket: DriverSocket,
    state: Mutex<State>,
    /// There are bytes that the socket did not take.
    left: Notify,
    /// There is room again.
    room: Notify,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// How many of `bytes` the socket has taken.
    sent: usize,
    /// The writer waits until the socket takes more; nobody else need try.
    blocked: bool,
}

impl Outbox {
    pub(crate) fn new(socket: DriverSocket) -> Self {
        Self {
            socket,
            state: Mutex::new(State::default()),
            left: Notify::new(),
            room: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn socket(&self) -> &DriverSocket {
        &self.socket
    }

    /// Appends an answer, to be sent by the next [`Outbox::flush`] or [`Outbox::send`].
    pub(crate) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        if !self.is_closed() {
            write(&mut state.bytes);
        }
    }

    /// Appends an answer and sends what is there.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.append(|out| out.extend_from_slice(bytes));
        self.flush();
    }

    /// Sends as much as the socket takes now; the writer does the rest.
    pub(crate) fn flush(&self) {
        let mut state = self.state.lock();
        if state.blocked || state.is_empty() {
            return;
        }
        match self.push(&mut state) {
            Ok(true) => {}
            Ok(false) => {
                state.blocked = true;
                self.left.notify_one();
            }
            Err(_) => self.close_locked(&mut state),
        }
    }

    /// Whether there is room for another answer; there is when nobody reads any more.
    pub(crate) fn has_room(&self) -> bool {
        self.is_closed() || self.state.lock().waiting() < OUTPUT_BYTES_MAX
    }

    /// Waits until there is room for another answer. Queries do so before they make one.
    pub(crate) async fn wait_for_room(&self) {
        // Nearly always; getting ready to wait costs more than to look.
        if self.has_room() {
            return;
        }
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.has_room() {
                return;
            }
            room.await;
        }
    }

    /// Writes what `flush` could not, until the connection ends.
    pub(crate) async fn run_writer(&self) -> io::Result<()> {
        loop {
            self.left.notified().await;
            loop {
                if self.is_closed() {
                    return Ok(());
                }
                self.socket.writable().await?;
                let mut state = self.state.lock();
                match self.push(&mut state) {
                    Ok(true) => {
                        state.blocked = false;
                        break;
                    }
                    Ok(false) => {}
                    Err(error) => {
                        self.close_locked(&mut state);
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Waits until everything is sent, as long as the writer runs beside.
    pub(crate) async fn drain(&self) {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            self.flush();
            if self.is_closed() || self.state.lock().is_sent() {
                return;
            }
            room.await;
        }
    }

    /// Forgets what waits; later answers are dropped.
    pub(crate) fn close(&self) {
        self.close_locked(&mut self.state.lock());
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// `true` when everything is sent, `false` when the socket is full.
    fn push(&self, state: &mut State) -> io::Result<bool> {
        let done = loop {
            let rest = state.bytes.get(state.sent..).unwrap_or_default();
            let outcome = if rest.is_empty() {
                self.socket.try_flush().map(|()| None)
            } else {
                self.socket.try_write(rest).map(Some)
            };
            match outcome {
                Ok(None) => break true,
                Ok(Some(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(Some(count)) => state.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        if done {
            state.sent = 0;
            if state.bytes.capacity() > KEPT_BYTES_MAX {
                state.bytes = Vec::new();
            } else {
                state.bytes.clear();
            }
        } else if state.sent >= state.bytes.len() / 2 {
            state.bytes.drain(..state.sent);
            state.sent = 0;
        }
        if state.waiting() < OUTPUT_BYTES_MAX {
            self.room.notify_waiters();
        }
        Ok(done)
    }

    fn close_locked(&self, state: &mut State) {
        self.closed.store(true, Ordering::Release);
        *state = State::default();
        self.room.notify_waiters();
        self.left.notify_one();
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Nothing waits here, nor encrypted below.
    fn is_sent(&self) -> bool {
        self.is_empty() && !self.blocked
    }
}
