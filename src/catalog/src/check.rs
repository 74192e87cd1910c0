//! Checks of everything that is stored: metadata, documents, indexes.

use std::collections::HashSet;
use std::sync::Arc;

use photondb_base::TreeId;
use photondb_storage::Snapshot;
use photondb_table::{Evaluator, TableReport, check_table};

use crate::codec::METADATA_TREE;
use crate::directory_record;
use crate::error::CatalogError;
use crate::load;
use crate::state::State;

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckReport {
    /// Tables, in the order of their databases and names, by their full names.
    pub tables: Vec<(String, TableReport)>,
    /// Trees that hold something and belong to nothing: space that is lost, no more.
    pub trees_unowned: Vec<TreeId>,
    /// Whether the table directory is not what the tables' own records are: a start that takes it
    /// for theirs would find other tables.
    pub is_directory_wrong: bool,
}

impl CheckReport {
    /// How much is wrong.
    pub fn problem_count(&self) -> u64 {
        let in_tables: u64 = self.tables.iter().map(|(_, table)| table.problem_count).sum();
        in_tables + self.trees_unowned.len() as u64 + u64::from(self.is_directory_wrong)
    }
}

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckProgress<'a> {
    /// The full name of the table that is being read.
    pub table: &'a str,
    /// Documents of it that have been read.
    pub documents: u64,
}

/// Checks a state of all trees: that the metadata can be read, and that documents and index
/// entries match. A state without metadata is empty. An error means that the state could not
/// be read at all.
pub fn check(
    snapshot: &Arc<dyn Snapshot>,
    evaluator: &Arc<dyn Evaluator>,
    progress: &mut dyn FnMut(CheckProgress<'_>),
) -> Result<CheckReport, CatalogError> {
    let mut report = CheckReport::default();
    let Some(state) = load::load(snapshot.as_ref())? else { return Ok(report) };
    if state.tables().count() < state.table_count() {
        return Err(CatalogError::Damaged("the record of a table"));
    }
    for database in state.databases() {
        for table in state.tables_of(database.id) {
            let name = format!("{}.{}", database.name, table.name);
            let mut tell = |documents| progress(CheckProgress { table: &name, documents });
            let found = check_table(snapshot, table.layout(), evaluator, &mut tell)?;
            report.tables.push((name, found));
        }
    }
    report.is_directory_wrong = directory_record::is_wrong(snapshot.as_ref(), &state);
    let owned = owned_trees(&state);
    let trees = snapshot.trees()?.into_iter().map(|(tree, _)| tree);
    report.trees_unowned = trees.filter(|tree| !owned.contains(tree)).collect();
    Ok(report)
}

fn owned_trees(state: &State) -> HashSet<TreeId> {
    let mut owned = HashSet::from([METADATA_TREE]);
    for table in state.tables() {
        owned.insert(table.tree);
        owned.extend(table.indexes.values().map(|index| index.tree));
        owned.extend(table.expiry.iter().map(|expiry| expiry.tree));
    }
    owned
}
