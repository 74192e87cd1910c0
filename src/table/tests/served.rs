//! Tables that are opened when somebody uses them first.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use photondb_base::TableId;
use photondb_storage::MemoryEngine;
use photondb_table::{ReadOp, Shards, TableError, TableLayout, TableLayouts, Tables};

use support::{Fixture, TABLE, layout, row};

const OTHER: TableId = TableId(77);

/// What somebody knows of tables, who is asked.
#[derive(Default)]
struct Known {
    tables: Mutex<Vec<TableId>>,
    asked: AtomicUsize,
}

impl TableLayouts for Known {
    fn layout(&self, table: TableId) -> Option<TableLayout> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.tables.lock().contains(&table).then(|| TableLayout { id: table, ..layout() })
    }
}

fn fixture(tables: &[TableId]) -> (Fixture, Arc<Known>) {
    let known = Arc::new(Known { tables: Mutex::new(tables.to_vec()), ..Known::default() });
    let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
    fixture.shards.open_when_used(known.clone());
    (fixture, known)
}

fn is_gone(fixture: &Fixture, table: TableId) -> bool {
    matches!(fixture.shards.read(ReadOp::all(table)), Err(TableError::NoTable(_)))
}

#[test]
fn who_knows_the_layouts_is_asked_when_a_table_is_used_first() {
    let (fixture, known) = fixture(&[TABLE]);
    assert_eq!(known.asked.load(Ordering::SeqCst), 0);
    fixture.insert(vec![row(1, &[])]);
    let asked = known.asked.load(Ordering::SeqCst);
    assert!(asked > 0);
    assert_eq!(fixture.all().len(), 1);
    assert_eq!(known.asked.load(Ordering::SeqCst), asked, "it is open");
    assert!(is_gone(&fixture, OTHER));
}

#[test]
fn a_closed_table_is_not_opened_again_while_its_layout_is_still_known() {
    let (fixture, known) = fixture(&[TABLE, OTHER]);
    fixture.insert(vec![row(1, &[])]);
    fixture.shards.close_tables(&[TABLE], &mut || Ok(())).unwrap();
    assert!(is_gone(&fixture, TABLE));
    // Neither is one that nobody had used.
    known.tables.lock().retain(|table| *table != TABLE);
    fixture.shards.close_tables(&[OTHER], &mut || Ok(())).unwrap();
    assert!(is_gone(&fixture, OTHER) && is_gone(&fixture, TABLE));
}

#[test]
fn a_table_that_could_not_be_closed_is_served_on() {
    let (fixture, _) = fixture(&[TABLE]);
    let refuse = || Err(photondb_storage::StorageError::Full { file: "log".into(), operation: "write" });
    assert!(fixture.shards.close_tables(&[TABLE], &mut { refuse }).is_err());
    fixture.insert(vec![row(1, &[])]);
    assert_eq!(fixture.all().len(), 1);
}

#[test]
fn a_table_may_get_the_id_of_one_that_was_closed() {
    let (fixture, _) = fixture(&[TABLE]);
    fixture.shards.close_tables(&[TABLE], &mut || Ok(())).unwrap();
    fixture.shards.open_table(layout()).unwrap();
    fixture.insert(vec![row(1, &[])]);
    assert_eq!(fixture.all().len(), 1);
}
