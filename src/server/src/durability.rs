//! Waiting for the log without a thread.

use photondb_reql::ReqlError;
use photondb_storage::{Acknowledgement, Engine, StorageError, WhenReached};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// Waits until the log has come far enough for an answer.
pub(crate) async fn wait_for_log(
    engine: &dyn Engine,
    acknowledgement: Acknowledgement,
) -> Result<(), ReqlError> {
    let Acknowledgement { written, durable } = acknowledgement;
    if engine.durable() < durable {
        told(|done| engine.when_durable(durable, done)).await?;
    }
    if engine.written() < written {
        // Queries that are at hand run before, and one write serves them all.
        yield_now().await;
        told(|done| engine.when_written(written, done)).await?;
    }
    Ok(())
}

async fn told(ask: impl FnOnce(WhenReached)) -> Result<(), ReqlError> {
    let (done, told) = oneshot::channel::<Result<(), StorageError>>();
    // Nobody listens any more when the connection is gone.
    ask(Box::new(move |result| drop(done.send(result))));
    match told.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(ReqlError::op_indeterminate(format!(
            "The write was carried out but could not be made safe: {error}"
        ))),
        Err(_) => Err(ReqlError::op_indeterminate(
            "The write was carried out, but the server stopped before it was safe.",
        )),
    }
}
