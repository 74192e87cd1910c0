//! A reader's way through its channel: from events to rows, within a budget.

use std::collections::VecDeque;

use photondb_plan::feed::FeedRow;
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::channel::{Channel, Mail};
use crate::error::closed;
use crate::readers::ReaderId;

/// Events taken out of a channel at once.
const TAKE_EVENTS_MAX: usize = 64;

/// What a reader has taken and not yet delivered.
#[derive(Default)]
pub(crate) struct Reading {
    /// Rows that did not fit into a batch.
    ready: VecDeque<FeedRow>,
    /// Why nothing follows after them.
    end: Option<Box<ReqlError>>,
}

/// How much of what waited was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// There was nothing.
    Nothing,
    Some,
    All,
}

impl Reading {
    /// Appends the rows of the events that wait, within the budget. A reader that gets none
    /// waits.
    pub(crate) fn next_rows(
        &mut self,
        channel: &Channel,
        id: ReaderId,
        budget: &Budget,
        out: &mut Vec<FeedRow>,
    ) -> Result<(), ReqlError> {
        let start = out.len();
        let end = start.saturating_add(budget.rows_max);
        out.extend(self.ready.drain(..self.ready.len().min(budget.rows_max)));
        let mut bytes = 0;
        // Who returns with nothing waits to be woken, so that must be all there is: events that
        // made no rows do not count.
        while out.len() < end && (out.len() == start || bytes < budget.bytes_max) {
            if let Some(error) = &self.end {
                // Rows that are there leave first.
                return if out.len() > start { Ok(()) } else { Err(ReqlError::clone(error)) };
            }
            match self.take(channel, id, (end - out.len()).min(TAKE_EVENTS_MAX), &mut bytes, out) {
                Taken::Nothing => break,
                Taken::All if out.len() > start => break,
                Taken::All | Taken::Some => {}
            }
        }
        if out.len() > end {
            self.ready.extend(out.drain(end..));
        }
        Ok(())
    }

    fn take(
        &mut self,
        channel: &Channel,
        id: ReaderId,
        events_max: usize,
        bytes: &mut usize,
        out: &mut Vec<FeedRow>,
    ) -> Taken {
        let mut mail = Mail::default();
        channel.take(id, events_max, &mut mail);
        if mail.is_empty() {
            return Taken::Nothing;
        }
        *bytes += mail.bytes();
        let told = match mail.skipped {
            0 => Ok(()),
            count => channel.expression.skipped(count, out),
        };
        self.end = match told.and_then(|()| channel.rows(id, &mail, out)) {
            Ok(()) => mail.closed.map(closed),
            Err(error) => Some(error),
        }
        .map(Box::new);
        if mail.waiting.len() < events_max { Taken::All } else { Taken::Some }
    }
}
