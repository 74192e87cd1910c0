//! The queries that run at the moment, for the `jobs` table.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::Cancel;
use photondb_datum::Text;
use photondb_exec::MemoryUse;

/// A query that runs, as `jobs` tells it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Number of the query since the server started.
    pub number: u64,
    /// Whose it is.
    pub user: Text,
    /// Where it came from.
    pub client: SocketAddr,
    /// The query as it arrived.
    pub query: Bytes,
    /// When it began to run.
    pub started: Instant,
    /// The memory that it takes.
    pub memory: Arc<MemoryUse>,
    cancel: Cancel,
}

/// All queries that run where blocking is allowed. Cheaper ones end too soon to be seen.
#[derive(Debug, Default)]
pub struct Jobs {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: BTreeMap<u64, Job>,
}

/// Ends the job when dropped.
#[derive(Debug)]
pub(crate) struct JobGuard {
    jobs: Arc<Jobs>,
    number: u64,
}

impl Jobs {
    /// Notes a query.
    pub(crate) fn begin(
        self: &Arc<Self>,
        user: Text,
        client: SocketAddr,
        query: Bytes,
        cancel: Cancel,
        memory: Arc<MemoryUse>,
    ) -> JobGuard {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        let started = Instant::now();
        state.running.insert(number, Job { number, user, client, query, started, memory, cancel });
        JobGuard { jobs: Arc::clone(self), number }
    }

    /// What runs.
    pub fn list(&self) -> Vec<Job> {
        self.state.lock().running.values().cloned().collect()
    }

    /// Stops a query, whose client is told so; `false` when it has ended already.
    pub fn stop(&self, number: u64) -> bool {
        match self.state.lock().running.get(&number) {
            Some(job) => {
                job.cancel.terminate();
                true
            }
            None => false,
        }
    }
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        self.jobs.state.lock().running.remove(&self.number);
    }
}
