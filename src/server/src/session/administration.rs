//! What `admin` alone may ask for: begun like a query, and a job while it lasts.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use photondb_base::Cancel;
use photondb_exec::{Failure, MemoryUse};
use photondb_reql::ReqlError;
use photondb_storage::Acknowledgement;
use photondb_wire::Token;

use super::Session;
use super::open_query::OpenQuery;
use super::start::Started;
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::jobs::JobGuard;

/// The one user who may.
const ADMIN: &str = "admin";

impl Session {
    /// Begins something where it may block. `refusal` is told to whoever is not `admin`.
    pub(super) async fn administrate<F>(self: &Arc<Self>, token: Token, body: Bytes, refusal: &str, begin: F)
    where
        F: FnOnce(&Context, JobGuard, &Cancel) -> Result<Started, ReqlError> + Send + 'static,
    {
        self.context.activity.count_query();
        if let Err(error) = self.check_token(token).and_then(|()| self.check_admin(refusal)) {
            return self.tell_error(token, &error);
        }
        let counted = self.context.metrics.driver.queries.enter();
        let (open, rows) = OpenQuery::new(token, BatchLimits::default(), Instant::now(), counted);
        if let Err(error) = self.keep(&open) {
            return self.tell_error(token, &error);
        }
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
        let session = Arc::clone(self);
        tokio::spawn(async move {
            let (context, cancel) = (Arc::clone(&session.context), open.cancel.clone());
            let memory = Arc::<MemoryUse>::default();
            let job = context.jobs.begin(session.user.clone(), session.client, body, cancel.clone(), memory);
            let shared = Arc::clone(&context);
            let begun = context.workers.run(move || begin(&shared, job, &cancel)).await;
            let started = begun
                .and_then(|begun| begun)
                .map_err(|error| Failure { error, acknowledgement: Acknowledgement::default() });
            session.finish_start(&open, rows, started, false).await;
            drop(permit);
        });
    }

    fn check_admin(&self, refusal: &str) -> Result<(), ReqlError> {
        if self.user.as_str() == ADMIN { Ok(()) } else { Err(ReqlError::permission(refusal)) }
    }
}
