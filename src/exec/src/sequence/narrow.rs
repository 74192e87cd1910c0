//! Filters over tables that an index can answer: the documents that it leads to are read
//! instead of all, in the order of their primary keys as before. The filter still sees each of
//! them, so the index only has to lead to enough.

use std::sync::Arc;

use photondb_catalog::{Index, Permission};
use photondb_datum::Text;
use photondb_reql::index_function::IndexFunction;
use photondb_table::{DatumRange, IndexBounds, NarrowOp, ReadOp};

use crate::environment::Environment;
use crate::error::Result;
use crate::row_expression::{Bounds, is_covered};
use crate::sequence::{FilterDefault, IndexRef, Sequence, Source, Stage, TableSource};

/// How many rows a narrowed read looks at, and of how many.
pub(crate) struct Narrowed {
    pub(crate) index: Text,
    pub(crate) rows: usize,
    pub(crate) rows_total: u64,
}

impl Sequence {
    /// Reads fewer documents if an index knows which ones matter, and it pays.
    pub(crate) fn narrow(&mut self, env: &Arc<Environment>) -> Result<Option<Narrowed>> {
        let Source::Table(read) = &mut self.source else { return Ok(None) };
        if read.table.system || read.index.is_some() || !matches!(read.source, TableSource::All) {
            return Ok(None);
        }
        let bounds = bounds(env, &self.stages);
        if bounds.is_empty() {
            return Ok(None);
        }
        env.check_table(Permission::Read, &read.table)?;
        let shards = &env.services()?.shards;
        let narrowing = env.options.narrowing;
        if shards.count(&ReadOp::all(read.table.id))? < narrowing.rows_min {
            return Ok(None);
        }
        let (names, candidates): (Vec<_>, Vec<_>) = match env.catalog()?.table_by_id(read.table.id) {
            Some(table) => table.indexes.values().filter_map(|index| candidate(index, &bounds)).unzip(),
            None => return Ok(None),
        };
        if candidates.is_empty() {
            return Ok(None);
        }
        let rows_per_key_min = narrowing.rows_per_key_min;
        let op = NarrowOp { table: read.table.id, candidates, rows_per_key_min, mode: read.mode };
        let Some(found) = shards.narrow(&op)? else { return Ok(None) };
        let (name, id) = (names[found.candidate].clone(), op.candidates[found.candidate].index);
        let narrowed = Narrowed { index: name.clone(), rows: found.keys.len(), rows_total: found.rows_total };
        read.index = Some(IndexRef { name, found: Ok(id) });
        read.source = TableSource::Narrowed(found.keys.into());
        Ok(Some(narrowed))
    }
}

/// The bounds that the filters at the beginning set. Rows outside would not come to any stage
/// behind these filters, and raise no error in them.
fn bounds(env: &Arc<Environment>, stages: &[Stage]) -> Vec<(Text, DatumRange)> {
    let mut bounds = Bounds { never_fails: true, ..Bounds::default() };
    for stage in stages {
        let Stage::Filter { predicate, default: FilterDefault::Skip } = stage else { break };
        if !bounds.never_fails {
            break;
        }
        bounds.and(predicate.bounds(env));
    }
    bounds.fields
}

/// The range of an index of one of the fields.
fn candidate(index: &Arc<Index>, bounds: &[(Text, DatumRange)]) -> Option<(Text, IndexBounds)> {
    if index.multi || index.geo {
        return None;
    }
    let field = IndexFunction::decode(&index.function).ok()?.field()?;
    let (_, range) = bounds.iter().find(|(bounded, _)| *bounded == field)?;
    let bounds = IndexBounds { index: index.id, range: range.clone(), is_covered: is_covered(range) };
    Some((index.name.clone(), bounds))
}
