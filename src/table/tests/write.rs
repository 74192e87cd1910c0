//! Writes: counts, texts, changes, hooks.

mod support;

use std::sync::Arc;

use photondb_base::LogPosition;
use photondb_datum::{Datum, Text, packed};
use photondb_storage::Engine;
use photondb_table::{
    Acknowledgement, Conflict, Durability, ReadMode, ReturnChanges, RowError, Shards, TableError, Tables,
    Verb, WriteOp,
};

use support::{Fixture, Function, TABLE, insert, replace, row};

#[test]
fn insert_and_conflicts() {
    let fixture = Fixture::new();
    let summary = fixture.insert(vec![row(2, &[("a", 2.into())]), row(3, &[])]);
    assert_eq!((summary.inserted, summary.errors), (2, 0));
    assert!(summary.acknowledgement.durable > LogPosition(0));

    let again = row(2, &[("b", 20.into())]);
    let summary = fixture.insert(vec![again.clone()]);
    assert_eq!((summary.inserted, summary.errors), (0, 1));
    assert_eq!(
        summary.first_error.unwrap(),
        "Duplicate primary key `id`:\n{\n\t\"a\":\t2,\n\t\"id\":\t2\n}\n{\n\t\"b\":\t20,\n\t\"id\":\t2\n}"
    );
    assert_eq!(summary.acknowledgement, Acknowledgement::default());

    let summary = fixture.shards.write(insert(vec![again.clone()], Conflict::Update)).unwrap();
    assert_eq!(summary.replaced, 1);
    let merged = row(2, &[("a", 2.into()), ("b", 20.into())]);
    assert_eq!(fixture.shards.get(TABLE, &2.into(), ReadMode::Majority, None).unwrap(), Some(merged));

    let summary = fixture.shards.write(insert(vec![again.clone()], Conflict::Replace)).unwrap();
    assert_eq!(summary.replaced, 1);
    let summary = fixture.shards.write(insert(vec![again.clone()], Conflict::Replace)).unwrap();
    assert_eq!(summary.unchanged, 1);

    let two = Arc::new(Function(|_: &Datum, _: &Datum| Ok(Datum::from(2))));
    let summary = fixture.shards.write(insert(vec![again], Conflict::Function(two))).unwrap();
    assert_eq!(summary.first_error.unwrap(), "Inserted value must be an OBJECT (got NUMBER):\n2");
}

#[test]
fn errors_about_keys_come_first_and_changes_stay_in_order() {
    let fixture = Fixture::new();
    fixture.insert(vec![row(123, &[])]);
    let long = Datum::object([("id", Datum::from("a".repeat(500)))]);
    let extreme = row(5, &[("value", Datum::MinVal)]);
    let documents = vec![row(123, &[]), long, row(321, &[]), row(321, &[]), extreme];
    let op = WriteOp { return_changes: ReturnChanges::Always, ..insert(documents.clone(), Conflict::Error) };
    let summary = fixture.shards.write(op).unwrap();
    assert_eq!((summary.inserted, summary.errors), (1, 4));
    let first = summary.first_error.unwrap();
    assert!(first.starts_with("Primary key too long (max 127 characters): \"aaa"), "{first}");
    let changes = &summary.changes;
    assert_eq!((&changes[0].old, &changes[0].new), (&documents[0], &documents[0]));
    assert_eq!((&changes[1].old, &changes[1].new), (&Datum::Null, &Datum::Null));
    assert_eq!((&changes[2].old, &changes[2].new, &changes[2].error), (&Datum::Null, &documents[2], &None));
    assert!(changes[3].error.as_deref().unwrap().starts_with("Duplicate primary key `id`:"));
    assert_eq!(changes[4].error.as_deref(), Some("`r.minval` and `r.maxval` cannot be written to disk."));

    let op = WriteOp { return_changes: ReturnChanges::Yes, ..insert(documents, Conflict::Error) };
    assert!(fixture.shards.write(op).unwrap().changes.is_empty());
}

#[test]
fn replace_update_delete() {
    let fixture = Fixture::new();
    fixture.insert((0..10).map(|id| row(id, &[])).collect());
    let keys = |range: std::ops::Range<i32>| range.map(Datum::from).collect::<Vec<_>>();
    let write = |op| fixture.shards.write(op).unwrap();

    let summary = write(replace(keys(0..10), Verb::Replace, |old| Ok(old.clone())));
    assert_eq!(summary.unchanged, 10);
    let summary = write(replace(keys(5..7), Verb::Replace, |_| Ok(Datum::object([("a", Datum::from(1))]))));
    assert_eq!(summary.errors, 2);
    assert_eq!(
        summary.first_error.unwrap(),
        "Inserted object must have primary key `id`:\n{\n\t\"a\":\t1\n}"
    );
    let summary = write(replace(keys(1..2), Verb::Replace, |_| Ok(row(2, &[("a", 1.into())]))));
    assert_eq!(
        summary.first_error.unwrap(),
        "Primary key `id` cannot be changed (`{\n\t\"id\":\t1\n}` -> `{\n\t\"a\":\t1,\n\t\"id\":\t2\n}`)."
    );
    let summary = write(replace(vec![Datum::from("x")], Verb::Replace, |_| {
        Ok(Datum::object([("id", Datum::from("x"))]))
    }));
    assert_eq!(summary.inserted, 1);
    let summary = write(replace(vec![Datum::from("y")], Verb::Replace, |_| Ok(Datum::Null)));
    assert_eq!(summary.skipped, 1);
    let summary = write(replace(keys(100..102), Verb::Update, |_| unreachable!("nothing to update")));
    assert_eq!(summary.skipped, 2);
    let summary = write(replace(keys(3..5), Verb::Update, |_| Err(RowError::new("no"))));
    assert_eq!((summary.errors, summary.first_error.as_deref()), (2, Some("no")));
    let summary = write(replace(keys(0..10), Verb::Delete, |_| Ok(Datum::Null)));
    assert_eq!(summary.deleted, 10);
    assert_eq!(fixture.all().len(), 1);
}

