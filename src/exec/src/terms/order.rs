//! `orderBy`: by an index, by keys, or by an index refined by keys.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use photondb_datum::{Datum, DatumRef, Text};
use photondb_plan::Operation;
use photondb_reql::TermType;
use photondb_table::Direction;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut};
use crate::row_expression::Untold;
use crate::sequence::{Keeper, Passing, Refinement, Sequence, Source, TableRead, Terminal, TerminalAnswer};
use crate::sort::{FirstRows, Sorted, sort};
use crate::terms::{table, transform};
use crate::value::{Kind, Value};

/// One key of an order.
pub(crate) struct OrderKey {
    descending: bool,
    by: Arc<Function>,
}

/// The keys of an order, the most significant first.
pub(crate) struct OrderKeys {
    keys: Vec<OrderKey>,
}

/// A key from `asc(x)`, `desc(x)`, a function or a field name.
pub(crate) fn key(value: Value) -> Result<OrderKey> {
    let (descending, by) = match value.kind {
        Kind::Ordering(ordering) => (ordering.descending, ordering.by),
        kind => (false, Value::new(kind, value.site)),
    };
    Ok(OrderKey { descending, by: Function::from_value(by, Shortcut::Field)? })
}

impl OrderKeys {
    pub(crate) fn new(keys: Vec<OrderKey>) -> Self {
        Self { keys }
    }

    /// By what one function gives.
    pub(crate) fn ascending(by: Arc<Function>) -> Self {
        Self::new(vec![OrderKey { descending: false, by }])
    }

    /// The fields that rows are sorted by, if that is all that their order needs.
    pub(crate) fn fields(&self) -> Option<Vec<&Text>> {
        self.keys.iter().map(|key| key.by.field_name()).collect()
    }

    /// Where a row stands to one that was ranked, as far as the stored row tells that.
    pub(crate) fn compare_stored(
        &self,
        env: &Arc<Environment>,
        row: DatumRef<'_>,
        ranked: &RankedRow,
    ) -> Option<Ordering> {
        let mut order = Ordering::Equal;
        for (key, rank) in self.keys.iter().zip(&ranked.rank) {
            let value = match key.by.answer(env, &[row]) {
                Ok(value) => Some(value),
                Err(Untold::Absent) => None,
                Err(Untold::Unsure) => return None,
            };
            if order.is_eq() {
                order = rank.compare_value(value);
            }
        }
        Some(order)
    }

    /// The values that a row is sorted by; a row without one sorts before all that have it.
    pub(crate) fn values(&self, env: &Arc<Environment>, row: &Datum) -> Result<Vec<Option<Datum>>> {
        self.keys
            .iter()
            .map(|key| match key.by.datum(env, std::slice::from_ref(row)) {
                Ok(value) => Ok(Some(value)),
                Err(error) if error.is_absent() => Ok(None),
                Err(error) => Err(error),
            })
            .collect()
    }

