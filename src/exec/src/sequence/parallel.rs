//! Parts of a table worked on side by side, on all cores.

use std::thread;

use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_reql::ErrorKind;

use crate::error::{EvalError, Result};
use crate::sequence::open::RowStream;

/// Drains all streams, each on a thread of its own, and gives what came of them in their
/// order. The error of the earliest part is the error of the whole.
pub(crate) fn drain_all<T: Send>(
    parts: Vec<Box<dyn RowStream>>,
    drain: impl Fn(Box<dyn RowStream>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Ok(Vec::new()) };
    thread::scope(|scope| {
        let drain = &drain;
        let others = parts.map(|part| {
            let builder = thread::Builder::new().name("part".to_owned()).stack_size(THREAD_STACK_BYTES);
            builder.spawn_scoped(scope, || drain(part))
        });
        let others: Vec<_> = others.collect();
        let mut drained = drain(first).map(|first| vec![first]);
        for other in others {
            let part = match other.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(part)) => part,
                Ok(Err(_)) => Err(EvalError::new(ErrorKind::Internal, "A worker panicked.")),
                Err(error) => Err(EvalError::resource(format!("Cannot start a thread: {error}."))),
            };
            drained = drained.and_then(|mut drained| {
                drained.push(part?);
                Ok(drained)
            });
        }
        drained
    })
}