#[test]
fn durability_decides_what_to_wait_for() {
    let fixture = Fixture::new();
    let op = WriteOp { durability: Some(Durability::Soft), ..insert(vec![row(1, &[])], Conflict::Error) };
    let soft = fixture.shards.write(op).unwrap().acknowledgement;
    assert_eq!(soft, Acknowledgement::of(fixture.engine.applied(), Durability::Soft));
    assert!(soft.written > LogPosition(0));
    let hard = fixture.insert(vec![row(2, &[])]).acknowledgement;
    assert_eq!(hard, Acknowledgement::of(fixture.engine.applied(), Durability::Hard));
    fixture.shards.set_durability(TABLE, Durability::Soft).unwrap();
    let soft = fixture.insert(vec![row(3, &[])]).acknowledgement;
    assert_eq!(soft, Acknowledgement::of(fixture.engine.applied(), Durability::Soft));
}

#[test]
fn many_rows_in_one_write() {
    let fixture = Fixture::new();
    let big = Datum::from("x".repeat(10_000));
    let summary = fixture.insert((0..2000).map(|id| row(id, &[("big", big.clone())])).collect());
    assert_eq!(summary.inserted, 2000);
    assert_eq!(fixture.shards.statistics(TABLE).unwrap().rows, 2000);
    let sizes = fixture.shards.sizes(TABLE).unwrap();
    assert_eq!(sizes.rows, 2000);
    assert!((20_000_000..20_200_000).contains(&sizes.document_bytes), "{sizes:?}");
    // The same key many times in one write: each sees the one before.
    let op = replace(vec![Datum::from(1); 700], Verb::Update, |old| {
        let n = old.get("n").and_then(|n| n.as_number()).unwrap_or(0.0);
        let object = old.as_object().unwrap().clone();
        Ok(Datum::Object(object.with(Text::from("n"), Datum::Number(n + 1.0))))
    });
    assert_eq!(fixture.shards.write(op).unwrap().replaced, 700);
    let row = fixture.shards.get(TABLE, &1.into(), ReadMode::Single, None).unwrap().unwrap();
    assert_eq!(row.get("n"), Some(Datum::from(700)));
}

#[test]
fn write_hooks() {
    let fixture = Fixture::new();
    let set = |word: Option<&'static str>| {
        fixture.shards.set_write_hook(TABLE, word.map(|word| word.as_bytes().into())).unwrap();
    };
    set(Some("stamp"));
    fixture.insert(vec![row(1, &[])]);
    assert_eq!(fixture.all(), [row(1, &[("key", 1.into())])]);
    set(Some("drop"));
    let summary = fixture.insert(vec![row(2, &[])]);
    assert_eq!(
        summary.first_error.unwrap(),
        "A write hook function must not turn a replacement/insertion into a deletion."
    );
    let unhooked = WriteOp { ignore_write_hook: true, ..insert(vec![row(2, &[])], Conflict::Error) };
    assert_eq!(fixture.shards.write(unhooked).unwrap().inserted, 1);
    set(Some("keep"));
    let delete = replace(vec![2.into()], Verb::Delete, |_| Ok(Datum::Null));
    assert_eq!(
        fixture.shards.write(delete).unwrap().first_error.unwrap(),
        "A write hook function must not turn a deletion into a replacement/insertion."
    );
    set(Some("broken"));
    let refused = fixture.shards.write(insert(vec![row(9, &[])], Conflict::Error));
    assert!(matches!(refused, Err(TableError::WriteHookBroken(_))));
    set(None);
    assert_eq!(fixture.insert(vec![row(9, &[])]).inserted, 1);
}

#[test]
fn sizes_follow_what_is_written() {
    let fixture = Fixture::new();
    let bytes = || fixture.shards.sizes(TABLE).unwrap().document_bytes;
    assert_eq!(bytes(), 0);
    fixture.insert((0..10).map(|id| row(id, &[])).collect());
    let (ten, one) = (bytes(), packed::encode(&row(1, &[])).len() as u64);
    assert!(ten >= 10 * one && ten < 10 * (one + 20), "exact for few: {ten}, a document has {one}");
    // One that is small among the large ones does not mislead.
    let big = Datum::from("x".repeat(1000));
    fixture.insert((10..1000).map(|id| row(id, &[("big", big.clone())])).collect());
    let all = bytes();
    assert!((980_000..1_100_000).contains(&all), "{all}");
    let op = replace((10..1000).map(Datum::from).collect(), Verb::Delete, |_| Ok(Datum::Null));
    fixture.shards.write(op).unwrap();
    assert_eq!(bytes(), ten, "when a tenth has changed, it is looked at again");
}
