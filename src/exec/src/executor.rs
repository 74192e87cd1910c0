//! Running a query: options, plan, evaluation, and what becomes of the value.

use std::sync::Arc;

use photondb_datum::{Datum, Text};
use photondb_plan::feed::{FeedDelivery, FeedKind, FeedPlan, FeedRow, FeedStream, Wake};
use photondb_plan::{Expression, Plan, explain, lower, lower_expression};
use photondb_reql::{Ast, ReqlError, StartQuery, TermId, TermType};
use photondb_table::{Acknowledgement, Budget};

use crate::cheap::is_cheap;
use crate::environment::{Environment, EvaluationOptions};
use crate::error::{EvalError, Result};
use crate::evaluate::{self, Frame};
use crate::memory::QUERY_MEMORY_BYTES_MIN;
use crate::mixed_feed::MixedFeed;
use crate::narrowing::Narrowing;
use crate::parallelism::Parallelism;
use crate::request::{Answer, Failure, Outcome, Request, ResultStream, Services};
use crate::sequence::{
    Interleave, Machine, Narrowed, Passing, Pipeline, RowStream, Sequence, Source, Stage, Terminal,
    TerminalAnswer,
};
use crate::shared_plans::SharedPlans;
use crate::terms::object;
use crate::value::{Kind, Value};

/// Global options that the evaluation as a whole depends on.
const CONSULTED: &[&str] = &["array_limit", "profile", "explain", "memory_limit"];
/// Global options that concern the session, not the evaluation.
const FOR_THE_SESSION: &[&str] = &[
    "noreply",
    "min_batch_rows",
    "max_batch_rows",
    "max_batch_bytes",
    "max_batch_seconds",
    "first_batch_scaledown_factor",
    "time_format",
    "binary_format",
    "group_format",
];

/// Runs queries. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    services: Arc<Services>,
    /// How a query is evaluated that asks for nothing else.
    options: Arc<EvaluationOptions>,
    shared_plans: Arc<SharedPlans>,
}

