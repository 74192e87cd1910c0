//! What one query carries through its evaluation.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use photondb_base::limits::{ARRAY_SIZE_DEFAULT_MAX, VALUE_BYTES_MAX};
use photondb_base::{Cancel, Clock, LogPosition};
use photondb_catalog::{Permission, Scope, State};
use photondb_datum::{Datum, Text, pseudo};
use photondb_plan::Expression;
use photondb_reql::{Ast, Bindings, ErrorKind};
use photondb_table::{Acknowledgement, Durability};

use crate::error::{EvalError, Result};
use crate::memory::{MemoryBudget, MemoryUse};
use crate::narrowing::Narrowing;
use crate::parallelism::Parallelism;
use crate::profile::{Profiler, on_row};
use crate::request::Services;
use crate::shared_plans::SharedPlan;
use crate::value::TableRef;

/// What a query says that was stopped by somebody else than its client.
pub const TERMINATED_MESSAGE: &str = "Query terminated by the `rethinkdb.jobs` table.";

/// The surroundings of one query, shared by everything that the query opens.
pub(crate) struct Environment {
    reach: Reach,
    pub(crate) ast: Arc<Ast>,
    /// What stands in for the placeholders of the plan.
    pub(crate) bindings: Bindings,
    /// The plan of a feed, kept for others that differ from it in their bindings only.
    pub(crate) shared_plan: Option<Arc<SharedPlan>>,
    pub(crate) options: Arc<EvaluationOptions>,
    user: Text,
    pub(crate) cancel: Cancel,
    pub(crate) memory: Arc<MemoryBudget>,
    /// Present when the query asked for a profile.
    pub(crate) profiler: Option<Box<Profiler>>,
    now_seconds: OnceLock<f64>,
    acknowledgement: Mutex<Acknowledgement>,
}

/// What a query can reach besides its arguments.
#[derive(Clone)]
enum Reach {
    Everything(Arc<Services>),
    /// Nothing but the time, for functions that are stored with a table.
    Clock(Arc<dyn Clock>),
}

/// Run options that concern the evaluation.
#[derive(Clone, Debug)]
pub(crate) struct EvaluationOptions {
    pub(crate) array_size_max: usize,
    /// Whether the query asked for that limit.
    pub(crate) has_array_limit: bool,
    /// What the query asked for in place of the server's limit.
    pub(crate) memory_bytes_max: Option<usize>,
    /// Whether the answer tells where the time went.
    pub(crate) profile: bool,
    /// The plan is answered instead of the query.
    pub(crate) explain: bool,
    /// Options of the query that stand in for those that a term does not give.
    pub(crate) globals: Arc<[(Text, Expression)]>,
    pub(crate) narrowing: Narrowing,
    pub(crate) parallelism: Parallelism,
}

impl EvaluationOptions {
    /// A global option by name.
    pub(crate) fn global(&self, name: &str) -> Option<&Expression> {
        self.globals.iter().find(|(key, _)| key.as_str() == name).map(|(_, expression)| expression)
    }
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            array_size_max: ARRAY_SIZE_DEFAULT_MAX,
            has_array_limit: false,
            memory_bytes_max: None,
            profile: false,
            explain: false,
            globals: Arc::default(),
            narrowing: Narrowing::default(),
            parallelism: Parallelism::default(),
        }
    }
}

impl Environment {
    pub(crate) fn new(
        services: Arc<Services>,
        ast: Arc<Ast>,
        options: Arc<EvaluationOptions>,
        user: Text,
        cancel: Cancel,
        usage: Arc<MemoryUse>,
    ) -> Self {
        let pool = Arc::clone(&services.memory);
        let bytes_max = options.memory_bytes_max.unwrap_or(pool.limits().query_bytes);
        let memory = Arc::new(MemoryBudget::new(pool, usage, bytes_max));
        let profiler = options.profile.then(|| Box::new(Profiler::new()));
        Self {
            reach: Reach::Everything(services),
            ast,
            bindings: Bindings::new(),
            shared_plan: None,
            options,
            user,
            cancel,
            memory,
            profiler,
            now_seconds: OnceLock::new(),
            acknowledgement: Mutex::default(),
        }
    }

    /// With the values of this run of a plan.
    pub(crate) fn with_bindings(mut self, bindings: Bindings) -> Self {
        self.bindings = bindings;
        self
    }

    /// With the plan that is evaluated, of a feed.
    pub(crate) fn with_shared_plan(mut self, plan: Arc<SharedPlan>) -> Self {
        self.shared_plan = Some(plan);
        self
    }

    /// The same surroundings for what outlives the query: nobody cancels it.
    pub(crate) fn lasting(&self) -> Self {
        Self {
            reach: self.reach.clone(),
            ast: Arc::clone(&self.ast),
            bindings: self.bindings.clone(),
            shared_plan: self.shared_plan.clone(),
            options: Arc::clone(&self.options),
            user: self.user.clone(),
            cancel: Cancel::default(),
            memory: Arc::clone(&self.memory),
            profiler: None,
            now_seconds: self.now_seconds.clone(),
            acknowledgement: Mutex::default(),
        }
    }

