//! What all requests share.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::StatusCode;
use photondb_server::Context;
use photondb_server::metrics::Count;
use tokio::sync::{Semaphore, watch};

use crate::cursors::Cursors;
use crate::limits::REQUESTS_MAX;
use crate::live::LiveFeeds;
use crate::options::HttpOptions;
use crate::router::router;
use crate::sessions::Sessions;

/// The HTTP door of a server: one for all the addresses on which it listens.
pub struct HttpDoor {
    pub(crate) options: HttpOptions,
    pub(crate) sessions: Sessions,
    pub(crate) cursors: Cursors,
    pub(crate) live: Arc<LiveFeeds>,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) answers: Answers,
}

/// Answers by the first digit of their status.
#[derive(Default)]
pub(crate) struct Answers([Count; 5]);

impl Answers {
    pub(crate) fn count(&self, status: StatusCode) {
        if let Some(count) = self.0.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.add(1);
        }
    }

    /// `1xx` and how many of them, and so on.
    pub(crate) fn all(&self) -> impl Iterator<Item = (String, u64)> {
        self.0.iter().enumerate().map(|(class, count)| (format!("{}xx", class + 1), count.get()))
    }
}

/// The door, and the server that it leads into.
pub(crate) struct Shared {
    pub door: Arc<HttpDoor>,
    pub context: Arc<Context>,
    pub stopping: watch::Receiver<bool>,
}

impl HttpDoor {
    /// A door that nobody has come through yet.
    pub fn new(options: HttpOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            sessions: Sessions::default(),
            cursors: Cursors::default(),
            live: Arc::default(),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            answers: Answers::default(),
        })
    }

    /// Forgets what nobody has asked for in a while.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.sessions.sweep(now);
        self.cursors.sweep(now);
    }

    pub(crate) fn router(self: &Arc<Self>, context: Arc<Context>, stopping: watch::Receiver<bool>) -> Router {
        router(Arc::new(Shared { door: Arc::clone(self), context, stopping }))
    }
}

/// Waits until the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Fails when the server is gone, which is a stop as well.
    drop(stopping.wait_for(|stop| *stop).await);
}
