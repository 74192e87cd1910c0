//! The rest of a sequence, batch by batch.

use std::sync::Arc;

use photondb_datum::Datum;
use photondb_exec::ResultStream;
use photondb_reql::ReqlError;

use super::session::CancelOnDrop;
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::metrics::Counted;

/// The rest of a sequence. Dropping it ends the query.
pub struct RowCursor {
    /// Absent while a batch is made, and after the last one.
    stream: Option<Box<dyn ResultStream>>,
    limits: BatchLimits,
    asker: CancelOnDrop,
    context: Arc<Context>,
    _counted: Counted,
}

/// Some rows of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct RowBatch {
    /// The rows.
    pub rows: Vec<Datum>,
    /// Whether more may follow.
    pub more: bool,
}

impl RowCursor {
    pub(super) fn new(
        stream: Box<dyn ResultStream>,
        limits: BatchLimits,
        asker: CancelOnDrop,
        context: Arc<Context>,
        counted: Counted,
    ) -> Self {
        Self { stream: Some(stream), limits, asker, context, _counted: counted }
    }

    /// The next rows. After an error, or when it was not waited for, nothing follows.
    pub async fn next(&mut self) -> Result<RowBatch, ReqlError> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(RowBatch { rows: Vec::new(), more: false });
        };
        let (limits, cancel) = (self.limits, self.asker.0.clone());
        let pulled = self.context.workers.run(move || {
            let mut rows = Vec::new();
            let more = limits.pull(stream.as_mut(), &cancel, &mut rows)?;
            Ok((RowBatch { rows, more }, stream))
        });
        let (batch, stream) = pulled.await.and_then(|pulled| pulled)?;
        self.context.metrics.http.rows.add(batch.rows.len());
        self.stream = batch.more.then_some(stream);
        Ok(batch)
    }
}
