//! Physical backups over the drivers' door: the pieces of a file as rows of binary data.

use std::sync::Arc;

use bytes::Bytes;
use photondb_backup::{BackupError, BackupStream};
use photondb_base::Cancel;
use photondb_datum::{Datum, Text};
use photondb_exec::ResultStream;
use photondb_reql::ReqlError;
use photondb_table::Budget;
use photondb_wire::Token;

use super::Session;
use super::start::{Started, first_rows};
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::jobs::JobGuard;

const REFUSAL: &str =
    "Only the user `admin` may take a backup, which holds all tables and the users with their rights.";

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
        let begin = move |context: &Context, job, cancel: &Cancel| begin(context, token, after, job, cancel);
        self.administrate(token, body, REFUSAL, begin).await;
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
