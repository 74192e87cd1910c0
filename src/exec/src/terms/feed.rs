//! `changes`: from a read to the plan of a changefeed.

use std::sync::Arc;

use photondb_catalog::Permission;
use photondb_datum::Datum;
use photondb_plan::feed::{FeedOptions, FeedPlan, FeedScope, FeedTransform, Squash};
use photondb_reql::ReqlError;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::feed_identity::SharedQuery;
use crate::sequence::{IndexRef, Passing, Sequence, Source, Stage, TableRead, TableSource, keeps};
use crate::value::{Kind, Row, RowOrigin, TableRef, Value};

pub(crate) fn changes(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let options = options(call)?;
    let site = value.site;
    let query = SharedQuery::of(call.env);
    // What several readers share must not end with the first of them.
    let env = &if query.is_some() { Arc::new(call.env.lasting()) } else { Arc::clone(call.env) };
    let plans = match value.kind {
        Kind::Row(row) => row_plan(env, *row, options).map(|plan| vec![plan]),
        Kind::Datum(_) | Kind::SelectionArray(..) => Err(eager()),
        kind => {
            Sequence::from_value(Value::new(kind, site)).and_then(|sequence| plans(env, sequence, &options))
        }
    };
    let mut plans = plans.map_err(|error| error.at(site))?;
    if let Some(query) = query {
        for (position, plan) in plans.iter_mut().enumerate() {
            plan.identity = Some(query.identity((call.site.index(), position), plan.scope.index()));
        }
    }
    Ok(feed(call, plans))
}

fn feed(call: &Invocation<'_>, plans: Vec<FeedPlan>) -> Value {
    let sequence = Sequence::new(Source::Feed(plans), false, call.site);
    Value::new(Kind::Sequence(Box::new(sequence)), call.site)
}

/// A union of feeds that nothing was done to is one feed.
pub(crate) fn union(call: &Invocation<'_>, inputs: Vec<Sequence>) -> Result<Value> {
    let mut plans = Vec::new();
    for input in inputs {
        let Source::Feed(mut more) = input.source else { return Err(eager()) };
        plans.append(&mut more);
    }
    Ok(feed(call, plans))
}

fn eager() -> EvalError {
    EvalError::logic("Cannot call `changes` on an eager stream.")
}

fn options(call: &Invocation<'_>) -> Result<FeedOptions> {
    let flag = |name| call.option_bool(name).map(|flag| flag.unwrap_or(false));
    let mut options = FeedOptions {
        include_initial: flag("include_initial")?,
        include_states: flag("include_states")?,
        include_offsets: flag("include_offsets")?,
        include_types: flag("include_types")?,
        ..FeedOptions::default()
    };
    if let Some(value) = call.option("squash")? {
        let site = value.site;
        options.squash = squash(&value.into_datum()?).map_err(|error| error.at(site))?;
    }
    if let Some(value) = call.option("changefeed_queue_size")? {
        let site = value.site;
        let size = value.into_integer()?;
        options.queue_rows_max = usize::try_from(size).ok().filter(|size| *size > 0).ok_or_else(|| {
            EvalError::logic(format!("Changefeed queue size must be positive (got {size}).")).at(site)
        })?;
    }
    Ok(options)
}

fn squash(datum: &Datum) -> Result<Squash> {
    match datum {
        Datum::Bool(false) => Ok(Squash::Off),
        Datum::Bool(true) => Ok(Squash::Ready),
        Datum::Number(seconds) if *seconds >= 0.0 => Ok(Squash::Seconds(*seconds)),
        Datum::Number(_) => {
            Err(EvalError::logic("Expected BOOL or a positive NUMBER but found a negative NUMBER."))
        }
        other => Err(EvalError::logic(format!("Expected BOOL or NUMBER but found {}.", other.type_name()))),
    }
}

fn row_plan(env: &Environment, row: Row, options: FeedOptions) -> Result<FeedPlan> {
    match row.origin {
        RowOrigin::Key => plan(env, &row.table, FeedScope::Point { key: row.key }, None, options),
        RowOrigin::First(read) => plan(env, &row.table, first_rows(&read, 1)?, None, options),
        RowOrigin::Sequence => Err(eager()),
    }
}

