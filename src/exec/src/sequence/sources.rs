//! Streams that are not tables: arrays, ranges, unions, windows, zipped sequences.

use std::sync::Arc;

use photondb_datum::{Array, Datum};
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::sequence::batch::Batch;
use crate::sequence::open::RowStream;
use crate::terms::order::OrderKeys;

/// How the rows of a union come together.
#[derive(Clone)]
pub(crate) enum Interleave {
    /// One input after the other.
    No,
    /// Sorted inputs stay sorted.
    By(Arc<OrderKeys>),
}

/// The elements of an array.
pub(crate) struct ItemsStream {
    items: Array,
    position: usize,
}

impl ItemsStream {
    pub(crate) fn new(items: Array) -> Self {
        Self { items, position: 0 }
    }
}

impl RowStream for ItemsStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let end = self.items.len().min(self.position.saturating_add(budget.rows_max.max(1)));
        out.extend((self.position..end).filter_map(|i| self.items.get(i)));
        self.position = end;
        Ok(end < self.items.len())
    }

    fn skip(&mut self, _env: &Arc<Environment>, count: u64, _surplus: &mut Vec<Datum>) -> Result<u64> {
        let left = (self.items.len() - self.position) as u64;
        let skipped = left.min(count);
        self.position += skipped as usize;
        Ok(skipped)
    }
}

/// Whole numbers one after the other.
pub(crate) struct RangeStream {
    next: i64,
    end: Option<i64>,
}

impl RangeStream {
    pub(crate) fn new(start: i64, end: Option<i64>) -> Self {
        Self { next: start, end }
    }
}

impl RowStream for RangeStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        for _ in 0..budget.rows_max.max(1) {
            if self.end.is_some_and(|end| self.next >= end) {
                return Ok(false);
            }
            out.push(Datum::Number(self.next as f64));
            self.next += 1;
        }
        Ok(self.end.is_none_or(|end| self.next < end))
    }

    fn skip(&mut self, _env: &Arc<Environment>, count: u64, _surplus: &mut Vec<Datum>) -> Result<u64> {
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.next).max(0) as u64);
        let skipped = left.min(count);
        self.next = self.next.saturating_add_unsigned(skipped);
        Ok(skipped)
    }
}

/// One stream after the other.
pub(crate) struct UnionStream {
    inputs: std::vec::IntoIter<Box<dyn RowStream>>,
    current: Option<Box<dyn RowStream>>,
}

impl UnionStream {
    pub(crate) fn new(inputs: Vec<Box<dyn RowStream>>) -> Self {
        let mut inputs = inputs.into_iter();
        let current = inputs.next();
        Self { inputs, current }
    }
}

impl RowStream for UnionStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let Some(current) = &mut self.current else { return Ok(false) };
        if !current.next_batch(budget, out)? {
            self.current = self.inputs.next();
        }
        Ok(self.current.is_some())
    }
}

/// Sorted streams merged into one.
pub(crate) struct MergeStream {
    env: Arc<Environment>,
    inputs: Vec<Peekable>,
    order: Arc<OrderKeys>,
}

impl MergeStream {
    pub(crate) fn new(env: Arc<Environment>, inputs: Vec<Box<dyn RowStream>>, order: Arc<OrderKeys>) -> Self {
        Self { env, inputs: inputs.into_iter().map(Peekable::new).collect(), order }
    }
}

impl RowStream for MergeStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        for _ in 0..budget.rows_max.max(1) {
            let mut first: Option<(usize, Datum)> = None;
            for (position, input) in self.inputs.iter_mut().enumerate() {
                let Some(row) = input.peek(budget)? else { continue };
                let earlier = match &first {
                    None => true,
                    Some((_, best)) => self.order.compare(&self.env, &row, best)?.is_lt(),
                };
                if earlier {
                    first = Some((position, row));
                }
            }
            let Some((position, row)) = first else { return Ok(false) };
            self.inputs[position].position += 1;
            out.push(row);
        }
        Ok(true)
    }
}

/// A stream with a buffer in front, to look at the next row.
struct Peekable {
    stream: Box<dyn RowStream>,
    buffer: Vec<Datum>,
    position: usize,
    more: bool,
}

impl Peekable {
    fn new(stream: Box<dyn RowStream>) -> Self {
        Self { stream, buffer: Vec::new(), position: 0, more: true }
    }

    fn peek(&mut self, budget: &Budget) -> Result<Option<Datum>> {
        while self.position >= self.buffer.len() {
            if !self.more {
                return Ok(None);
            }
            self.buffer.clear();
            self.position = 0;
            self.more = self.stream.next_batch(budget, &mut self.buffer)?;
        }
        Ok(self.buffer.get(self.position).cloned())
    }

    fn next(&mut self, budget: &Budget) -> Result<Option<Datum>> {
        let row = self.peek(budget)?;
        self.position += 1;
        Ok(row)
    }
}

/// Some rows left out at the start, and perhaps an end.
pub(crate) struct WindowStream {
    env: Arc<Environment>,
    inner: Box<dyn RowStream>,
    skip: u64,
    take: Option<u64>,
}

impl WindowStream {
    pub(crate) fn new(
        env: Arc<Environment>,
        inner: Box<dyn RowStream>,
        skip: u64,
        take: Option<u64>,
    ) -> Self {
        Self { env, inner, skip, take }
    }
}

impl RowStream for WindowStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        if self.take == Some(0) {
            return Ok(false);
        }
        let before = out.len();
        if self.skip > 0 {
            let skip = std::mem::take(&mut self.skip);
            if self.inner.skip(&self.env, skip, out)? < skip {
                return Ok(false);
            }
        }
        let rows_max = match self.take {
            Some(take) => budget.rows_max.min(usize::try_from(take).unwrap_or(usize::MAX)),
            None => budget.rows_max,
        };
        // Rows that came with the last one left out are a batch of their own.
        let more = out.len() > before || self.inner.next_batch(&Budget { rows_max, ..*budget }, out)?;
        if let Some(take) = &mut self.take {
            let limit = usize::try_from(*take).unwrap_or(usize::MAX);
            out.truncate(before.saturating_add(limit));
            *take -= (out.len() - before) as u64;
            return Ok(more && *take > 0);
        }
        Ok(more)
    }
}

/// `map` over several streams: as long as the shortest.
pub(crate) struct ZipStream {
    env: Arc<Environment>,
    inputs: Vec<Peekable>,
    function: Arc<Function>,
}

impl ZipStream {
    pub(crate) fn new(
        env: Arc<Environment>,
        inputs: Vec<Box<dyn RowStream>>,
        function: Arc<Function>,
    ) -> Self {
        Self { env, inputs: inputs.into_iter().map(Peekable::new).collect(), function }
    }
}

impl RowStream for ZipStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut row = Vec::with_capacity(self.inputs.len());
        let mut batch = Batch::begin(budget, out);
        while !batch.is_full(out) {
            row.clear();
            for input in &mut self.inputs {
                match input.next(budget)? {
                    Some(item) => row.push(item),
                    None => return Ok(false),
                }
            }
            if row.is_empty() {
                return Err(EvalError::logic("Cannot map over zero sequences."));
            }
            out.push(self.function.datum(&self.env, &row)?);
        }
        Ok(true)
    }
}
