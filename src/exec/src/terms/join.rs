//! Joins: pairs of rows of two sequences.

use std::collections::HashMap;
use std::sync::Arc;

use photondb_catalog::Permission;
use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut};
use crate::sequence::{RowStream, RowTransform, Sequence, Source, Stage, TableRead, TableSource};
use crate::terms::{object, table};
use crate::value::{Kind, Value};

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
    right.for_each(call.env, &mut |row| {
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
        predicate,
        outer,
        pending: Vec::new().into_iter(),
        more: true,
    };
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), eager, call.site))
}

struct NestedLoopStream {
    env: Arc<Environment>,
    left: Box<dyn RowStream>,
    right: Vec<Datum>,
    predicate: Arc<Function>,
    outer: bool,
    /// Rows of the left side that were read and not yet joined.
    pending: std::vec::IntoIter<Datum>,
    more: bool,
}

impl RowStream for NestedLoopStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let enough = out.len().saturating_add(budget.rows_max.max(1));
        while out.len() < enough {
            self.env.check_cancelled()?;
            let Some(left) = self.pending.next() else {
                if !self.more {
                    return Ok(false);
                }
                let mut rows = Vec::new();
                self.more = self.left.next_batch(budget, &mut rows)?;
                self.pending = rows.into_iter();
                continue;
            };
            let mut matched = false;
            for right in &self.right {
                if self.predicate_holds(&left, right)? {
                    matched = true;
                    out.push(pair(left.clone(), Some(right.clone())));
                }
            }
            if self.outer && !matched {
                out.push(pair(left, None));
            }
        }
        Ok(true)
    }
}

impl NestedLoopStream {
    fn predicate_holds(&self, left: &Datum, right: &Datum) -> Result<bool> {
        let answer = self.predicate.datum(&self.env, &[left.clone(), right.clone()]);
        match answer {
            Ok(datum) => Ok(crate::function::is_true(&datum)),
            Err(error) => Err(error),
        }
    }
}

fn pair(left: Datum, right: Option<Datum>) -> Datum {
    let mut builder = ObjectBuilder::new();
    builder.insert(Text::from("left"), left);
    if let Some(right) = right {
        builder.insert(Text::from("right"), right);
    }
    Datum::Object(builder.build())
}

pub(crate) fn eq_join(call: &Invocation<'_>) -> Result<Value> {
    let left = call.sequence(0)?;
    let by = call.function(1, Shortcut::Field)?;
    let right = call.value(2)?;
    let Kind::Table(mut read) = right.kind else { return Err(right.type_error("TABLE")) };
    // A complaint about the name points at the whole term.
    if let Some(index) = call.option_datum("index")? {
        let index = crate::value::text(&index)?;
        table::through_index(call, &mut read, &index)?;
    }
    call.option_bool("ordered")?;
    let eager = left.eager;
    let stream = EqualityStream {
        env: Arc::clone(call.env),
        left: left.open(call.env)?,
        by,
        right: *read,
        ready: Vec::new(),
        more: true,
    };
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), eager, call.site))
}

/// Looks up a batch of left rows at a time, each distinct key once.
struct EqualityStream {
    env: Arc<Environment>,
    left: Box<dyn RowStream>,
    by: Arc<Function>,
    right: TableRead,
    ready: Vec<Datum>,
    more: bool,
}

impl EqualityStream {
    fn fill(&mut self, budget: &Budget) -> Result<()> {
        let mut rows = Vec::new();
        self.more = self.left.next_batch(budget, &mut rows)?;
        let mut keyed = Vec::with_capacity(rows.len());
        let mut matches: HashMap<Datum, Vec<Datum>> = HashMap::new();
        for row in rows {
            let key = match self.by.datum(&self.env, std::slice::from_ref(&row)) {
                Ok(Datum::Null) => continue,
                Ok(key) => key,
                Err(error) if error.is_absent() => continue,
                Err(error) => return Err(error),
            };
            if !matches.contains_key(&key) {
                let found = self.look_up(&key)?;
                matches.insert(key.clone(), found);
            }
            keyed.push((key, row));
        }
        for (key, row) in keyed {
            for right in matches.get(&key).into_iter().flatten() {
                self.ready.push(pair(row.clone(), Some(right.clone())));
            }
        }
        Ok(())
    }

    fn look_up(&self, key: &Datum) -> Result<Vec<Datum>> {
        let mut found = Vec::new();
        if self.right.index.is_none() && !self.right.table.system {
            let env = &self.env;
            env.check_table(Permission::Read, &self.right.table)?;
            let row = env.services()?.shards.get(self.right.table.id, key, self.right.mode, None)?;
            found.extend(row);
            return Ok(found);
        }
        let read = TableRead { source: TableSource::Keys(vec![key.clone()]), ..self.right.clone() };
        Sequence::table(read, self.by.site).for_each(&self.env, &mut |row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
    }
}

impl RowStream for EqualityStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        while self.ready.is_empty() && self.more {
            self.env.check_cancelled()?;
            self.fill(budget)?;
        }
        let count = self.ready.len().min(budget.rows_max.max(1));
        out.extend(self.ready.drain(..count));
        Ok(self.more || !self.ready.is_empty())
    }
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
            Some(right) => object::merge(&left, &right),
            None => left,
        }))
    }
}
