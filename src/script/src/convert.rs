//! Values on their way into a script and out of it.

use photondb_datum::{Datum, ObjectBuilder, Text, pseudo};
use photondb_reql::ReqlError;
use rquickjs::{Array, Ctx, Function, IntoJs, Object, Value};

/// Nesting of what a script may give.
const DEPTH_MAX: usize = 100;

fn failed(error: rquickjs::Error) -> ReqlError {
    ReqlError::logic(format!("Cannot pass a value to a script: {error}."))
}

/// A value as a script sees it: times are dates, binary data is text of its bytes.
pub(crate) fn from_datum<'js>(ctx: &Ctx<'js>, datum: &Datum) -> Result<Value<'js>, ReqlError> {
    match datum {
        Datum::Null => Ok(Value::new_null(ctx.clone())),
        Datum::Bool(value) => Ok(Value::new_bool(ctx.clone(), *value)),
        Datum::Number(value) => Ok(Value::new_number(ctx.clone(), *value)),
        Datum::String(text) => text.as_str().into_js(ctx).map_err(failed),
        Datum::Array(items) => {
            let array = Array::new(ctx.clone()).map_err(failed)?;
            for (position, item) in items.iter().enumerate() {
                array.set(position, from_datum(ctx, &item)?).map_err(failed)?;
            }
            Ok(array.into_value())
        }
        Datum::Object(_) if datum.is_time() => {
            let seconds = datum.get("epoch_time").and_then(|seconds| seconds.as_number()).unwrap_or(0.0);
            let date: Function<'js> = ctx.eval("(function(ms) { return new Date(ms); })").map_err(failed)?;
            date.call((seconds * 1000.0,)).map_err(failed)
        }
        Datum::Object(fields) => {
            let object = Object::new(ctx.clone()).map_err(failed)?;
            for (name, value) in fields.iter() {
                object.set(name.as_str(), from_datum(ctx, &value)?).map_err(failed)?;
            }
            Ok(object.into_value())
        }
        Datum::Binary(_) | Datum::MinVal | Datum::MaxVal => {
            Err(ReqlError::logic(format!("Cannot convert {} to a JavaScript value.", datum.type_name())))
        }
    }
}

/// What a script gave, as a value.
pub(crate) fn to_datum<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Datum, ReqlError> {
    convert(ctx, value, 0)
}

fn convert<'js>(ctx: &Ctx<'js>, value: &Value<'js>, depth: usize) -> Result<Datum, ReqlError> {
    if depth > DEPTH_MAX {
        return Err(ReqlError::logic("Recursion limit exceeded in js_to_json (circular reference?)."));
    }
    if value.is_undefined() {
        return Err(ReqlError::logic("Cannot convert javascript `undefined` to ql::datum_t."));
    }
    if value.is_null() {
        return Ok(Datum::Null);
    }
    if let Some(value) = value.as_bool() {
        return Ok(Datum::Bool(value));
    }
    if let Some(number) = value.as_number() {
        return Datum::number(number).map_err(|_| ReqlError::logic("Number return value is not finite."));
    }
    if let Some(text) = value.as_string() {
        let text = text.to_string().map_err(failed)?;
        return Ok(Datum::String(Text::from(text)));
    }
    if value.is_function() {
        return Err(ReqlError::logic("Cannot convert function to ql::datum_t."));
    }
    if let Some(array) = value.as_array() {
        let items = array.iter::<Value<'js>>().map(|item| convert(ctx, &item.map_err(failed)?, depth + 1));
        return Ok(Datum::array(items.collect::<Result<Vec<_>, _>>()?));
    }
    let Some(object) = value.as_object() else {
        return Err(ReqlError::logic("Unrecognized value type when converting to ql::datum_t."));
    };
    if let Some(ms) = milliseconds(ctx, object)? {
        return Ok(pseudo::time(ms / 1000.0, "+00:00"));
    }
    let mut builder = ObjectBuilder::new();
    for property in object.props::<String, Value<'js>>() {
        let (name, value) = property.map_err(failed)?;
        builder.insert(Text::from(name), convert(ctx, &value, depth + 1)?);
    }
    Ok(Datum::Object(builder.build()))
}

/// The milliseconds of a `Date`; `None` for any other object.
fn milliseconds<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Option<f64>, ReqlError> {
    let constructor: Value<'js> = ctx.globals().get("Date").map_err(failed)?;
    if !object.is_instance_of(&constructor) {
        return Ok(None);
    }
    let get_time: Function<'js> = object.get("getTime").map_err(failed)?;
    let ms: f64 = get_time.call((rquickjs::function::This(object.clone()),)).map_err(failed)?;
    if ms.is_finite() { Ok(Some(ms)) } else { Err(ReqlError::logic("Number return value is not finite.")) }
}