impl Executor {
    /// An executor over the given services.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services, options: Arc::default(), shared_plans: Arc::default() }
    }

    /// Splits queries otherwise than by default.
    #[must_use]
    pub fn with_parallelism(mut self, parallelism: Parallelism) -> Self {
        Arc::make_mut(&mut self.options).parallelism = parallelism;
        self
    }

    /// Answers filters through indexes at other times than by default.
    #[must_use]
    pub fn with_narrowing(mut self, narrowing: Narrowing) -> Self {
        Arc::make_mut(&mut self.options).narrowing = narrowing;
        self
    }

    /// Whether a query is probably short: worth to be begun on the thread it arrived on, within
    /// the limits of [`photondb_base::prompt`].
    pub fn is_cheap(&self, query: &StartQuery) -> bool {
        is_cheap(&query.ast)
    }

    /// Opens a query.
    pub fn run(&self, request: Request) -> std::result::Result<Answer, Failure> {
        let StartQuery { mut ast, optargs, explain: plan_only } = *request.query;
        let Request { user, cancel, memory, .. } = request;
        if ast.has(TermType::Changes) {
            // A feed keeps its query for as long as it is open.
            if !plan_only && has_session_options_only(&ast, &optargs) {
                let fail = |error| Failure { error, acknowledgement: Acknowledgement::default() };
                let options = Arc::clone(&self.options);
                ast.check_array_sizes(options.array_size_max).map_err(fail)?;
                if let Some((shared, bindings)) = self.shared_plans.of(&mut ast).map_err(fail)? {
                    let tree = Arc::clone(&shared.plan.ast);
                    let env = Environment::new(self.services(), tree, options, user, cancel, memory);
                    let env = Arc::new(env.with_bindings(bindings).with_shared_plan(Arc::clone(&shared)));
                    return answer(&env, &shared.plan);
                }
            }
            ast.shrink_to_fit();
        }
        let ast = Arc::new(ast);
        let options = self.options(&ast, &optargs, &user).map_err(|error| failure(error, &ast))?;
        let env =
            Arc::new(Environment::new(self.services(), Arc::clone(&ast), options, user, cancel, memory));
        let fail = |error: ReqlError| Failure { error, acknowledgement: env.acknowledgement() };
        ast.check_array_sizes(env.options.array_size_max).map_err(fail)?;
        let plan = lower(Arc::clone(&ast)).map_err(fail)?;
        if plan_only || env.options.explain {
            let plan = explain(&plan, &|filter| if plan.writes { None } else { narrowed(&env, filter) });
            return Ok(Answer {
                outcome: Outcome::Atom(plan),
                acknowledgement: Acknowledgement::default(),
                profile: None,
            });
        }
        answer(&env, &plan)
    }

    pub(crate) fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// How a query is evaluated that asks for nothing else.
    pub(crate) fn default_options(&self) -> &Arc<EvaluationOptions> {
        &self.options
    }

    /// The global options; they are expressions themselves.
    fn options(
        &self,
        ast: &Arc<Ast>,
        optargs: &[(Text, TermId)],
        user: &Text,
    ) -> Result<Arc<EvaluationOptions>> {
        if optargs.is_empty() {
            return Ok(Arc::clone(&self.options));
        }
        let mut options = EvaluationOptions::clone(&self.options);
        let env = Arc::new(Environment::new(
            Arc::clone(&self.services),
            Arc::clone(ast),
            Arc::default(),
            user.clone(),
            photondb_base::Cancel::default(),
            Arc::default(),
        ));
        let mut globals = Vec::new();
        for (name, id) in optargs {
            let expression = lower_expression(ast, *id)?;
            if is_consulted(name) {
                let value = evaluate::value(&env, &expression, Frame::EMPTY)?;
                self.set_option(&mut options, name, value).map_err(|error| error.at(*id))?;
            } else if is_global(name) {
                globals.push((name.clone(), expression));
            }
        }
        options.globals = globals.into();
        Ok(Arc::new(options))
    }

    fn set_option(&self, options: &mut EvaluationOptions, name: &str, value: Value) -> Result<()> {
        match name {
            "array_limit" => {
                let limit = value.into_integer()?;
                let positive = usize::try_from(limit).ok().filter(|limit| *limit > 0);
                options.array_size_max = positive.ok_or_else(|| {
                    EvalError::logic(format!("Illegal array size limit `{limit}`.  (Must be >= 1.)"))
                })?;
                options.has_array_limit = true;
            }
            "memory_limit" => {
                let limit = value.into_integer()?;
                let allowed = QUERY_MEMORY_BYTES_MIN..=self.services.memory.limits().query_bytes_max;
                let bytes = usize::try_from(limit).ok().filter(|bytes| allowed.contains(bytes));
                options.memory_bytes_max = Some(bytes.ok_or_else(|| {
                    let (least, most) = (allowed.start(), allowed.end());
                    EvalError::logic(format!(
                        "Illegal memory limit `{limit}`.  (Must be a number of bytes from {least} to {most}, the \
                         most that this server allows.)"
                    ))
                })?);
            }
            "explain" => options.explain = value.into_bool()?,
            _ => options.profile = value.into_bool()?,
        }
        Ok(())
    }
}

/// Whether the evaluation as a whole depends on a global option.
pub(crate) fn is_consulted(option: &str) -> bool {
    CONSULTED.contains(&option)
}

/// Whether a global option stands in for those that a term does not give.
pub(crate) fn is_global(option: &str) -> bool {
    !is_consulted(option) && !FOR_THE_SESSION.contains(&option)
}

/// Whether all options of a query are plain values that do not concern how it is evaluated.
fn has_session_options_only(ast: &Ast, optargs: &[(Text, TermId)]) -> bool {
    optargs
        .iter()
        .all(|(name, value)| !is_consulted(name) && !is_global(name) && ast.constant(*value).is_some())
}

/// Opens what a plan says.
pub(crate) fn answer(env: &Arc<Environment>, plan: &Plan) -> std::result::Result<Answer, Failure> {
    let opened = match &env.profiler {
        None => open(env, plan),
        Some(profiler) => profiler.task("Evaluating the query.", || open(env, plan)),
    };
    let acknowledgement = env.acknowledgement();
    let outcome = opened.map_err(|error| Failure { error: error.into_reql(&plan.ast), acknowledgement })?;
    let profile = env.profiler.as_ref().map(|profiler| profiler.describe());
    Ok(Answer { outcome, acknowledgement, profile })
}

fn failure(error: EvalError, ast: &Ast) -> Failure {
    Failure { error: error.into_reql(ast), acknowledgement: Acknowledgement::default() }
}

