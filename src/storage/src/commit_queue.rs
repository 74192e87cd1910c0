//! Group commit: whoever finds nobody at work leads everything that waits.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use photondb_base::LogPosition;

use crate::error::StorageError;

/// Most bytes that one leader takes at once.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct CommitQueue {
    queue: Mutex<Queue>,
    turn: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    is_led: bool,
}

struct Waiting {
    record: Bytes,
    answer: Arc<Mutex<Option<Result<LogPosition, StorageError>>>>,
}

impl CommitQueue {
    /// Commits a record with whatever others wait; `work` logs and applies a group.
    pub(crate) fn commit(
        &self,
        record: Bytes,
        work: impl Fn(&[Bytes]) -> Result<Vec<LogPosition>, StorageError>,
    ) -> Result<LogPosition, StorageError> {
        let mut queue = self.queue.lock();
        if !queue.is_led && queue.waiting.is_empty() {
            queue.is_led = true;
            drop(queue);
            let result = work(&[record]);
            self.hand_over();
            return result.map(|positions| positions.first().copied().unwrap_or_default());
        }
        let answer = Arc::default();
        queue.waiting.push(Waiting { record, answer: Arc::clone(&answer) });
        loop {
            if let Some(result) = answer.lock().take() {
                return result;
            }
            if queue.is_led {
                self.turn.wait(&mut queue);
                continue;
            }
            queue.is_led = true;
            let group = take_group(&mut queue.waiting);
            drop(queue);
            lead(&group, &work);
            self.hand_over();
            queue = self.queue.lock();
        }
    }

    fn hand_over(&self) {
        let mut queue = self.queue.lock();
        queue.is_led = false;
        self.turn.notify_all();
    }
}

fn take_group(waiting: &mut Vec<Waiting>) -> Vec<Waiting> {
    let mut bytes = 0;
    let count = waiting
        .iter()
        .take_while(|one| {
            let fits = bytes == 0 || bytes + one.record.len() <= GROUP_BYTES_MAX;
            bytes += one.record.len();
            fits
        })
        .count();
    waiting.drain(..count).collect()
}

fn lead(group: &[Waiting], work: &impl Fn(&[Bytes]) -> Result<Vec<LogPosition>, StorageError>) {
    let records: Vec<Bytes> = group.iter().map(|waiting| waiting.record.clone()).collect();
    match work(&records) {
        Ok(positions) => {
            for (waiting, position) in group.iter().zip(positions) {
                *waiting.answer.lock() = Some(Ok(position));
            }
        }
        Err(error) => {
            for waiting in group {
                *waiting.answer.lock() = Some(Err(error.clone()));
            }
        }
    }
}
