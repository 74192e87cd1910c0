//! Sequences: where rows come from, and what happens to each on its way.
//!
//! A sequence is a source and a list of stages. Nothing runs until it is opened (for
//! batches) or given a terminal (for one value); then the stages run fused, row by row,
//! beside the documents if the source is a table.

mod batch;
mod concat;
mod group;
mod groups;
mod keeper;
mod machine;
mod metered;
mod narrow;
mod open;
mod parallel;
mod passing;
mod read;
mod sources;
mod terminal;

use std::sync::Arc;

use photondb_datum::packed::Writer;
use photondb_datum::{Array, Datum, DatumRef, Text};
use photondb_plan::feed::FeedPlan;
use photondb_reql::TermId;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::profile::SequenceMeter;
use crate::row_expression::Untold;
use crate::value::{Kind, TableRef, Value, wrong_type};

pub(crate) use batch::Batch;
pub(crate) use group::{GroupStage, into_grouped_datum};
pub(crate) use groups::Groups;
pub(crate) use keeper::Keeper;
pub(crate) use machine::{Machine, Pipeline, keeps};
pub(crate) use narrow::Narrowed;
pub(crate) use open::{INNER_BUDGET, RowStream};
pub(crate) use passing::Passing;
pub(crate) use read::{IndexRef, TableRead, TableSource};
pub(crate) use sources::Interleave;
pub(crate) use terminal::{Terminal, TerminalAnswer, finite};

/// Rows to come.
pub(crate) struct Sequence {
    pub(crate) source: Source,
    pub(crate) stages: Vec<Stage>,
    /// The terms that the stages come from, as far as that is known; kept for profiles only.
    stage_sites: Vec<TermId>,
    /// An array in disguise: it becomes one as soon as the term is evaluated.
    pub(crate) eager: bool,
    /// The table whose rows these still are.
    pub(crate) table: Option<Arc<TableRef>>,
    pub(crate) site: TermId,
}

/// Where rows come from.
pub(crate) enum Source {
    Items(Array),
    Table(Box<TableRead>),
    /// `r.range`: from, and up to but without.
    Range(i64, Option<i64>),
    Union(Vec<Sequence>, Interleave),
    Window {
        inner: Box<Sequence>,
        skip: u64,
        take: Option<u64>,
    },
    /// `map` over several sequences.
    Zip(Vec<Sequence>, Arc<Function>),
    /// An indexed order refined by further keys.
    Refined(Box<TableRead>, Arc<dyn Refinement>),
    Stream(Box<dyn RowStream>),
    Feed(Vec<FeedPlan>),
}

/// Sorts rows that are equal in an index.
pub(crate) trait Refinement: Send + Sync {
    fn sort(&self, env: &Arc<Environment>, rows: &mut Vec<Datum>) -> Result<()>;
}

/// What happens to a row.
#[derive(Clone)]
pub(crate) enum Stage {
    Map(Arc<Function>),
    Filter {
        predicate: Arc<Function>,
        default: FilterDefault,
    },
    ConcatMap(Arc<Function>),
    /// A term written in Rust; `None` leaves the row out.
    Apply(Arc<dyn RowTransform>),
    /// The same row as often as something in it is found.
    Repeat(Arc<dyn RowCount>),
    Group(Arc<GroupStage>),
    /// Counts and times what stands behind it, for a profile; the number is its position.
    Meter(Arc<SequenceMeter>, usize),
}

/// A mapping of rows written in Rust; `None` leaves a row out.
pub(crate) trait RowTransform: Send + Sync {
    fn apply(&self, env: &Arc<Environment>, row: &Datum) -> Result<Option<Datum>>;

    /// What becomes of a row as it is stored, if that is a part of it.
    fn answer<'a>(&'a self, _row: DatumRef<'a>) -> std::result::Result<Option<DatumRef<'a>>, Untold> {
        Err(Untold::Unsure)
    }

    /// Whether every object passes, with this field as it was.
    fn keeps(&self, _field: &str) -> bool {
        false
    }

    /// Writes what becomes of a row as it is stored.
    fn write(&self, _row: DatumRef<'_>, _out: &mut Writer) -> std::result::Result<(), Untold> {
        Err(Untold::Unsure)
    }
}

/// How often a row is found.
pub(crate) trait RowCount: Send + Sync {
    fn count(&self, env: &Arc<Environment>, row: &Datum) -> usize;
}

/// What `filter` does with a row that lacks what the predicate asks for.
#[derive(Clone)]
pub(crate) enum FilterDefault {
    Skip,
    Keep,
    /// The error of the row, as the error says or as the predicate raised it.
    Fail,
    Value(Arc<Function>),
}

impl Sequence {
    pub(crate) fn new(source: Source, eager: bool, site: TermId) -> Self {
        Self { source, stages: Vec::new(), stage_sites: Vec::new(), eager, table: None, site }
    }

