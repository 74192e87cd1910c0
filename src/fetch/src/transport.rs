//! Sockets that notice when nobody wants the answer any more, and that tell how far a
//! request came.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use photondb_base::Cancel;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector,
    Transport, time,
};

/// How long a cancelled request may go on waiting for bytes.
const CANCEL_CHECK_MS: u64 = 100;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Finding the address of the host.
    Resolving,
    Connecting,
    Sending,
    Receiving,
}

/// What a session and its sockets share.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) cancel: Cancel,
    phase: AtomicU8,
}

impl Watch {
    pub(crate) fn new(cancel: Cancel) -> Self {
        Self { cancel, phase: AtomicU8::default() }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Resolving,
            1 => Phase::Connecting,
            2 => Phase::Sending,
            _ => Phase::Receiving,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

/// TCP, through a proxy where the environment names one, with TLS where the URL says so.
pub(crate) fn connector(watch: &Arc<Watch>) -> impl Connector {
    ().chain(Start(Arc::clone(watch)))
        .chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(Watcher(Arc::clone(watch)))
        .chain(RustlsConnector::default())
}

/// Notes that the address is known.
#[derive(Debug)]
struct Start(Arc<Watch>);

impl<In: Transport> Connector<In> for Start {
    type Out = In;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<In>, Error> {
        self.0.enter(Phase::Connecting);
        Ok(chained)
    }
}

/// Watches every socket.
#[derive(Debug)]
struct Watcher(Arc<Watch>);

impl<In: Transport> Connector<In> for Watcher {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Watched<In>>, Error> {
        Ok(chained.map(|inner| Watched { inner, watch: Arc::clone(&self.0) }))
    }
}

/// A socket that waits in slices.
#[derive(Debug)]
struct Watched<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.watch.enter(Phase::Sending);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.watch.enter(Phase::Receiving);
        let slice = Duration::from_millis(CANCEL_CHECK_MS);
        let mut left = *timeout.after;
        loop {
            if self.watch.cancel.is_cancelled() {
                return Err(Error::Io(io::Error::from(io::ErrorKind::Interrupted)));
            }
            let step = left.min(slice);
            if step.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            let started = std::time::Instant::now();
            match self.inner.await_input(NextTimeout { after: time::Duration::Exact(step), ..timeout }) {
                Err(Error::Timeout(_)) => left = left.saturating_sub(started.elapsed()),
                other => return other,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
