//! An open feed: the state rows, the initial values and then the changes of its members.

use std::sync::Arc;
use std::time::Duration;

use photondb_datum::Datum;
use photondb_plan::feed::{FeedDelivery, FeedKind, FeedRow, FeedStream, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;
use smallvec::SmallVec;

use crate::member::Member;
use crate::row::RowFormat;

/// What a feed is about to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was delivered.
    Opening,
    /// The initial values of the member with this number.
    Initial(usize),
    Changes,
}

/// The parts of a feed.
pub(crate) type Members = SmallVec<[Box<dyn Member>; 1]>;

/// A feed of one member, or of several in a union.
pub(crate) struct Feed {
    members: Members,
    kind: FeedKind,
    format: Arc<RowFormat>,
    delivery: Option<Arc<dyn FeedDelivery>>,
    include_initial: bool,
    include_states: bool,
    phase: Phase,
    /// The member that is asked first, so that a busy one does not starve the others.
    turn: usize,
}

impl Feed {
    pub(crate) fn new(
        members: Members,
        kind: FeedKind,
        format: Arc<RowFormat>,
        delivery: Option<Arc<dyn FeedDelivery>>,
        include_initial: bool,
        include_states: bool,
    ) -> Self {
        let phase = Phase::Opening;
        Self { members, kind, format, delivery, include_initial, include_states, phase, turn: 0 }
    }

    fn push(&self, row: Datum, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let Some(delivery) = &self.delivery else {
            out.push(FeedRow::Own(row));
            return Ok(());
        };
        let mut rows = Vec::new();
        delivery.deliver(row, &mut rows)?;
        out.extend(rows.into_iter().map(FeedRow::Own));
        Ok(())
    }

    fn push_state(&self, name: &'static str, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        if self.include_states { self.push(self.format.state(name), out) } else { Ok(()) }
    }

    fn open(&mut self, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        if self.include_initial {
            self.phase = Phase::Initial(0);
            self.push_state("initializing", out)
        } else {
            self.phase = Phase::Changes;
            self.push_state("ready", out)
        }
    }

    fn initial(&mut self, at: usize, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let mut rows = Vec::new();
        let more = match self.members.get_mut(at) {
            Some(member) => member.initial(budget, &mut rows)?,
            None => false,
        };
        for row in rows {
            self.push(row, out)?;
        }
        if more {
            return Ok(());
        }
        self.phase = Phase::Initial(at + 1);
        if at + 1 >= self.members.len() {
            self.phase = Phase::Changes;
            self.push_state("ready", out)?;
        }
        Ok(())
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let count = self.members.len();
        let start = out.len();
        for step in 0..count {
            let rows = out.len() - start;
            if rows >= budget.rows_max {
                break;
            }
            let left = Budget { rows_max: budget.rows_max - rows, ..*budget };
            let at = (self.turn + step) % count;
            if let Some(member) = self.members.get_mut(at) {
                member.changes(&left, out)?;
            }
        }
        self.turn = (self.turn + 1) % count.max(1);
        Ok(())
    }
}

impl FeedStream for Feed {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<bool, ReqlError> {
        let start = out.len();
        loop {
            match self.phase {
                Phase::Opening => self.open(out)?,
                Phase::Initial(at) => self.initial(at, budget, out)?,
                Phase::Changes => {
                    // Rows that are there already leave first: an error of a change must
                    // not take them along.
                    if out.len() == start {
                        self.changes(budget, out)?;
                    }
                    return Ok(true);
                }
            }
            if out.len() - start >= budget.rows_max {
                return Ok(true);
            }
        }
    }

    fn on_ready(&mut self, wake: Wake) {
        for member in &mut self.members {
            member.on_ready(Arc::clone(&wake));
        }
    }

    fn prepare(&mut self) {
        for member in &mut self.members {
            member.prepare();
        }
    }

    fn may_block(&self) -> bool {
        (self.include_initial && self.phase != Phase::Changes)
            || self.members.iter().any(|member| member.may_block())
    }

    fn due_in(&self) -> Option<Duration> {
        self.members.iter().filter_map(|member| member.due_in_us()).min().map(Duration::from_micros)
    }

    fn kind(&self) -> FeedKind {
        self.kind
    }

    fn includes_states(&self) -> bool {
        self.include_states
    }
}
