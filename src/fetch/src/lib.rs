//! The HTTP client for `r.http`.
//!
//! Connections, TLS and framing are those of `ureq`; redirects, repetitions, cookies,
//! digest authentication and content encodings are handled here, as libcurl does for
//! RethinkDB.
//!
//! Invariants: a request ends within its time limit; once its query is cancelled, it ends at
//! once where it waits for an answer, and within half a minute where it connects or sends;
//! what it takes into memory is bounded; credentials never leave the host that they were
//! given for.
//!
//! Does not know about: queries, terms, values. What an answer means is the evaluator's.

mod address;
mod content;
mod cookies;
mod digest;
mod exchange;
mod session;
mod transport;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use photondb_base::{Cancel, Random};
use photondb_exec::{FetchError, FetchSession, Fetcher};
use ureq::tls::{Certificate, RootCerts};

use session::Session;

/// Bytes of a body, as sent and as decoded.
const RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Requests of all queries at the same time: fewer than there are threads for queries, so
/// that slow servers elsewhere do not stop this one.
const REQUESTS_MAX: usize = 128;

/// Fetches over HTTP/1.1, with TLS where the URL says so.
pub struct HttpFetcher {
    shared: Arc<Shared>,
}

/// What the sessions share.
pub(crate) struct Shared {
    pub(crate) random: Arc<dyn Random>,
    pub(crate) response_bytes_max: usize,
    requests: AtomicUsize,
    roots: OnceLock<RootCerts>,
}

impl HttpFetcher {
    /// A fetcher that trusts what the machine trusts.
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self::with_limit(random, RESPONSE_BYTES_MAX)
    }

    /// A fetcher with another limit of the bytes of a body.
    pub fn with_limit(random: Arc<dyn Random>, response_bytes_max: usize) -> Self {
        let (requests, roots) = (AtomicUsize::new(0), OnceLock::new());
        Self { shared: Arc::new(Shared { random, response_bytes_max, requests, roots }) }
    }
}

impl Fetcher for HttpFetcher {
    fn open(&self, cancel: Cancel) -> Box<dyn FetchSession> {
        Box::new(Session::new(Arc::clone(&self.shared), cancel))
    }
}

impl Shared {
    /// The machine's certificate authorities, read once.
    pub(crate) fn roots(&self) -> RootCerts {
        let load = || {
            let found = rustls_native_certs::load_native_certs();
            let certificates: Vec<_> =
                found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            RootCerts::new_with_certs(&certificates)
        };
        self.roots.get_or_init(load).clone()
    }

    /// The right to do one request.
    pub(crate) fn permit(self: &Arc<Self>) -> Result<Permit, FetchError> {
        let permit = Permit(Arc::clone(self));
        if self.requests.fetch_add(1, Ordering::AcqRel) >= REQUESTS_MAX {
            return Err(FetchError::Busy { requests_max: REQUESTS_MAX });
        }
        Ok(permit)
    }
}

/// Counts a request for as long as it lasts.
pub(crate) struct Permit(Arc<Shared>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}
