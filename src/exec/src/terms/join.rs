//! Joins: pairs of rows of two sequences.

mod equality;

use std::sync::Arc;

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut};
use crate::memory::{Purpose, Reservation};
use crate::sequence::{Batch, RowStream, RowTransform, Sequence, Source, Stage};
use crate::terms::merge::merge;
use crate::value::Value;

pub(crate) use equality::eq_join;

/// Rows of the right side of an inner or outer join that are kept in memory.
const JOIN_ROWS_MAX: usize = 1_000_000;

pub(crate) fn inner_join(call: &Invocation<'_>) -> Result<Value> {
    nested_loop(call, false)
}

pub(crate) fn outer_join(call: &Invocation<'_>) -> Result<Value> {
    nested_loop(call, true)
}

fn nested_loop(call: &Invocation<'_>, outer: bool) -> Result<Value> {
    let left = call.sequence(0)?;
    let right = call.sequence(1)?;
    let predicate = call.function(2, Shortcut::Constant)?;
    let mut rows = Vec::new();
    let mut memory = Reservation::new(Purpose::Join);
    right.for_each(call.env, &mut |row| {
        memory.grow(&call.env.memory, size_of::<Datum>() + row.unguarded_bytes())?;
        if rows.len() == JOIN_ROWS_MAX {
            return Err(EvalError::resource(format!(
                "The right side of a join has more than {JOIN_ROWS_MAX} rows.  Swap the sides or use `eqJoin` \
                 with an index."
            )));
        }
        rows.push(row);
        Ok(())
    })?;
    let eager = left.eager;
    let stream = NestedLoopStream {
        env: Arc::clone(call.env),
        left: left.open(call.env)?,
        right: rows,
        _memory: memory,
        predicate,
        outer,
        pending: Vec::new().into_iter(),
        current: None,
        more: true,
    };
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), eager, call.site))
}

struct NestedLoopStream {
    env: Arc<Environment>,
    left: Box<dyn RowStream>,
    right: Vec<Datum>,
    _memory: Reservation,
    predicate: Arc<Function>,
    outer: bool,
    /// Rows of the left side that were read and not yet joined.
    pending: std::vec::IntoIter<Datum>,
    current: Option<LeftRow>,
    more: bool,
}

/// A row of the left side on its way through the right one.
struct LeftRow {
    row: Datum,
    /// The row of the right side that comes next.
    position: usize,
    matched: bool,
}

impl RowStream for NestedLoopStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        while !batch.is_full(out) {
            self.env.check_cancelled()?;
            if let Some(left) = self.current.take() {
                self.current = self.join(left, &mut batch, out)?;
            } else if let Some(row) = self.pending.next() {
                self.current = Some(LeftRow { row, position: 0, matched: false });
            } else if self.more {
                let mut rows = Vec::new();
                self.more = self.left.next_batch(budget, &mut rows)?;
                self.pending = rows.into_iter();
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl NestedLoopStream {
    /// Goes on joining a row; gives it back when the batch is full before its end.
    fn join(&self, mut left: LeftRow, batch: &mut Batch, out: &mut Vec<Datum>) -> Result<Option<LeftRow>> {
        while let Some(right) = self.right.get(left.position) {
            if batch.is_full(out) {
                return Ok(Some(left));
            }
            left.position += 1;
            if self.predicate_holds(&left.row, right)? {
                left.matched = true;
                out.push(pair(left.row.clone(), Some(right.clone())));
            }
        }
        if self.outer && !left.matched {
            out.push(pair(left.row, None));
        }
        Ok(None)
    }

    fn predicate_holds(&self, left: &Datum, right: &Datum) -> Result<bool> {
        let answer = self.predicate.datum(&self.env, &[left.clone(), right.clone()]);
        match answer {
            Ok(datum) => Ok(crate::function::is_true(&datum)),
            Err(error) => Err(error),
        }
    }
}

/// What a join gives for two rows, or for one that has no partner.
fn pair(left: Datum, right: Option<Datum>) -> Datum {
    let mut builder = ObjectBuilder::with_capacity(2);
    builder.insert(Text::from_static("left"), left);
    if let Some(right) = right {
        builder.insert(Text::from_static("right"), right);
    }
    Datum::Object(builder.build())
}

pub(crate) fn zip(call: &Invocation<'_>) -> Result<Value> {
    call.answer_sequence(call.sequence(0)?.with(Stage::Apply(Arc::new(Zip))))
}

/// `{left, right}` merged into one row.
struct Zip;

impl RowTransform for Zip {
    fn apply(&self, _env: &Arc<Environment>, row: &Datum) -> Result<Option<Datum>> {
        let not_joined = || EvalError::logic("ZIP can only be called on the result of a join.");
        let Datum::Object(row) = row else { return Err(not_joined()) };
        let left = row.get("left").ok_or_else(not_joined)?;
        Ok(Some(match row.get("right") {
            Some(right) => merge(&left, &right),
            None => left,
        }))
    }
}
