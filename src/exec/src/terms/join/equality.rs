//! `eqJoin`: rows, each with the documents of a table that have one of its values as their key.

use std::sync::Arc;
use std::vec::IntoIter;

use photondb_catalog::Permission;
use photondb_datum::Datum;
use photondb_table::{Budget, Flow, KeysOp};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut};
use crate::sequence::{INNER_BUDGET, RowStream, Sequence, Source, TableRead, TableSource};
use crate::terms::table;
use crate::value::{self, Kind, Value};

use super::pair;

/// Rows of the left side whose keys are looked up at once.
const LEFT_ROWS_MAX: usize = 1024;
/// Documents that are kept for them. When there are more, they are read for one left row after
/// the other.
const MATCHES_MAX: usize = 8192;
/// Bytes of those documents.
const MATCHES_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) fn eq_join(call: &Invocation<'_>) -> Result<Value> {
    let left = call.sequence(0)?;
    let by = call.function(1, Shortcut::Field)?;
    let right = call.value(2)?;
    let Kind::Table(mut read) = right.kind else { return Err(right.type_error("TABLE")) };
    // A complaint about the name points at the whole term.
    if let Some(index) = call.option_datum("index")? {
        let index = value::text(&index)?;
        table::through_index(call, &mut read, &index)?;
    }
    call.option_bool("ordered")?;
    let eager = left.eager;
    let stream = EqualityStream {
        env: Arc::clone(call.env),
        left: left.open(call.env)?,
        more: true,
        by,
        right: *read,
        rows: Vec::new(),
        matches: Matches::default(),
    };
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), eager, call.site))
}

/// The pairs, in the order of the left side.
struct EqualityStream {
    env: Arc<Environment>,
    left: Box<dyn RowStream>,
    /// Whether the left side has rows behind `rows`.
    more: bool,
    by: Arc<Function>,
    right: TableRead,
    /// Rows of the left side that have a key.
    rows: Vec<Datum>,
    matches: Matches,
}

/// The documents for some rows of the left side, with the positions of those rows.
enum Matches {
    /// All of them.
    Found(IntoIter<(usize, Datum)>),
    /// Too many to be kept at once.
    Streamed(MatchStream),
}

impl Default for Matches {
    fn default() -> Self {
        Self::Found(Vec::new().into_iter())
    }
}

impl EqualityStream {
    /// The next document and the position of its left row; `None` at the end. When rows of the
    /// left side have to be read for it, they are `rows_max` at most.
    fn next_match(&mut self, rows_max: usize) -> Result<Option<(usize, Datum)>> {
        loop {
            let found = match &mut self.matches {
                Matches::Found(found) => found.next(),
                Matches::Streamed(stream) => stream.next(&self.env, &self.right, &self.by)?,
            };
            if found.is_some() || !self.more {
                return Ok(found);
            }
            self.env.check_cancelled()?;
            self.fill(rows_max.clamp(1, LEFT_ROWS_MAX))?;
        }
    }

    /// Reads more rows of the left side and looks their keys up.
    fn fill(&mut self, rows_max: usize) -> Result<()> {
        self.rows.clear();
        let budget = Budget { rows_max, ..INNER_BUDGET };
        let mut rows = Vec::new();
        self.more = self.left.next_batch(&budget, &mut rows)?;
        let mut keys = Vec::with_capacity(rows.len());
        let mut failed = None;
        for row in rows {
            match self.by.datum(&self.env, std::slice::from_ref(&row)) {
                Ok(Datum::Null) => {}
                Ok(key) => {
                    keys.push(key);
                    self.rows.push(row);
                }
                Err(error) if error.is_absent() => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // A complaint about a key comes before one about a later row.
        self.matches = self.look_up(keys)?;
        failed.map_or(Ok(()), Err)
    }

    fn look_up(&self, keys: Vec<Datum>) -> Result<Matches> {
        if keys.is_empty() {
            return Ok(Matches::default());
        }
        let TableRead { table, index, mode, .. } = &self.right;
        if table.system {
            return Ok(Matches::Streamed(MatchStream::new(keys)));
        }
        self.env.check_table(Permission::Read, table)?;
        let at_key = |error: EvalError| match index {
            Some(_) => error.at(self.by.site),
            None => error,
        };
        let index = index.as_ref().map(|index| index.id()).transpose().map_err(at_key)?;
        let op = KeysOp { table: table.id, index, keys, mode: *mode };
        let mut found: Vec<(usize, Datum)> = Vec::with_capacity(op.keys.len());
        let (mut bytes, mut too_many) = (0, false);
        let looked_up = self.env.services()?.shards.look_up(&op, &mut |positions, document| {
            bytes += document.memory_bytes();
            found.extend(positions.iter().map(|position| (*position, document.clone())));
            too_many = found.len() > MATCHES_MAX || bytes > MATCHES_BYTES_MAX;
            if too_many { Flow::Stop } else { Flow::Continue }
        });
        looked_up.map_err(|error| at_key(error.into()))?;
        if too_many {
            return Ok(Matches::Streamed(MatchStream::new(op.keys)));
        }
        found.sort_by_key(|(position, _)| *position);
        Ok(Matches::Found(found.into_iter()))
    }
}

impl RowStream for EqualityStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let rows_end = out.len().saturating_add(budget.rows_max.max(1));
        let mut bytes = 0;
        while out.len() < rows_end && bytes < budget.bytes_max {
            let Some((position, document)) = self.next_match(rows_end - out.len())? else {
                return Ok(false);
            };
            let row = self.rows[position].clone();
            bytes += row.packed_bytes() + document.packed_bytes();
            out.push(pair(row, Some(document)));
        }
        Ok(true)
    }

    fn skip(&mut self, _env: &Arc<Environment>, count: u64, _surplus: &mut Vec<Datum>) -> Result<u64> {
        for skipped in 0..count {
            let left = usize::try_from(count - skipped).unwrap_or(usize::MAX);
            if self.next_match(left)?.is_none() {
                return Ok(skipped);
            }
        }
        Ok(count)
    }
}

/// The documents of some keys, read for one key after the other.
struct MatchStream {
    keys: Vec<Datum>,
    /// How many keys were begun.
    begun: usize,
    /// The documents of the last of these that are yet to be read.
    stream: Option<Box<dyn RowStream>>,
    read: IntoIter<Datum>,
}

impl MatchStream {
    fn new(keys: Vec<Datum>) -> Self {
        Self { keys, begun: 0, stream: None, read: Vec::new().into_iter() }
    }

    fn next(
        &mut self,
        env: &Arc<Environment>,
        right: &TableRead,
        by: &Function,
    ) -> Result<Option<(usize, Datum)>> {
        loop {
            if let Some(document) = self.read.next() {
                return Ok(Some((self.begun - 1, document)));
            }
            env.check_cancelled()?;
            if let Some(stream) = &mut self.stream {
                let mut documents = Vec::new();
                if !stream.next_batch(&INNER_BUDGET, &mut documents)? {
                    self.stream = None;
                }
                self.read = documents.into_iter();
                continue;
            }
            let Some(key) = self.keys.get(self.begun) else { return Ok(None) };
            self.begun += 1;
            let read = TableRead { source: TableSource::Keys(vec![key.clone()]), ..right.clone() };
            self.stream = Some(Sequence::table(read, by.site).open(env)?);
        }
    }
}
