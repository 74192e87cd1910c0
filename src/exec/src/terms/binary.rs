//! Binary data.

use bytes::Bytes;
use photondb_datum::Datum;

use crate::error::Result;
use crate::evaluate::Invocation;
use crate::terms::array::Bounds;
use crate::value::Value;

/// Binary data of the bytes of a string.
pub(crate) fn binary(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let site = value.site;
    match value.into_datum()? {
        Datum::Binary(bytes) => call.answer(Datum::Binary(bytes)),
        other => call.answer(Datum::Binary(Value::datum(other, site).into_text()?.into_bytes())),
    }
}

/// The bytes within bounds, sharing storage.
pub(crate) fn slice_binary(bytes: &Bytes, bounds: Bounds) -> Datum {
    Datum::Binary(bytes.slice(bounds.resolve(bytes.len())))
}
