//! JSON as text.

use photondb_datum::Datum;
use photondb_datum::json::{self as notation, ParseLimits};

use crate::error::Result;
use crate::evaluate::Invocation;
use crate::terms::comparison::operand;
use crate::value::Value;

pub(crate) fn json(call: &Invocation<'_>) -> Result<Value> {
    let text = call.value(0)?.into_text()?;
    let limits = ParseLimits { array_size_max: call.env.options.array_size_max, ..ParseLimits::default() };
    call.env.memory.check_room(text.len())?;
    call.answer_new(notation::parse(text.as_bytes(), limits)?)
}

pub(crate) fn to_json_string(call: &Invocation<'_>) -> Result<Value> {
    let value = operand(call, 0)?;
    call.env.check_value_bytes(value.packed_bytes())?;
    let text = notation::to_string(&value)?;
    call.env.check_value_bytes(text.len())?;
    call.answer_new(Datum::from(text))
}
