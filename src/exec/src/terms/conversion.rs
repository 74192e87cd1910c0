//! Types: `typeOf`, `coerceTo` and `info`.

use photondb_datum::{Datum, ObjectBuilder, Text, json};

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::is_true;
use crate::sequence::{Sequence, TableRead};
use crate::value::{DatabaseRef, Kind, TableRef, Value};

pub(crate) fn type_of(call: &Invocation<'_>) -> Result<Value> {
    let name = call.value(0)?.type_name();
    call.answer(Datum::String(Text::from(name)))
}

pub(crate) fn coerce_to(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let wanted = call.value(1)?.into_text()?.to_uppercase();
    if !is_type_name(&wanted) {
        return Err(EvalError::logic(format!("Unknown Type: {wanted}")));
    }
    let from = value.type_name();
    if from == wanted {
        return Ok(value);
    }
    let site = value.site;
    match (value.kind, wanted.as_str()) {
        (Kind::Datum(datum), wanted) => {
            coerce_datum(call, datum, wanted).map_err(|error| error.at_if_typed(site))
        }
        (Kind::Row(row), wanted) => {
            coerce_datum(call, row.datum, wanted).map_err(|error| error.at_if_typed(site))
        }
        (kind @ (Kind::Database(_) | Kind::Function(_) | Kind::Ordering(_) | Kind::Grouped(_)), wanted) => {
            let value = Value::new(kind, site);
            Err(cannot(value.type_name(), wanted).at(site))
        }
        (kind, "ARRAY") => {
            let rows = Sequence::from_value(Value::new(kind, site))?.collect(call.env)?;
            call.answer(Datum::Array(rows))
        }
        (kind, "OBJECT") => {
            let rows = Sequence::from_value(Value::new(kind, site))?.collect(call.env)?;
            call.answer(object_from_pairs(rows.into_iter())?)
        }
        (kind, "STREAM") => call.answer_sequence(Sequence::from_value(Value::new(kind, site))?),
        (kind, "BOOL") => {
            drop(kind);
            call.answer(Datum::Bool(true))
        }
        (kind, wanted) => Err(cannot(Value::new(kind, site).type_name(), wanted).at(site)),
    }
}

fn is_type_name(name: &str) -> bool {
    matches!(
        name,
        "NULL"
            | "BOOL"
            | "NUMBER"
            | "STRING"
            | "ARRAY"
            | "OBJECT"
            | "BINARY"
            | "PTYPE<BINARY>"
            | "PTYPE<TIME>"
            | "PTYPE<GEOMETRY>"
            | "STREAM"
            | "SELECTION<STREAM>"
            | "SELECTION<ARRAY>"
            | "SELECTION<OBJECT>"
            | "TABLE"
            | "TABLE_SLICE"
            | "DB"
            | "FUNCTION"
            | "GROUPED_DATA"
            | "GROUPED_STREAM"
            | "MINVAL"
            | "MAXVAL"
    )
}

fn cannot(from: &str, wanted: &str) -> EvalError {
    EvalError::logic(format!("Cannot coerce {from} to {wanted}."))
}

impl EvalError {
    /// "Cannot coerce …" points at the value; what goes wrong inside it at the term.
    fn at_if_typed(self, site: photondb_reql::TermId) -> Self {
        if self.message().starts_with("Cannot coerce ") { self.at(site) } else { self }
    }
}

