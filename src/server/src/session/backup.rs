//! Physical backups over the drivers' door: the pieces of a file as rows of binary data.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use photondb_backup::{BackupError, BackupStream};
use photondb_base::Cancel;
use photondb_datum::{Datum, Text};
use photondb_exec::{Failure, MemoryUse, ResultStream};
use photondb_reql::ReqlError;
use photondb_storage::Acknowledgement;
use photondb_table::Budget;
use photondb_wire::Token;

use super::Session;
use super::open_query::OpenQuery;
use super::start::{Started, first_rows};
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::jobs::JobGuard;

/// The one user who may have it.
const ADMIN: &str = "admin";

/// The rows of a backup.
struct BackupRows {
    rows: Rows,
    /// A job as long as there are rows.
    _job: JobGuard,
}

enum Rows {
    Pieces(Box<BackupStream>),
    /// One row instead of all others: why there can be no increment.
    Discontinued(Option<String>),
    /// Nothing was written.
    None,
}

impl Session {
    /// Begins a backup: of everything, or of the log behind a mark.
    pub(super) async fn start_backup(self: &Arc<Self>, token: Token, after: Option<Text>, body: Bytes) {
        self.context.activity.count_query();
        if let Err(error) = self.check_token(token).and_then(|()| self.check_admin()) {
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
            let begun = context.workers.run(move || begin(&shared, token, after, job, &cancel)).await;
            let started = begun
                .and_then(|begun| begun)
                .map_err(|error| Failure { error, acknowledgement: Acknowledgement::default() });
            session.finish_start(&open, rows, started, false).await;
            drop(permit);
        });
    }

    fn check_admin(&self) -> Result<(), ReqlError> {
        if self.user.as_str() == ADMIN {
            return Ok(());
        }
        Err(ReqlError::permission(
            "Only the user `admin` may take a backup, which holds all tables and the users with their rights.",
        ))
    }
}

/// Begins a backup, up to its first rows. Blocks.
fn begin(
    context: &Context,
    token: Token,
    after: Option<Text>,
    job: JobGuard,
    cancel: &Cancel,
) -> Result<Started, ReqlError> {
    let (engine, clock) = (context.engine.as_ref(), context.clock.as_ref());
    let rows = match after {
        None => BackupStream::base(engine, clock).map(pieces),
        Some(mark) => {
            let mark = mark.as_str().parse().map_err(|error| failed(BackupError::Storage(error)))?;
            match BackupStream::increment(engine, clock, mark) {
                Err(BackupError::Discontinued { reason }) => Ok(Rows::Discontinued(Some(reason))),
                stream => stream.map(|stream| stream.map_or(Rows::None, pieces)),
            }
        }
    };
    let rows = BackupRows { rows: rows.map_err(failed)?, _job: job };
    first_rows(token, Box::new(rows), BatchLimits::default(), cancel, None)
}

fn pieces(stream: BackupStream) -> Rows {
    Rows::Pieces(Box::new(stream))
}

impl ResultStream for BackupRows {
    fn next_batch(&mut self, _budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let row = match &mut self.rows {
            Rows::Pieces(stream) => stream.next_piece().map_err(failed)?.map(Datum::Binary),
            Rows::Discontinued(reason) => reason.take().map(|reason| {
                let reason = Datum::string(reason);
                Datum::object([("discontinued", reason)])
            }),
            Rows::None => None,
        };
        let more = row.is_some();
        out.extend(row);
        Ok(more)
    }
}

fn failed(error: BackupError) -> ReqlError {
    ReqlError::op_failed(format!("The backup failed: {error}"))
}