/// The scope of the first rows in the order of an index.
fn first_rows(read: &TableRead, limit: usize) -> Result<FeedScope> {
    let (Some(direction), TableSource::All | TableSource::Between(_)) = (read.order, &read.source) else {
        return Err(eager());
    };
    let range = match &read.source {
        TableSource::Between(range) => range.clone(),
        _ => photondb_table::DatumRange::all(),
    };
    let index = read.index.as_ref().map(IndexRef::id).transpose()?;
    Ok(FeedScope::OrderLimit { index, range, direction, limit })
}

fn plan(
    env: &Environment,
    table: &TableRef,
    scope: FeedScope,
    transform: Option<Arc<dyn FeedTransform>>,
    options: FeedOptions,
) -> Result<FeedPlan> {
    env.check_table(Permission::Read, table)?;
    Ok(FeedPlan {
        table: table.id,
        primary_key: table.primary_key.clone(),
        scope,
        transform,
        delivery: None,
        options,
        identifiers: table.identifiers,
        identity: None,
    })
}

fn plans(env: &Arc<Environment>, sequence: Sequence, options: &FeedOptions) -> Result<Vec<FeedPlan>> {
    if sequence.eager {
        return Err(eager());
    }
    let transform = transform(env, sequence.stages)?;
    match sequence.source {
        Source::Table(read) => {
            Ok(vec![plan(env, &read.table, read.feed_scope()?, transform, options.clone())?])
        }
        Source::Window { inner, skip: 0, take: Some(limit) } => {
            let Source::Table(read) = inner.source else { return Err(eager()) };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            env.check_array_size(limit)?;
            let scope = first_rows(&read, limit)?;
            // Stages before the limit shape the rows, stages after it what is delivered.
            let inner = self::transform(env, inner.stages)?;
            let transform = match (inner, transform) {
                (Some(first), Some(second)) => {
                    Some(Arc::new(Chain { first, second }) as Arc<dyn FeedTransform>)
                }
                (first, second) => first.or(second),
            };
            Ok(vec![plan(env, &read.table, scope, transform, options.clone())?])
        }
        Source::Union(inputs, _) if transform.is_none() => {
            let mut all = Vec::new();
            for input in inputs {
                all.append(&mut plans(env, input, options)?);
            }
            Ok(all)
        }
        _ => Err(eager()),
    }
}

fn transform(env: &Arc<Environment>, stages: Vec<Stage>) -> Result<Option<Arc<dyn FeedTransform>>> {
    if stages.is_empty() {
        return Ok(None);
    }
    for stage in &stages {
        match stage {
            Stage::Map(_) | Stage::Filter { .. } | Stage::Apply(_) | Stage::Repeat(_) | Stage::Meter(..) => {}
            Stage::ConcatMap(_) => return Err(EvalError::logic("Cannot call `changes` after `concatMap`.")),
            Stage::Group(_) => return Err(EvalError::logic("Cannot call `changes` after `group`.")),
        }
    }
    Ok(Some(Arc::new(StageTransform { env: Arc::clone(env), stages: stages.into() })))
}

/// The stages between a table and `changes()`.
struct StageTransform {
    env: Arc<Environment>,
    stages: Box<[Stage]>,
}

impl StageTransform {
    fn run(&self, document: &Datum) -> Result<Option<Datum>> {
        let mut row = document.clone();
        for stage in &self.stages {
            match stage {
                Stage::Map(function) => row = function.datum(&self.env, &[row])?,
                Stage::Filter { predicate, default } => {
                    if !keeps(&self.env, predicate, default, &Passing::Borrowed(&row))? {
                        return Ok(None);
                    }
                }
                Stage::Apply(transform) => match transform.apply(&self.env, &row)? {
                    Some(next) => row = next,
                    None => return Ok(None),
                },
                Stage::Repeat(count) => {
                    if count.count(&self.env, &row) == 0 {
                        return Ok(None);
                    }
                }
                Stage::Meter(..) => {}
                Stage::ConcatMap(_) | Stage::Group(_) => return Err(eager()),
            }
        }
        Ok(Some(row))
    }
}

impl FeedTransform for StageTransform {
    fn apply(&self, document: &Datum) -> std::result::Result<Option<Datum>, ReqlError> {
        self.run(document).map_err(|error| error.into_reql(&self.env.ast))
    }
}

struct Chain {
    first: Arc<dyn FeedTransform>,
    second: Arc<dyn FeedTransform>,
}

impl FeedTransform for Chain {
    fn apply(&self, document: &Datum) -> std::result::Result<Option<Datum>, ReqlError> {
        match self.first.apply(document)? {
            Some(row) => self.second.apply(&row),
            None => Ok(None),
        }
    }
}
