//! Geospatial indexes: what they hold for a document, and how documents are found in them.
//!
//! An index holds the names of a few cells that cover each geometry, as eight bytes, the
//! highest first. A geometry is looked up by the cells of its own covering, by those within
//! them and by those around them; what is found so is then compared exactly.

use std::sync::Arc;

use bytes::Bytes;
use photondb_datum::{Datum, Text};
use photondb_table::{IndexValue, KeyRange};

use super::covering::{Names, Region, names_of};
use super::{geojson, geometry};
use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::Function;
use crate::sequence::{IndexRef, RowCount, Sequence, Stage, TableRead, TableSource};
use crate::stored_function;
use crate::terms::geometry::Shape;
use crate::terms::table;
use crate::value::{Kind, Value};

/// Cells that a stored geometry is covered with: each is an entry of the index.
const STORED_CELLS_MAX: usize = 12;

/// Cells that a geometry is covered with that is looked up. More cells are more seeks, and
/// fewer documents that are read in vain.
const SOUGHT_CELLS_MAX: usize = 24;

/// Appends what an index holds for the value of its function; nothing for what is no
/// valid geometry.
pub(crate) fn entries(value: &Datum, multi: bool, out: &mut Vec<IndexValue>) {
    let mut covering = Vec::new();
    each_shape(value, multi, &mut |shape| covering.extend(Region::Shape(&shape).cover(STORED_CELLS_MAX)));
    covering.sort_unstable();
    covering.dedup();
    let raw = |name: u64| IndexValue::Raw(Bytes::copy_from_slice(&name.to_be_bytes()));
    out.extend(covering.into_iter().map(|cell| raw(cell.name())));
}

fn each_shape(value: &Datum, multi: bool, visit: &mut dyn FnMut(Shape)) {
    let mut one = |datum: &Datum| {
        if datum.is_geometry()
            && let Ok(shape) = geojson::parse(datum)
        {
            visit(shape);
        }
    };
    match value {
        Datum::Array(items) if multi => items.iter().for_each(|item| one(&item)),
        value => one(value),
    }
}

/// The index that a term asks for, ready to be looked into.
pub(super) struct GeometryIndex {
    pub(super) read: TableRead,
    function: Function,
    multi: bool,
}

impl GeometryIndex {
    /// By the `index` of a term whose first argument is a table.
    pub(super) fn of_option(call: &Invocation<'_>, term: &str, read: TableRead, name: &Text) -> Result<Self> {
        if *name == read.table.primary_key {
            return Err(EvalError::logic(format!("{term} cannot use the primary index.")));
        }
        let index = table::index(call, &read.table, name)?;
        if !index.geo {
            let message = format!(
                "Index `{name}` is not a geospatial index.  {term} can only be used with a geospatial index."
            );
            return Err(EvalError::logic(message).at(call.env.ast.root()));
        }
        let state = call.env.catalog()?;
        let config = state.table_by_id(read.table.id).and_then(|table| table.indexes.get(name.as_str()));
        let config = config.ok_or_else(|| EvalError::failed(format!("Index `{name}` was not found.")))?;
        let function =
            stored_function::load(&config.function).map_err(|error| EvalError::logic(error.to_string()))?;
        let index = Some(IndexRef { name: name.clone(), found: Ok(index.id) });
        Ok(Self { read: TableRead { index, ..read }, function, multi: config.multi })
    }

    /// The documents that entries with these names lead to.
    pub(super) fn candidates(&self, names: &[Names]) -> TableRead {
        TableRead { source: TableSource::Raw(names.iter().copied().map(keys).collect()), ..self.read.clone() }
    }

    /// Visits the geometries that the index holds for a document.
    pub(super) fn each_shape(&self, env: &Arc<Environment>, document: &Datum, visit: &mut dyn FnMut(Shape)) {
        if let Ok(value) = self.function.datum(env, std::slice::from_ref(document)) {
            each_shape(&value, self.multi, visit);
        }
    }
}

/// The entries with names from the first to the last.
fn keys((first, last): Names) -> KeyRange {
    KeyRange::half_open(
        Bytes::copy_from_slice(&first.to_be_bytes()),
        Bytes::copy_from_slice(&(last + 1).to_be_bytes()),
    )
}

/// How many geometries of a document have something in common with another one: a multi
/// index finds the document by each of them.
struct Meets {
    index: GeometryIndex,
    other: Shape,
}

impl RowCount for Meets {
    fn count(&self, env: &Arc<Environment>, document: &Datum) -> usize {
        let mut count = 0;
        self.index
            .each_shape(env, document, &mut |shape| count += usize::from(shape.intersects(&self.other)));
        count
    }
}

/// The name of the `index` of a term.
pub(super) fn index_name(call: &Invocation<'_>, term: &str) -> Result<Text> {
    let name = call.option_text("index")?;
    name.ok_or_else(|| EvalError::logic(format!("{term} requires an index argument.")))
}

pub(crate) fn get_intersecting(call: &Invocation<'_>) -> Result<Value> {
    const TERM: &str = "get_intersecting";
    let read = table::table_argument(call, 0)?;
    let other = call.value(1)?;
    let name = index_name(call, TERM)?;
    let other = geojson::parse(&geometry(other)?)?;
    let index = GeometryIndex::of_option(call, TERM, *read, &name)?;
    let names = names_of(&Region::Shape(&other).cover(SOUGHT_CELLS_MAX));
    let candidates = index.candidates(&names);
    let table = Arc::clone(&candidates.table);
    let rows = Sequence::table(candidates, call.site).with(Stage::Repeat(Arc::new(Meets { index, other })));
    Ok(Value::new(Kind::Selection(table, Box::new(rows)), call.site))
}
