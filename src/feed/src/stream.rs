//! An open feed: the state rows, the initial values and then the changes of its members.

use std::sync::Arc;
use std::time::Duration;

use photondb_datum::Datum;
use photondb_plan::feed::{FeedKind, FeedStream};
use photondb_reql::ReqlError;
use photondb_table::Budget;

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

/// A feed of one member, or of several in a union.
pub(crate) struct Feed {
    members: Vec<Box<dyn Member>>,
    kind: FeedKind,
    format: RowFormat,
    include_initial: bool,
    include_states: bool,
    phase: Phase,
    /// The member that is asked first, so that a busy one does not starve the others.
    turn: usize,
}

impl Feed {
    pub(crate) fn new(
        members: Vec<Box<dyn Member>>,
        kind: FeedKind,
        format: RowFormat,
        include_initial: bool,
        include_states: bool,
    ) -> Self {
        Self { members, kind, format, include_initial, include_states, phase: Phase::Opening, turn: 0 }
    }

    fn push_state(&self, name: &'static str, out: &mut Vec<Datum>) {
        if self.include_states {
            out.push(self.format.state(name));
        }
    }

    fn open(&mut self, out: &mut Vec<Datum>) {
        if self.include_initial {
            self.push_state("initializing", out);
            self.phase = Phase::Initial(0);
        } else {
            self.push_state("ready", out);
            self.phase = Phase::Changes;
        }
    }

    fn initial(&mut self, at: usize, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        let more = match self.members.get_mut(at) {
            Some(member) => member.initial(budget, out)?,
            None => false,
        };
        if more {
            return Ok(());
        }
        self.phase = Phase::Initial(at + 1);
        if at + 1 >= self.members.len() {
            self.push_state("ready", out);
            self.phase = Phase::Changes;
        }
        Ok(())
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
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
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let start = out.len();
        loop {
            match self.phase {
                Phase::Opening => self.open(out),
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

    fn on_ready(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        if self.phase != Phase::Changes {
            wake();
        }
        for member in &mut self.members {
            member.on_ready(Arc::clone(&wake));
        }
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