    /// The surroundings of functions that are stored with a table.
    pub(crate) fn detached(clock: Arc<dyn Clock>) -> Self {
        Self {
            reach: Reach::Clock(clock),
            ast: Arc::new(Ast::new()),
            bindings: Bindings::new(),
            shared_plan: None,
            options: Arc::default(),
            user: Text::default(),
            cancel: Cancel::default(),
            memory: Arc::new(MemoryBudget::detached()),
            profiler: None,
            now_seconds: OnceLock::new(),
            acknowledgement: Mutex::default(),
        }
    }

    /// The value that this run has for a placeholder.
    pub(crate) fn binding(&self, position: u16) -> Result<Datum> {
        let unbound = || EvalError::logic(format!("The query has no value for placeholder {position}."));
        self.bindings.get(usize::from(position)).cloned().ok_or_else(unbound)
    }

    /// What the query stands on.
    pub(crate) fn services(&self) -> Result<&Arc<Services>> {
        match &self.reach {
            Reach::Everything(services) => Ok(services),
            Reach::Clock(_) => {
                Err(EvalError::logic("A function that is stored with a table can only use its arguments."))
            }
        }
    }

    /// The metadata as of now.
    pub(crate) fn catalog(&self) -> Result<Arc<State>> {
        Ok(self.services()?.catalog.state())
    }

    /// RethinkDB's refusal when the user may not do this here.
    pub(crate) fn check_permission(&self, permission: Permission, scope: Scope) -> Result<()> {
        Ok(self.catalog()?.check_permission(&self.user, permission, scope)?)
    }

    /// Who asks.
    pub(crate) fn user(&self) -> &Text {
        &self.user
    }

    /// The same for the documents of a table.
    pub(crate) fn check_table(&self, permission: Permission, table: &TableRef) -> Result<()> {
        self.check_permission(permission, Scope::Table(table.database.id, table.id))
    }

    /// Does a piece of work, as a task of its own if the query asked for a profile.
    pub(crate) fn task<T>(&self, description: &str, work: impl FnOnce() -> T) -> T {
        match &self.profiler {
            None => work(),
            Some(profiler) => profiler.task(description, work),
        }
    }

    /// Does work on one of many rows; what it is made of is told together for all of them.
    pub(crate) fn on_row<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.profiler.is_some() { on_row(work) } else { work() }
    }

    /// The time of the query: the same however often it is asked.
    pub(crate) fn now(&self) -> Datum {
        pseudo::time(self.now_seconds(), "+00:00")
    }

    /// The same as seconds since 1970.
    pub(crate) fn now_seconds(&self) -> f64 {
        let clock = match &self.reach {
            Reach::Everything(services) => &services.clock,
            Reach::Clock(clock) => clock,
        };
        *self.now_seconds.get_or_init(|| (clock.now_seconds() * 1000.0).round() / 1000.0)
    }

    /// An error when the client has gone or stopped the query.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if self.cancel.is_terminated() {
            return Err(EvalError::new(ErrorKind::OpIndeterminate, TERMINATED_MESSAGE));
        }
        if self.cancel.is_cancelled() {
            return Err(EvalError::new(ErrorKind::OpFailed, "Query terminated by the client."));
        }
        Ok(())
    }

    /// Notes a write that has to be durable before the query is answered.
    pub(crate) fn wrote(&self, position: LogPosition) {
        self.acknowledge_after(Acknowledgement::of(position, Durability::Hard));
    }

    /// Notes how far the log must have come before the query is answered.
    pub(crate) fn acknowledge_after(&self, acknowledgement: Acknowledgement) {
        let mut all = self.acknowledgement.lock();
        *all = all.and(acknowledgement);
    }

    /// Everything noted so far.
    pub(crate) fn acknowledgement(&self) -> Acknowledgement {
        *self.acknowledgement.lock()
    }

    /// An array of checked size.
    pub(crate) fn array(&self, items: Vec<Datum>) -> Result<Datum> {
        self.check_array_size(items.len())?;
        self.memory.charge(Datum::Array(items.into()))
    }

    /// The complaint about values that are too large to be made, stored or sent.
    pub(crate) fn check_value_bytes(&self, bytes: usize) -> Result<()> {
        if bytes > VALUE_BYTES_MAX {
            return Err(EvalError::resource(format!(
                "Value over size limit of {} MiB.",
                VALUE_BYTES_MAX / (1024 * 1024)
            )));
        }
        self.memory.check_room(bytes)
    }

    /// RethinkDB's complaint about arrays over the limit.
    pub(crate) fn check_array_size(&self, size: usize) -> Result<()> {
        let max = self.options.array_size_max;
        if size > max {
            return Err(EvalError::resource(format!(
                "Array over size limit `{max}`.  To raise the number of allowed elements, modify the \
                 `array_limit` option to `.run` (not available in the Data Explorer), or use an index."
            )));
        }
        Ok(())
    }

    /// The same for an array that is about to be made, which also needs its memory.
    pub(crate) fn check_new_array_size(&self, size: usize) -> Result<()> {
        self.check_array_size(size)?;
        self.memory.check_room(size.saturating_mul(size_of::<Datum>()))
    }
}