    pub(crate) fn table(read: TableRead, site: TermId) -> Self {
        let table = Some(Arc::clone(&read.table));
        Self { table, ..Self::new(Source::Table(Box::new(read)), false, site) }
    }

    /// The rows of a value; data that is no array has none.
    pub(crate) fn from_value(value: Value) -> Result<Self> {
        let site = value.site;
        match value.kind {
            Kind::Datum(datum) => Self::from_datum(datum, site),
            Kind::Row(row) => Self::from_datum(row.datum, site),
            Kind::Table(read) | Kind::TableSlice(read) => Ok(Self::table(*read, site)),
            Kind::Selection(_, sequence) | Kind::Sequence(sequence) => Ok(*sequence),
            Kind::SelectionArray(table, rows) => {
                let mut sequence = Self::new(Source::Items(rows), true, site);
                sequence.table = Some(table);
                Ok(sequence)
            }
            kind => Err(Value::new(kind, site).type_error("SEQUENCE")),
        }
    }

    fn from_datum(datum: Datum, site: TermId) -> Result<Self> {
        match datum {
            Datum::Array(items) => Ok(Self::new(Source::Items(items), true, site)),
            other => {
                let message = format!("Cannot convert {} to SEQUENCE", other.type_name());
                Err(if other.is_null() { EvalError::absent(message) } else { EvalError::logic(message) })
            }
        }
    }

    /// The same rows after one more stage.
    pub(crate) fn with(mut self, stage: Stage) -> Self {
        if !matches!(stage, Stage::Filter { .. } | Stage::Repeat(_)) {
            self.table = None;
        }
        self.stages.push(stage);
        self
    }

    /// Takes stages from the end that may as well come last of all, for who looks for documents of
    /// a table by some of their fields: they let every document pass, with these fields.
    pub(crate) fn take_last_stages(&mut self, fields: &[&Text]) -> Vec<Arc<dyn RowTransform>> {
        let mut taken = Vec::new();
        let is_filter = |stage: &Stage| matches!(stage, Stage::Filter { .. });
        let Some(first) = self.stages.iter().position(|stage| !is_filter(stage)) else { return taken };
        let keeps = |stage: &Stage| match stage {
            Stage::Apply(transform) => fields.iter().all(|field| transform.keeps(field)),
            _ => false,
        };
        if matches!(self.source, Source::Table(_)) && self.stages.iter().skip(first).all(keeps) {
            taken.extend(self.stages.drain(first..).filter_map(|stage| match stage {
                Stage::Apply(transform) => Some(transform),
                _ => None,
            }));
        }
        taken
    }

    pub(crate) fn is_grouped(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Group(_)))
    }

    /// Whether the rows never end.
    pub(crate) fn is_infinite(&self) -> bool {
        match &self.source {
            Source::Range(_, end) => end.is_none(),
            Source::Feed(_) => true,
            Source::Union(inputs, _) => inputs.iter().any(Self::is_infinite),
            Source::Zip(inputs, _) => inputs.iter().all(Self::is_infinite),
            Source::Window { inner, take, .. } => take.is_none() && inner.is_infinite(),
            _ => false,
        }
    }

    pub(crate) fn is_feed(&self) -> bool {
        match &self.source {
            Source::Feed(_) => true,
            Source::Window { inner, .. } => inner.is_feed(),
            Source::Union(inputs, _) | Source::Zip(inputs, _) => inputs.iter().any(Self::is_feed),
            _ => false,
        }
    }

    /// The table read of a sequence that is nothing but one.
    pub(crate) fn as_plain_read(&self) -> Option<&TableRead> {
        match &self.source {
            Source::Table(read) if self.stages.is_empty() => Some(read),
            _ => None,
        }
    }

    /// The value of a term that gives this sequence.
    pub(crate) fn into_value(mut self, env: &Arc<Environment>, site: TermId) -> Result<Value> {
        self.site = site;
        if env.profiler.is_some() {
            self.stage_sites.resize(self.stages.len(), site);
        }
        if self.is_grouped() {
            return Ok(Value::new(Kind::Sequence(Box::new(self)), site));
        }
        let table = self.table.clone();
        if self.eager {
            let rows = self.collect(env)?;
            return Ok(match table {
                Some(table) => Value::new(Kind::SelectionArray(table, rows), site),
                None => Value::datum(Datum::Array(rows), site),
            });
        }
        let sequence = Box::new(self);
        Ok(match table {
            Some(table) => Value::new(Kind::Selection(table, sequence), site),
            None => Value::new(Kind::Sequence(sequence), site),
        })
    }

    /// All rows at once, within the array limit.
    pub(crate) fn collect(self, env: &Arc<Environment>) -> Result<Array> {
        match self.run(env, Terminal::Collect)? {
            TerminalAnswer::Single(Datum::Array(rows)) => Ok(rows),
            TerminalAnswer::Single(other) => Err(wrong_type("ARRAY", &other)),
            TerminalAnswer::Grouped(groups) => Ok(vec![groups.into_datum(env)?].into()),
        }
    }
}
