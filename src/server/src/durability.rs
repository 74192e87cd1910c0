//! Waiting for the log without a thread.

use photondb_base::LogPosition;
use photondb_reql::ReqlError;
use photondb_storage::Engine;
use tokio::sync::oneshot;

/// Waits until everything up to `position` survives a power cut.
pub(crate) async fn wait_durable(
    engine: &dyn Engine,
    position: Option<LogPosition>,
) -> Result<(), ReqlError> {
    let Some(position) = position else { return Ok(()) };
    if engine.durable() >= position {
        return Ok(());
    }
    let (done, told) = oneshot::channel();
    engine.when_durable(
        position,
        Box::new(move |result| {
            // Nobody listens any more when the connection is gone.
            drop(done.send(result));
        }),
    );
    match told.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(ReqlError::op_indeterminate(format!(
            "The write was carried out but could not be made durable: {error}"
        ))),
        Err(_) => Err(ReqlError::op_indeterminate(
            "The write was carried out, but the server stopped before it was durable.",
        )),
    }
}
