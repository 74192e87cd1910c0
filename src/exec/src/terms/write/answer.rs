//! What a write says it has done.

use std::cell::Cell;

use photondb_datum::packed::Writer;
use photondb_datum::{Array, Datum, ObjectBuilder, Text};
use photondb_table::{ChangePair, ReturnChanges, WriteSummary};

use crate::environment::Environment;
use crate::error::Result;

/// A summary as clients know it.
pub(super) fn describe(
    env: &Environment,
    mut summary: WriteSummary,
    return_changes: ReturnChanges,
    generated_keys: Option<Datum>,
) -> Result<Datum> {
    let changes_max = env.options.array_size_max;
    if summary.changes.len() > changes_max {
        summary.changes.truncate(changes_max);
        summary.warnings.push(format!("Too many changes, array truncated to {changes_max}."));
    }
    let counts = describe_counts(&summary)?;
    let mut more = Vec::new();
    if let Some(error) = summary.first_error {
        more.push(("first_error", Datum::string(error)));
    }
    if let Some(keys) = generated_keys {
        more.push(("generated_keys", keys));
    }
    if return_changes != ReturnChanges::No {
        let changes: Array = summary.changes.into_iter().map(describe_change).collect();
        more.push(("changes", Datum::Array(changes)));
    }
    if !summary.warnings.is_empty() {
        more.push(("warnings", Datum::array(summary.warnings.into_iter().map(Datum::string))));
    }
    Ok(match counts {
        Datum::Object(counts) if !more.is_empty() => {
            let mut builder = counts.into_builder();
            for (name, value) in more {
                builder.insert(Text::from_static(name), value);
            }
            Datum::Object(builder.build())
        }
        counts => counts,
    })
}

thread_local! {
    /// What was described last: most writes are of one row, and do what the one before did.
    static LAST_COUNTS: Cell<Option<([u64; 6], Datum)>> = const { Cell::new(None) };
}

fn describe_counts(summary: &WriteSummary) -> Result<Datum> {
    let counts = [
        ("deleted", summary.deleted),
        ("errors", summary.errors),
        ("inserted", summary.inserted),
        ("replaced", summary.replaced),
        ("skipped", summary.skipped),
        ("unchanged", summary.unchanged),
    ];
    let numbers = counts.map(|(_, count)| count);
    let described = match LAST_COUNTS.take() {
        Some((last, described)) if last == numbers => described,
        _ => Writer::lent(|out| {
            out.begin_object();
            for (name, count) in counts {
                out.key(name);
                out.number(count as f64);
            }
            out.end_object_as_is();
            out.take_datum()
        })?,
    };
    LAST_COUNTS.set(Some((numbers, described.clone())));
    Ok(described)
}

fn describe_change(change: ChangePair) -> Datum {
    let mut builder = ObjectBuilder::new();
    builder.insert(Text::from("old_val"), change.old);
    builder.insert(Text::from("new_val"), change.new);
    if let Some(error) = change.error {
        builder.insert(Text::from("error"), Datum::string(error));
    }
    Datum::Object(builder.build())
}