fn coerce_datum(call: &Invocation<'_>, datum: Datum, wanted: &str) -> Result<Value> {
    let from = datum.type_name();
    match (datum, wanted) {
        (datum, "BOOL") => call.answer(Datum::Bool(is_true(&datum))),
        (Datum::String(text), "NUMBER") => call.answer(parse_number(&text)?),
        (Datum::String(text), "BINARY" | "PTYPE<BINARY>") => {
            call.answer_new(Datum::Binary(text.as_str().as_bytes().to_vec().into()))
        }
        (Datum::Binary(bytes), "BINARY") => call.answer(Datum::Binary(bytes)),
        (Datum::Binary(bytes), "STRING") => match std::str::from_utf8(&bytes) {
            Ok(text) => call.answer_new(Datum::String(Text::from(text))),
            Err(error) => Err(EvalError::logic(format!(
                "Expected valid UTF-8 in binary data but found an error at byte {}.",
                error.valid_up_to()
            ))),
        },
        (datum, "STRING") => {
            call.env.check_value_bytes(datum.packed_bytes())?;
            let text = json::to_string(&datum)?;
            call.env.check_value_bytes(text.len())?;
            call.answer_new(Datum::from(text))
        }
        (Datum::Object(object), "ARRAY") => {
            let pairs =
                object.iter().map(|(name, value)| Datum::Array(vec![Datum::String(name), value].into()));
            call.answer(Datum::Array(pairs.collect()))
        }
        (Datum::Array(items), "OBJECT") => call.answer(object_from_pairs(items.iter())?),
        (Datum::Array(items), "STREAM") => {
            call.answer_sequence(Sequence::new(crate::sequence::Source::Items(items), false, call.site))
        }
        (_, wanted) => Err(cannot(from, wanted)),
    }
}

/// Numbers as C's `strtod` reads them, hexadecimal ones too; nothing may follow.
fn parse_number(text: &str) -> Result<Datum> {
    let trimmed = text.trim_start();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => hexadecimal(digits).map(|n| sign * n),
        None => trimmed.parse::<f64>().ok(),
    };
    match number {
        Some(n) => crate::sequence::finite(n),
        None => Err(EvalError::logic(format!("Could not coerce `{text}` to NUMBER."))),
    }
}

fn hexadecimal(digits: &str) -> Option<f64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars() {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let mut weight = 1.0 / 16.0;
    for digit in fraction.chars() {
        value += f64::from(digit.to_digit(16)?) * weight;
        weight /= 16.0;
    }
    Some(value)
}

fn object_from_pairs(pairs: impl Iterator<Item = Datum>) -> Result<Datum> {
    let mut builder = ObjectBuilder::new();
    for pair in pairs {
        let Datum::Array(pair) = pair else {
            return Err(crate::value::wrong_type("ARRAY", &pair));
        };
        if pair.len() != 2 {
            return Err(EvalError::logic(format!("Expected array of size 2, but got size {}.", pair.len())));
        }
        let (name, value) = (pair.get(0).unwrap_or(Datum::Null), pair.get(1).unwrap_or(Datum::Null));
        let name = crate::value::text(&name)?;
        if builder.insert(name.clone(), value).is_some() {
            return Err(EvalError::logic(format!(
                "Duplicate key \"{name}\" in coerced object.  (got previous value)"
            )));
        }
    }
    Ok(Datum::Object(builder.build()))
}

pub(crate) fn info(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let answer = describe(call, &value)?;
    call.answer(answer)
}

fn describe(call: &Invocation<'_>, value: &Value) -> Result<Datum> {
    let mut builder = ObjectBuilder::new();
    let mut set = |name: &str, value: Datum| drop(builder.insert(Text::from(name), value));
    set("type", Datum::String(Text::from(value.type_name())));
    match &value.kind {
        Kind::Database(database) => {
            set("name", Datum::String(database.name.clone()));
            set("id", database_id(database));
        }
        Kind::Table(read) => describe_table(call, &read.table, &mut set)?,
        Kind::TableSlice(read) => {
            set("table", described_table(call, &read.table)?);
            set("index", Datum::String(read.index_name().clone()));
            for (name, value) in slice_bounds(read) {
                set(name, value);
            }
        }
        Kind::Selection(table, _) | Kind::SelectionArray(table, _) => {
            set("table", described_table(call, table)?)
        }
        Kind::Row(row) => set("table", described_table(call, &row.table)?),
        Kind::Datum(datum) => set("value", Datum::String(Text::from(json::to_string(datum)?))),
        Kind::Function(function) => {
            let source = function
                .as_closure()
                .map(|(template, _)| photondb_reql::print_function(&template.ast, template.site))
                .unwrap_or_default();
            set("source_code", Datum::String(Text::from(source)));
        }
        Kind::Sequence(_) | Kind::Grouped(_) | Kind::Ordering(_) => {}
    }
    Ok(Datum::Object(builder.build()))
}

