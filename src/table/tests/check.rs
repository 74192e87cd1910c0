//! Checks of stored tables find what is wrong.

mod support;

use std::sync::Arc;

use photondb_base::{IndexId, TreeId};
use photondb_datum::{Datum, Text, key, packed, pseudo};
use photondb_storage::{Batch, Engine};
use photondb_table::{
    Evaluator, ExpiryLayout, IndexLayout, KeyRange, TableLayout, TableProblem, TableReport, check_table,
};

use support::{Fixture, Functions, TREE, index, layout, row};

fn indexes() -> Vec<IndexLayout> {
    let ready = |index: IndexLayout| IndexLayout { ready: true, ..index };
    vec![
        ready(index(1, "a", false)),
        ready(index(2, "m", true)),
        ready(IndexLayout { unique: true, ..index(3, "u", false) }),
    ]
}

fn table() -> TableLayout {
    let expiry = ExpiryLayout {
        id: IndexId(9),
        tree: TreeId(200),
        field: Text::from("at"),
        after_seconds: 1.0,
        ready: true,
    };
    TableLayout { indexes: indexes(), expiry: Some(expiry), ..layout() }
}

fn filled() -> Fixture {
    let fixture = Fixture::over(Arc::default());
    photondb_table::Tables::open_table(fixture.shards.as_ref(), table()).unwrap();
    let long = "x".repeat(300);
    let document = |id: i32| {
        let m = Datum::array([Datum::from(id % 3), Datum::from(7), Datum::from(7)]);
        let fields = [
            ("a", Datum::from(format!("{long}{}", id % 5))),
            ("m", m),
            ("u", id.into()),
            ("at", pseudo::time(1e9 + f64::from(id), "+00:00")),
        ];
        row(id, &fields)
    };
    assert_eq!(fixture.insert((0..100).map(document).collect()).inserted, 100);
    fixture
}

fn report(fixture: &Fixture, layout: TableLayout) -> TableReport {
    let evaluator: Arc<dyn Evaluator> = Arc::new(Functions);
    check_table(&fixture.engine.snapshot(), layout, &evaluator, &mut |_| {}).unwrap()
}

fn damage(fixture: &Fixture, edit: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    edit(&mut batch);
    fixture.engine.commit(batch).unwrap();
}

fn first_entry(fixture: &Fixture, tree: TreeId) -> (bytes::Bytes, bytes::Bytes) {
    let snapshot = fixture.engine.snapshot();
    snapshot.range(tree, KeyRange::all(), photondb_table::Direction::Forward).next().unwrap().unwrap()
}

#[test]
fn a_sound_table() {
    let fixture = filled();
    let report = report(&fixture, table());
    assert_eq!((report.documents, report.entries), (100, 600));
    assert_eq!((report.problem_count, report.problems), (0, vec![]));
}

#[test]
fn unfinished_indexes_are_not_judged() {
    let fixture = filled();
    let mut unfinished = table();
    unfinished.indexes[0].ready = false;
    damage(&fixture, |batch| batch.drop_tree(unfinished.indexes[0].tree));
    let report = report(&fixture, unfinished);
    assert_eq!((report.indexes_unfinished, report.problem_count), (1, 0));
}

#[test]
fn a_missing_entry() {
    for tree in [101, 102, 103, 200].map(TreeId) {
        let fixture = filled();
        let (key, _) = first_entry(&fixture, tree);
        damage(&fixture, |batch| batch.delete(tree, &key));
        let report = report(&fixture, table());
        assert_eq!(report.problem_count, 1, "{tree:?}: {:?}", report.problems);
        assert!(matches!(report.problems[0], TableProblem::MissingEntry { .. }), "{:?}", report.problems);
    }
}

#[test]
fn stray_and_malformed_entries() {
    let fixture = filled();
    let tree = table().indexes[1].tree;
    let (key, value) = first_entry(&fixture, tree);
    let mut other = key.to_vec();
    other[1] ^= 1;
    damage(&fixture, |batch| {
        batch.put(tree, &other, &value);
        batch.put(tree, b"nonsense", b"x");
    });
    let report = report(&fixture, table());
    assert_eq!(report.problem_count, 2, "{:?}", report.problems);
    let name = Text::from("m");
    assert!(report.problems.contains(&TableProblem::StrayEntry { index: name.clone(), key: "0".to_owned() }));
    assert!(report.problems.contains(&TableProblem::MalformedEntry { index: name }));
}

#[test]
fn damaged_documents_and_duplicates() {
    let fixture = filled();
    let at = |id: i32| key::encode_primary(&Datum::from(id)).unwrap();
    damage(&fixture, |batch| batch.put(TREE, at(50), b"\xffnonsense"));
    let found = report(&fixture, table());
    assert!(
        found.problems.contains(&TableProblem::Document { key: "50".to_owned() }),
        "{:?}",
        found.problems
    );
    // Its entries lead to nothing that could be compared.
    assert_eq!(found.problem_count, 1 + 6);

    let fixture = filled();
    damage(&fixture, |batch| batch.put(TREE, at(1000), packed::encode(&row(3, &[("u", 3.into())]))));
    let found = report(&fixture, table());
    assert!(found.problems.contains(&TableProblem::Key { key: "1000".to_owned() }), "{:?}", found.problems);
    let duplicate = |problem: &TableProblem| matches!(problem, TableProblem::Duplicate { .. });
    assert!(found.problems.iter().any(duplicate), "{:?}", found.problems);
}

#[test]
fn a_broken_function() {
    let fixture = filled();
    let mut broken = table();
    broken.indexes[0].function = bytes::Bytes::from_static(b"broken");
    let report = report(&fixture, broken);
    assert!(matches!(report.problems.as_slice(), [TableProblem::Function { .. }]));
}
