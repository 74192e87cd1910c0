//! `r.js`

use std::sync::Arc;
use std::time::Duration;

use photondb_datum::Datum;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, NativeFunction};
use crate::request::{Script, ScriptFunction};
use crate::value::{Kind, Value};

/// Seconds that a script may take unless `timeout` says otherwise, as in RethinkDB.
const TIMEOUT_DEFAULT_SECONDS: f64 = 5.0;
/// Seconds that `timeout` may say.
const TIMEOUT_SECONDS_MAX: f64 = 3600.0;

pub(crate) fn javascript(call: &Invocation<'_>) -> Result<Value> {
    let seconds = match call.option("timeout")? {
        Some(value) => value.into_number()?,
        None => TIMEOUT_DEFAULT_SECONDS,
    };
    if !(0.0..=TIMEOUT_SECONDS_MAX).contains(&seconds) {
        return Err(EvalError::logic(format!(
            "The timeout of a script must be between 0 and {TIMEOUT_SECONDS_MAX} seconds (got {seconds})."
        )));
    }
    let source = call.value(0)?.into_text()?;
    match call.env.services()?.scripts.evaluate(&source, Duration::from_secs_f64(seconds))? {
        Script::Value(datum) => call.answer_new(datum),
        Script::Function(function) => {
            let function = Function::native(Arc::new(Scripted(function)), call.site);
            Ok(Value::new(Kind::Function(Arc::new(function)), call.site))
        }
    }
}

struct Scripted(Arc<dyn ScriptFunction>);

impl NativeFunction for Scripted {
    fn call(&self, _env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        Ok(self.0.call(arguments)?)
    }
}