fn database_id(database: &DatabaseRef) -> Datum {
    if database.id.0 == 0 { Datum::Null } else { Datum::String(Text::from(database.id.to_string())) }
}

fn described_table(call: &Invocation<'_>, table: &TableRef) -> Result<Datum> {
    let mut builder = ObjectBuilder::new();
    let mut set = |name: &str, value: Datum| drop(builder.insert(Text::from(name), value));
    set("type", Datum::String(Text::from("TABLE")));
    describe_table(call, table, &mut set)?;
    Ok(Datum::Object(builder.build()))
}

fn describe_table(call: &Invocation<'_>, table: &TableRef, set: &mut dyn FnMut(&str, Datum)) -> Result<()> {
    let mut database = ObjectBuilder::new();
    database.insert(Text::from("id"), database_id(&table.database));
    database.insert(Text::from("name"), Datum::String(table.database.name.clone()));
    database.insert(Text::from("type"), Datum::String(Text::from("DB")));
    set("db", Datum::Object(database.build()));
    set("name", Datum::String(table.name.clone()));
    set("primary_key", Datum::String(table.primary_key.clone()));
    if table.system {
        set("id", Datum::String(Text::from(table.id.to_string())));
        set("indexes", Datum::Array(Vec::new().into()));
        set("doc_count_estimates", Datum::Array(vec![Datum::Number(0.0)].into()));
        return Ok(());
    }
    set("id", Datum::String(Text::from(table.id.to_string())));
    let state = call.env.catalog()?;
    let config = state.table_by_id(table.id);
    let indexes = || config.iter().flat_map(|config| config.indexes.iter());
    let names = |(name, _): (&Text, _)| Datum::String(name.clone());
    set("indexes", Datum::array(indexes().map(names)));
    // What RethinkDB does not know is told only where it is used.
    let unique: Vec<Datum> = indexes().filter(|(_, index)| index.unique).map(names).collect();
    if !unique.is_empty() {
        set("unique_indexes", Datum::Array(unique.into()));
    }
    if let Some(expiry) = config.and_then(|config| config.expiry.as_ref()) {
        set("ttl", expiry.ttl.describe());
    }
    let rows = call.env.services()?.shards.statistics(table.id)?.rows;
    set("doc_count_estimates", Datum::Array(vec![Datum::Number(rows as f64)].into()));
    Ok(())
}

fn slice_bounds(read: &TableRead) -> Vec<(&'static str, Datum)> {
    use std::ops::Bound;
    let text = |text: &str| Datum::String(Text::from(text));
    let crate::sequence::TableSource::Between(range) = &read.source else {
        return vec![
            ("left_bound", Datum::Null),
            ("left_bound_type", text("unbounded")),
            ("right_bound", Datum::Null),
            ("right_bound_type", text("unbounded")),
        ];
    };
    let describe = |bound: &Bound<Datum>| match bound {
        Bound::Unbounded
        | Bound::Included(Datum::MinVal | Datum::MaxVal)
        | Bound::Excluded(Datum::MinVal | Datum::MaxVal) => (Datum::Null, text("unbounded")),
        Bound::Included(datum) => (datum.clone(), text("closed")),
        Bound::Excluded(datum) => (datum.clone(), text("open")),
    };
    let ((left, left_type), (right, right_type)) = (describe(&range.left), describe(&range.right));
    vec![
        ("left_bound", left),
        ("left_bound_type", left_type),
        ("right_bound", right),
        ("right_bound_type", right_type),
    ]
}