    fn compare_values(&self, left: &[Option<Datum>], right: &[Option<Datum>]) -> Ordering {
        for (key, (left, right)) in self.keys.iter().zip(left.iter().zip(right)) {
            let order = left.cmp(right);
            if order.is_ne() {
                return if key.descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    pub(crate) fn compare(&self, env: &Arc<Environment>, left: &Datum, right: &Datum) -> Result<Ordering> {
        Ok(self.compare_values(&self.values(env, left)?, &self.values(env, right)?))
    }
}

impl OrderKeys {
    /// The rows in order, with what they are sorted by.
    pub(crate) fn sorted(
        &self,
        env: &Arc<Environment>,
        rows: Vec<Datum>,
    ) -> Result<Vec<(Vec<Option<Datum>>, Datum)>> {
        // RethinkDB looks at the second row first; of several errors that one is told.
        let mut second = rows.get(1).map(|row| self.values(env, row)).transpose()?;
        let mut keyed = Vec::with_capacity(rows.len());
        for (position, row) in rows.into_iter().enumerate() {
            let ready = if position == 1 { second.take() } else { None };
            let values = match ready {
                Some(values) => values,
                None => self.values(env, &row)?,
            };
            keyed.push((values, row));
        }
        keyed.sort_by(|(left, _), (right, _)| self.compare_values(left, right));
        Ok(keyed)
    }

    /// Of each key, whether it is descending.
    pub(crate) fn directions(&self) -> Vec<bool> {
        self.keys.iter().map(|key| key.descending).collect()
    }
}

impl Refinement for OrderKeys {
    fn sort(&self, env: &Arc<Environment>, rows: &mut Vec<Datum>) -> Result<()> {
        // A single row has nothing to be compared by, and so no errors either.
        if rows.len() < 2 {
            return Ok(());
        }
        let sorted = self.sorted(env, std::mem::take(rows))?;
        rows.extend(sorted.into_iter().map(|(_, row)| row));
        Ok(())
    }
}

pub(crate) fn order_by(call: &Invocation<'_>) -> Result<Value> {
    if call.spliced() {
        return Err(EvalError::logic("r.args is not supported in an order_by or union command yet."));
    }
    let value = call.value(0)?;
    let keys = (1..call.count()).map(|i| key(call.value(i)?)).collect::<Result<Vec<_>>>()?;
    match call.option("index")? {
        Some(index) => by_index(call, value, index, OrderKeys::new(keys)),
        None if keys.is_empty() => Err(EvalError::logic("Must specify something to order by.")),
        None => by_keys(call, Sequence::from_value(value)?, OrderKeys::new(keys)),
    }
}

fn by_keys(call: &Invocation<'_>, sequence: Sequence, keys: OrderKeys) -> Result<Value> {
    let table = sequence.table.clone();
    // What is an array, or groups, is in memory already.
    let sorted = if sequence.eager || sequence.is_grouped() {
        let mut rows = sequence.collect(call.env)?.into_vec();
        keys.sort(call.env, &mut rows)?;
        Sorted::Rows(rows)
    } else {
        sort(call.env, sequence, keys)?
    };
    match (sorted, table) {
        (Sorted::Rows(rows), Some(table)) => {
            Ok(Value::new(Kind::SelectionArray(table, call.env.memory.array(rows)?), call.site))
        }
        (Sorted::Rows(rows), None) => call.answer(Datum::Array(rows.into())),
        (Sorted::Stream(stream), table) => {
            let mut sequence = Box::new(Sequence::new(Source::Stream(stream), false, call.site));
            sequence.table = table.clone();
            Ok(match table {
                Some(table) => Value::new(Kind::Selection(table, sequence), call.site),
                None => Value::new(Kind::Sequence(sequence), call.site),
            })
        }
    }
}

/// `orderBy(..).limit(n)` without an index: keeps only the first `n` rows in mind, however
/// many there are. `None` when the first argument is something else.
pub(crate) fn first_rows(call: &Invocation<'_>) -> Result<Option<Value>> {
    let Operation::Call(inner) = &call.expression(0)?.operation else { return Ok(None) };
    let plain = inner.term == TermType::OrderBy && !inner.spliced && inner.option("index").is_none();
    if !plain || call.first.is_some() || inner.arguments.len() < 2 {
        return Ok(None);
    }
    let order_by = Invocation { call: inner, site: call.expression(0)?.site, ..*call };
    let keys = (1..order_by.count()).map(|i| key(order_by.value(i)?)).collect::<Result<Vec<_>>>()?;
    let mut sequence = Sequence::from_value(order_by.value(0)?).map_err(|error| error.at(order_by.site))?;
    let limit = transform::limit_argument(call)?;
    let Ok(limit) = usize::try_from(limit) else { return Ok(None) };
    call.env.check_array_size(limit)?;
    let table = sequence.table.clone();
    let first = FirstRows::new(OrderKeys::new(keys), limit, &mut sequence, call.env.profiler.is_some());
    let rows = match sequence.run(call.env, Terminal::First(Arc::new(first)))? {
        TerminalAnswer::Grouped(groups) => return Ok(Some(Value::new(Kind::Grouped(groups), call.site))),
        TerminalAnswer::Single(rows) => rows,
    };
    Ok(Some(match (rows, table) {
        (Datum::Array(rows), Some(table)) => Value::new(Kind::SelectionArray(table, rows), call.site),
        (rows, _) => call.answer(rows)?,
    }))
}

/// The value of one key, ordered as its direction says.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Ascending(Option<Datum>),
    Descending(Reverse<Option<Datum>>),
}

/// A row with what it is sorted by; of equal rows the earlier one is first.
pub(crate) struct RankedRow {
    pub(crate) rank: Vec<Rank>,
    pub(crate) position: u64,
    pub(crate) row: Datum,
}

impl From<Rank> for Option<Datum> {
    fn from(rank: Rank) -> Self {
        match rank {
            Rank::Ascending(value) | Rank::Descending(Reverse(value)) => value,
        }
    }
}

impl Rank {
    /// The ranks of a row's values, given which keys are descending.
    pub(crate) fn all(values: Vec<Option<Datum>>, directions: &[bool]) -> Vec<Self> {
        let rank = |(value, descending): (_, &bool)| {
            if *descending { Self::Descending(Reverse(value)) } else { Self::Ascending(value) }
        };
        values.into_iter().zip(directions).map(rank).collect()
    }

    /// Where a value stands to this one, absent or not, in the order of the rank.
    pub(crate) fn compare_value(&self, value: Option<DatumRef<'_>>) -> Ordering {
        match self {
            Self::Ascending(held) => value.cmp(&held.as_ref().map(Datum::view)),
            Self::Descending(Reverse(held)) => held.as_ref().map(Datum::view).cmp(&value),
        }
    }

    pub(crate) fn value(&self) -> Option<&Datum> {
        match self {
            Self::Ascending(value) | Self::Descending(Reverse(value)) => value.as_ref(),
        }
    }

    fn value_mut(&mut self) -> Option<&mut Datum> {
        match self {
            Self::Ascending(value) | Self::Descending(Reverse(value)) => value.as_mut(),
        }
    }
}

impl RankedRow {
    /// Lets go of what else the row and its keys keep in memory.
    pub(crate) fn keep(&mut self, keeper: &mut Keeper) {
        self.row = keeper.keep(Passing::Owned(std::mem::replace(&mut self.row, Datum::Null)));
        for value in self.rank.iter_mut().filter_map(Rank::value_mut) {
            *value = keeper.keep(Passing::Owned(std::mem::replace(value, Datum::Null)));
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let key = |rank: &Rank| match rank {
            Rank::Ascending(value) | Rank::Descending(Reverse(value)) => {
                size_of::<Rank>() + value.as_ref().map_or(0, Datum::memory_bytes)
            }
        };
        size_of::<Self>() + self.row.unguarded_bytes() + self.rank.iter().map(key).sum::<usize>()
    }
}

impl Ord for RankedRow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank).then(self.position.cmp(&other.position))
    }
}

