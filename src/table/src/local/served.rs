//! Which tables are served. Most of a server's tables are opened when somebody uses them.

use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use photondb_base::TableId;
use rustc_hash::{FxHashMap, FxHashSet};

use super::table::OpenTable;
use crate::error::TableError;
use crate::function::Evaluator;
use crate::layout::TableLayouts;

/// The tables of a server by their ids.
#[derive(Default)]
pub(crate) struct Served {
    tables: RwLock<Tables>,
    /// Knows the others, and how these are to be opened.
    layouts: OnceLock<Arc<dyn TableLayouts>>,
}

#[derive(Default)]
struct Tables {
    open: FxHashMap<TableId, Arc<OpenTable>>,
    /// Those that were closed last: they may still be among the layouts, but never open again.
    closed: FxHashSet<TableId>,
}

impl Served {
    /// Serves the tables with a layout: they are opened when they are first used.
    pub(crate) fn open_when_used(&self, layouts: Arc<dyn TableLayouts>) {
        let first = self.layouts.set(layouts).is_ok();
        debug_assert!(first, "who knows the layouts is told once");
    }

    /// Serves an open table.
    pub(crate) fn insert(&self, table: Arc<OpenTable>) {
        self.tables.write().open.insert(table.id, table);
    }

    /// A table, opened if nobody has used it before.
    pub(crate) fn table(
        &self,
        id: TableId,
        evaluator: &Arc<dyn Evaluator>,
    ) -> Result<Arc<OpenTable>, TableError> {
        if let Some(table) = self.tables.read().open.get(&id) {
            return Ok(table.clone());
        }
        let layouts = self.layouts.get().ok_or(TableError::NoTable(id))?;
        // Whatever has to be read for it is read now, while nobody waits.
        layouts.layout(id).ok_or(TableError::NoTable(id))?;
        // Alone: nobody may open it twice, or after it was opened and changed.
        let mut tables = self.tables.write();
        if let Some(table) = tables.open.get(&id) {
            return Ok(table.clone());
        }
        let layout = layouts.layout(id).filter(|_| !tables.closed.contains(&id));
        let table = Arc::new(OpenTable::new(layout.ok_or(TableError::NoTable(id))?, evaluator));
        tables.open.insert(id, table.clone());
        Ok(table)
    }

    /// The tables that are open.
    pub(crate) fn opened(&self) -> Vec<Arc<OpenTable>> {
        self.tables.read().open.values().cloned().collect()
    }

    /// Ends the service of tables.
    pub(crate) fn remove(&self, removed: &[TableId]) {
        let mut tables = self.tables.write();
        for table in removed {
            tables.open.remove(table);
        }
        tables.closed = removed.iter().copied().collect();
    }
}
