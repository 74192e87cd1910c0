//! JavaScript for `r.js`, on QuickJS, as in RethinkDB.
//!
//! Every script has a runtime of its own, with a limit on memory, stack and time, and
//! nothing of the machine in reach: no files, no network, no modules.
//!
//! Invariants: a script ends, whatever it does; what comes out of it is a valid value.
//!
//! Does not know about: queries, tables, sessions.

mod convert;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use photondb_datum::Datum;
use photondb_exec::{Script, ScriptFunction, Scripts};
use photondb_reql::ReqlError;
use rquickjs::context::EvalOptions;
use rquickjs::function::Args;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Runtime, Value};

/// Bytes that one script may allocate.
const MEMORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of stack that one script may use.
const STACK_BYTES_MAX: usize = 256 * 1024;
/// Where a script's function is kept between calls.
const FUNCTION_SLOT: &str = "__photondb_function";

/// The JavaScript engine.
#[derive(Debug, Default)]
pub struct QuickJs;

impl Scripts for QuickJs {
    fn evaluate(&self, source: &str, timeout: Duration) -> Result<Script, ReqlError> {
        let sandbox = Sandbox::new(timeout)?;
        let value = sandbox.run(|ctx| {
            let mut options = EvalOptions::default();
            options.strict = false;
            let value: Value<'_> = ctx
                .eval_with_options(source, options)
                .catch(ctx)
                .map_err(|error| describe(&error, timeout))?;
            match value.as_function() {
                Some(function) => {
                    let kept = ctx.globals().set(FUNCTION_SLOT, function.clone());
                    kept.catch(ctx).map_err(|error| describe(&error, timeout))?;
                    Ok(None)
                }
                None => convert::to_datum(ctx, &value).map(Some),
            }
        })?;
        Ok(match value {
            Some(datum) => Script::Value(datum),
            None => Script::Function(Arc::new(SandboxedFunction(sandbox))),
        })
    }
}

/// A function together with the sandbox that it lives in.
struct SandboxedFunction(Sandbox);

impl ScriptFunction for SandboxedFunction {
    fn call(&self, arguments: &[Datum]) -> Result<Datum, ReqlError> {
        let timeout = self.0.timeout;
        self.0.run(|ctx| {
            let fail = |error: &CaughtError<'_>| describe(error, timeout);
            let function: Function<'_> =
                ctx.globals().get(FUNCTION_SLOT).catch(ctx).map_err(|error| fail(&error))?;
            let mut converted = Args::new(ctx.clone(), arguments.len());
            for argument in arguments {
                let argument = convert::from_datum(ctx, argument)?;
                converted.push_arg(argument).catch(ctx).map_err(|error| fail(&error))?;
            }
            let value: Value<'_> = function.call_arg(converted).catch(ctx).map_err(|error| fail(&error))?;
            convert::to_datum(ctx, &value)
        })
    }
}

/// A runtime with limits.
struct Sandbox {
    context: Mutex<Context>,
    deadline: Arc<Mutex<Instant>>,
    timeout: Duration,
}

impl Sandbox {
    fn new(timeout: Duration) -> Result<Self, ReqlError> {
        let unavailable =
            |error: rquickjs::Error| ReqlError::resource_limit(format!("Cannot start a script: {error}."));
        let runtime = Runtime::new().map_err(unavailable)?;
        runtime.set_memory_limit(MEMORY_BYTES_MAX);
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        let deadline = Arc::new(Mutex::new(Instant::now()));
        let watched = Arc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > *watched.lock())));
        let context = Context::full(&runtime).map_err(unavailable)?;
        Ok(Self { context: Mutex::new(context), deadline, timeout })
    }

    /// Runs one piece of work within the time limit.
    fn run<T>(&self, work: impl FnOnce(&Ctx<'_>) -> Result<T, ReqlError>) -> Result<T, ReqlError> {
        let context = self.context.lock();
        *self.deadline.lock() = Instant::now() + self.timeout;
        context.with(|ctx| work(&ctx))
    }
}

/// A script's failure in the words that users of RethinkDB know.
fn describe(error: &CaughtError<'_>, timeout: Duration) -> ReqlError {
    let message = match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            if message.contains("interrupted") {
                return ReqlError::logic(format!(
                    "JavaScript query `r.js` timed out after {}.{:03} seconds.",
                    timeout.as_secs(),
                    timeout.subsec_millis()
                ));
            }
            let name: String = exception.as_object().get("name").unwrap_or_else(|_| "Error".to_owned());
            format!("{name}: {message}")
        }
        CaughtError::Value(value) => match value.as_string().and_then(|text| text.to_string().ok()) {
            Some(text) => text,
            None => "The script threw a value that is no error.".to_owned(),
        },
        CaughtError::Error(error) => error.to_string(),
    };
    ReqlError::logic(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(source: &str) -> Datum {
        match QuickJs.evaluate(source, Duration::from_secs(5)) {
            Ok(Script::Value(datum)) => datum,
            Ok(Script::Function(_)) => panic!("{source} gave a function"),
            Err(error) => panic!("{source}: {}", error.message),
        }
    }

    fn error(source: &str) -> String {
        match QuickJs.evaluate(source, Duration::from_millis(200)) {
            Ok(_) => panic!("{source} did not fail"),
            Err(error) => error.message,
        }
    }

    #[test]
    fn values_come_out_as_they_are() {
        assert_eq!(value("1 + 1; 2 + 2"), Datum::Number(4.0));
        assert_eq!(value("'a' + null"), Datum::from("anull"));
        assert_eq!(value("[1, [true, null]]").print(), "[\n\t1,\n\t[\n\t\ttrue,\n\t\tnull\n\t]\n]");
        assert_eq!(value("({b: 1, a: {}})").get("b"), Some(Datum::Number(1.0)));
        assert!(value("new Date(0)").is_time());
    }

    #[test]
    fn functions_take_and_give_values() {
        let Ok(Script::Function(add)) =
            QuickJs.evaluate("(function(a, b) { return a + b; })", Duration::from_secs(5))
        else {
            panic!("no function")
        };
        assert_eq!(add.call(&[Datum::Number(1.0), Datum::Number(2.0)]).ok(), Some(Datum::Number(3.0)));
        assert_eq!(add.call(&[Datum::from("a"), Datum::from("b")]).ok(), Some(Datum::from("ab")));
    }

    #[test]
    fn scripts_are_held_to_their_limits() {
        assert_eq!(error("for (;;) {}"), "JavaScript query `r.js` timed out after 0.200 seconds.");
        assert!(error("(function f() { return f(); })()").contains("stack"));
        assert!(error("var a = []; for (;;) a.push(new Array(10000).fill(1))").contains("out of memory"));
        assert_eq!(error("undefined"), "Cannot convert javascript `undefined` to ql::datum_t.");
        assert_eq!(error("function() { return 1; }"), "SyntaxError: function name expected");
        assert_eq!(error("0 / 0"), "Number return value is not finite.");
        assert_eq!(
            error("var a = []; a.push(a); a"),
            "Recursion limit exceeded in js_to_json (circular reference?)."
        );
    }
}
