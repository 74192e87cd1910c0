//! `concatMap` for batches: what a row becomes may be longer than any batch.

use std::sync::Arc;

use photondb_datum::Datum;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::Result;
use crate::function::Function;
use crate::sequence::batch::Batch;
use crate::sequence::open::RowStream;
use crate::sequence::sources::ItemsStream;
use crate::sequence::{Sequence, Source};
use crate::value::Kind;

/// Arrays up to this length go into one batch.
const WHOLE_ARRAY_MAX: usize = 64;

/// The rows of the sequences that a function makes of rows, one after the other.
pub(crate) struct ConcatStream {
    env: Arc<Environment>,
    outer: Box<dyn RowStream>,
    function: Arc<Function>,
    /// Rows of the outer stream that were not mapped yet.
    rows: std::vec::IntoIter<Datum>,
    more: bool,
    inner: Option<Box<dyn RowStream>>,
}

impl ConcatStream {
    pub(crate) fn new(env: &Arc<Environment>, outer: Box<dyn RowStream>, function: Arc<Function>) -> Self {
        let env = Arc::clone(env);
        Self { env, outer, function, rows: Vec::new().into_iter(), more: true, inner: None }
    }

    /// Opens what a row becomes; short arrays go to `out` at once.
    fn open(&mut self, row: &Datum, out: &mut Vec<Datum>) -> Result<()> {
        let value = self.function.call(&self.env, std::slice::from_ref(row))?;
        if let Kind::Datum(Datum::Array(items)) = &value.kind {
            if items.len() <= WHOLE_ARRAY_MAX {
                out.extend(items.iter());
            } else {
                self.inner = Some(Box::new(ItemsStream::new(items.clone())));
            }
            return Ok(());
        }
        let inner = Sequence::from_value(value).map_err(|error| error.at(self.function.site))?;
        inner.refuse_infinite()?;
        self.inner = Some(inner.open(&self.env)?);
        Ok(())
    }
}

impl RowStream for ConcatStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        while !batch.is_full(out) {
            if let Some(inner) = &mut self.inner {
                self.env.check_cancelled()?;
                if !inner.next_batch(&batch.left(out), out)? {
                    self.inner = None;
                }
            } else if let Some(row) = self.rows.next() {
                self.open(&row, out)?;
            } else if self.more {
                self.env.check_cancelled()?;
                let mut rows = Vec::new();
                self.more = self.outer.next_batch(budget, &mut rows)?;
                self.rows = rows.into_iter();
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Sequence {
    /// Takes the sequence apart at its first `concatMap`: what comes before, its function,
    /// and what comes behind.
    pub(super) fn split_at_concat(
        mut self,
    ) -> std::result::Result<(Self, Arc<Function>, Vec<super::Stage>), Self> {
        let is_concat = |stage: &super::Stage| matches!(stage, super::Stage::ConcatMap(_));
        let Some(position) = self.stages.iter().position(is_concat) else { return Err(self) };
        let rest = self.stages.split_off(position + 1);
        match self.stages.pop() {
            Some(super::Stage::ConcatMap(function)) => Ok((self, function, rest)),
            _ => Err(self),
        }
    }

    /// The sequence of what a stream gives after some stages.
    pub(super) fn of_stream(
        stream: Box<dyn RowStream>,
        stages: Vec<super::Stage>,
        site: photondb_reql::TermId,
    ) -> Self {
        Self { stages, ..Self::new(Source::Stream(stream), false, site) }
    }
}
