//! Which tables are served. Most of a server's tables are opened when somebody uses them.

use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use photondb_base::TableId;
use rustc_hash::FxHashMap;

use super::table::OpenTable;
use crate::error::TableError;
use crate::function::Evaluator;
use crate::layout::TableLayouts;

/// The tables of a server by their ids.
#[derive(Default)]
pub(crate) struct Served {
    /// Absent are those that nobody has used yet.
    tables: RwLock<FxHashMap<TableId, Option<Arc<OpenTable>>>>,
    /// Knows how these are to be opened.
    layouts: OnceLock<Arc<dyn TableLayouts>>,
}

impl Served {
    /// Serves tables that are opened when they are first used.
    pub(crate) fn open_when_used(
        &self,
        added: &mut dyn Iterator<Item = TableId>,
        layouts: Arc<dyn TableLayouts>,
    ) {
        let first = self.layouts.set(layouts).is_ok();
        debug_assert!(first, "who knows the layouts is told once");
        self.tables.write().extend(added.map(|table| (table, None)));
    }

    /// Serves an open table.
    pub(crate) fn insert(&self, table: Arc<OpenTable>) {
        self.tables.write().insert(table.id, Some(table));
    }

    /// A table, opened if nobody has used it before.
    pub(crate) fn table(
        &self,
        id: TableId,
        evaluator: &Arc<dyn Evaluator>,
    ) -> Result<Arc<OpenTable>, TableError> {
        if let Some(Some(table)) = self.tables.read().get(&id) {
            return Ok(table.clone());
        }
        // Alone: nobody may open it twice, or after it was opened and changed.
        let mut tables = self.tables.write();
        let place = tables.get_mut(&id).ok_or(TableError::NoTable(id))?;
        if let Some(table) = place {
            return Ok(table.clone());
        }
        let layout = self.layouts.get().and_then(|layouts| layouts.layout(id));
        let table = Arc::new(OpenTable::new(layout.ok_or(TableError::NoTable(id))?, evaluator));
        *place = Some(table.clone());
        Ok(table)
    }

    /// The tables that are open.
    pub(crate) fn opened(&self) -> Vec<Arc<OpenTable>> {
        self.tables.read().values().flatten().cloned().collect()
    }

    /// Ends the service of tables.
    pub(crate) fn remove(&self, removed: &[TableId]) {
        let mut tables = self.tables.write();
        for table in removed {
            tables.remove(table);
        }
    }
}