impl PartialOrd for RankedRow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RankedRow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RankedRow {}

fn by_index(call: &Invocation<'_>, value: Value, index: Value, keys: OrderKeys) -> Result<Value> {
    let (direction, name) = match index.kind {
        Kind::Ordering(ordering) if ordering.descending => (Direction::Backward, ordering.by.into_text()?),
        Kind::Ordering(ordering) => (Direction::Forward, ordering.by.into_text()?),
        kind => (Direction::Forward, Value::new(kind, index.site).into_text()?),
    };
    let (Kind::Table(mut read) | Kind::TableSlice(mut read)) = value.kind else {
        return Err(EvalError::logic(
            "Indexed order_by can only be performed on a TABLE or TABLE_SLICE. Make sure order_by comes before any \
             transformations (such as map) or filters.",
        ));
    };
    if read.order.is_some() {
        return Err(
            EvalError::logic("Cannot perform multiple indexed ORDER_BYs on the same table.").at(read.site)
        );
    }
    table::through_index(call, &mut read, &name)?;
    read.order = Some(direction);
    if keys.keys.is_empty() {
        return Ok(Value::new(Kind::TableSlice(read), call.site));
    }
    let table = Arc::clone(&read.table);
    refined(call, *read, keys).map(|mut sequence| {
        sequence.table = Some(Arc::clone(&table));
        Value::new(Kind::Selection(table, Box::new(sequence)), call.site)
    })
}

fn refined(call: &Invocation<'_>, read: TableRead, keys: OrderKeys) -> Result<Sequence> {
    // A primary key decides alone: nothing is left to refine.
    if read.index.is_none() {
        return Ok(Sequence::table(read, call.site));
    }
    Ok(Sequence::new(Source::Refined(Box::new(read), Arc::new(keys)), false, call.site))
}