/// How the table is read that is under a filter, when an index finds its rows. A plan can be
/// told of tables that are not there, too.
fn narrowed(env: &Arc<Environment>, filter: &Expression) -> Option<String> {
    let Kind::Selection(_, mut rows) = evaluate::value(env, filter, Frame::EMPTY).ok()?.kind else {
        return None;
    };
    let Narrowed { index, rows, rows_total } = rows.narrow(env).ok()??;
    Some(format!("reads the {rows} rows that the index `{index}` finds, of {rows_total}"))
}

fn open(env: &Arc<Environment>, plan: &Plan) -> Result<Outcome> {
    let value = evaluate::value(env, &plan.root, Frame::EMPTY)?;
    let site = value.site;
    match value.kind {
        Kind::Datum(datum) => atom(env, datum),
        Kind::Row(row) => atom(env, row.datum),
        Kind::SelectionArray(_, rows) => atom(env, Datum::Array(rows)),
        Kind::Grouped(groups) => atom(env, groups.into_datum(env)?),
        Kind::Table(read) | Kind::TableSlice(read) => stream(env, Sequence::table(*read, site)),
        Kind::Selection(_, sequence) | Kind::Sequence(sequence) => stream(env, *sequence),
        kind @ (Kind::Database(_) | Kind::Function(_) | Kind::Ordering(_)) => {
            let found = Value::new(kind, site).raw_type_name();
            Err(EvalError::logic(format!(
                "Query result must be of type DATUM, GROUPED_DATA, or STREAM (got {found})."
            ))
            .at(site))
        }
    }
}

fn atom(env: &Environment, datum: Datum) -> Result<Outcome> {
    env.check_value_bytes(datum.packed_bytes())?;
    match datum {
        literal if literal.is_literal() => Err(object::stray_literal()),
        Datum::MinVal => Err(EvalError::logic("Cannot convert `r.minval` to JSON.")),
        Datum::MaxVal => Err(EvalError::logic("Cannot convert `r.maxval` to JSON.")),
        datum => Ok(Outcome::Atom(datum)),
    }
}

fn stream(env: &Arc<Environment>, sequence: Sequence) -> Result<Outcome> {
    if sequence.is_feed() {
        return feed(env, sequence).map(Outcome::Feed);
    }
    if sequence.is_grouped() {
        return match sequence.run(env, Terminal::Collect)? {
            TerminalAnswer::Grouped(groups) => atom(env, groups.into_datum(env)?),
            TerminalAnswer::Single(datum) => atom(env, datum),
        };
    }
    let mut stream = QueryStream { env: Arc::clone(env), stream: sequence.open(env)?, ready: Vec::new() };
    if let Some(profiler) = &env.profiler {
        // A profile tells the cost of the first rows, too: they wait until they are asked for.
        let budget = Budget::default();
        profiler.task("Reading the first batch.", || stream.stream.next_batch(&budget, &mut stream.ready))?;
    }
    Ok(Outcome::Stream(Box::new(stream)))
}

struct QueryStream {
    env: Arc<Environment>,
    stream: Box<dyn RowStream>,
    /// Rows that were read ahead of being asked for.
    ready: Vec<Datum>,
}

impl ResultStream for QueryStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> std::result::Result<bool, ReqlError> {
        if !self.ready.is_empty() {
            let count = self.ready.len().min(budget.rows_max.max(1));
            out.extend(self.ready.drain(..count));
            return Ok(true);
        }
        let more = self.env.check_cancelled().and_then(|()| self.stream.next_batch(budget, out));
        more.map_err(|error| error.into_reql(&self.env.ast))
    }
}

/// Opens a feed with the stages and limits that stand after `changes()`.
fn feed(env: &Arc<Environment>, sequence: Sequence) -> Result<Box<dyn FeedStream>> {
    let (inner, skip, take) = match sequence.source {
        Source::Feed(mut plans) => {
            // Stages right behind the feed are part of what its readers share.
            deliver_through(env, &mut plans, sequence.stages);
            return Ok(env.services()?.feeds.open(plans)?);
        }
        Source::Window { inner, skip, take } => (feed(env, *inner)?, skip, take),
        Source::Union(inputs, Interleave::No) => (mixed_feed(env, inputs)?, 0, None),
        _ => return Err(EvalError::logic("Cannot combine a changefeed with other sequences in an order.")),
    };
    if sequence.stages.is_empty() && skip == 0 && take.is_none() {
        return Ok(inner);
    }
    let machine = (!sequence.stages.is_empty()).then(|| Machine::new(pipeline(env, sequence.stages)));
    Ok(Box::new(FeedWindow { env: Arc::clone(env), inner, machine, skip, take }))
}

fn deliver_through(env: &Arc<Environment>, plans: &mut [FeedPlan], stages: Vec<Stage>) {
    if stages.is_empty() {
        return;
    }
    let shared = plans.iter().any(|plan| plan.identity.is_some());
    let env = if shared { Arc::new(env.lasting()) } else { Arc::clone(env) };
    let delivery: Arc<dyn FeedDelivery> = Arc::new(StageDelivery(pipeline(&env, stages)));
    for plan in plans {
        plan.delivery = Some(Arc::clone(&delivery));
    }
}

fn pipeline(env: &Arc<Environment>, stages: Vec<Stage>) -> Arc<Pipeline> {
    Arc::new(Pipeline {
        env: Arc::clone(env),
        stages,
        terminal: None,
        with_index_value: false,
        sparse: false,
    })
}

/// The stages behind `changes()`.
struct StageDelivery(Arc<Pipeline>);

impl FeedDelivery for StageDelivery {
    fn deliver(&self, row: Datum, out: &mut Vec<Datum>) -> std::result::Result<(), ReqlError> {
        let mut machine = Machine::new(Arc::clone(&self.0));
        machine.push(Passing::Owned(row), None, out).map_err(|error| error.into_reql(&self.0.env.ast))
    }
}

/// A union of which some inputs are feeds.
fn mixed_feed(env: &Arc<Environment>, inputs: Vec<Sequence>) -> Result<Box<dyn FeedStream>> {
    let mut mixed = MixedFeed::new(Arc::clone(env));
    for input in inputs {
        if input.is_feed() {
            mixed.push_feed(feed(env, input)?);
        } else {
            mixed.push_stream(input.open(env)?);
        }
    }
    Ok(Box::new(mixed))
}

/// A part of the rows of a feed, and what stages make of them.
struct FeedWindow {
    env: Arc<Environment>,
    inner: Box<dyn FeedStream>,
    machine: Option<Machine>,
    skip: u64,
    take: Option<u64>,
}

impl FeedWindow {
    /// Appends what becomes of one row.
    fn pass(&mut self, row: FeedRow, out: &mut Vec<FeedRow>) -> std::result::Result<(), ReqlError> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        match &mut self.take {
            Some(0) => return Ok(()),
            Some(left) => *left -= 1,
            None => {}
        }
        let Some(machine) = &mut self.machine else {
            out.push(row);
            return Ok(());
        };
        let mut produced = Vec::new();
        machine
            .push(Passing::Borrowed(row.datum()), None, &mut produced)
            .map_err(|error| error.into_reql(&self.env.ast))?;
        out.extend(produced.into_iter().map(FeedRow::Own));
        Ok(())
    }
}

impl FeedStream for FeedWindow {
    fn next_batch(
        &mut self,
        budget: &Budget,
        out: &mut Vec<FeedRow>,
    ) -> std::result::Result<bool, ReqlError> {
        let start = out.len();
        loop {
            let mut rows = Vec::new();
            let more = self.inner.next_batch(budget, &mut rows)?;
            let got_none = rows.is_empty();
            for row in rows {
                self.pass(row, out)?;
            }
            if !more || self.take == Some(0) {
                return Ok(false);
            }
            // Who returns with nothing waits, so there must be nothing inside either.
            if got_none || out.len() > start {
                return Ok(true);
            }
        }
    }

    fn on_ready(&mut self, wake: Wake) {
        self.inner.on_ready(wake);
    }

    fn prepare(&mut self) {
        self.inner.prepare();
    }

    fn may_block(&self) -> bool {
        self.inner.may_block()
    }

    fn due_in(&self) -> Option<std::time::Duration> {
        self.inner.due_in()
    }

    fn kind(&self) -> FeedKind {
        self.inner.kind()
    }

    fn includes_states(&self) -> bool {
        self.inner.includes_states()
    }
}
