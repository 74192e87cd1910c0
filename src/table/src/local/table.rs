//! One open table.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::RwLock;
use photondb_base::{IndexId, TableId, TreeId};
use photondb_datum::{FieldLookup, Text};

use super::expiry::{Expiry, ExpiryRule};
use super::latch::Latches;
use super::listeners::Listeners;
use super::size_estimate::SizeEstimate;
use crate::error::{RowError, TableError};
use crate::function::{Evaluator, IndexFunction, WriteHook};
use crate::layout::{ExpiryLayout, IndexLayout, TableLayout};

/// A table that is served.
pub(crate) struct OpenTable {
    pub(crate) id: TableId,
    /// Held shared by every chunk of a write, and alone to change the state: a write sees
    /// one state from its first read to its commit.
    pub(crate) gate: RwLock<()>,
    state: RwLock<Arc<TableState>>,
    pub(crate) latches: Latches,
    /// Those of the values of unique indexes; most tables have none.
    value_latches: OnceLock<Latches>,
    /// No document is due to expire before this moment, except while its order is built.
    pub(crate) due: AtomicU64,
    pub(crate) listeners: Arc<Listeners>,
    closed: AtomicBool,
    pub(crate) rows_read: AtomicU64,
    pub(crate) rows_written: AtomicU64,
    pub(crate) size_estimate: SizeEstimate,
}

/// What an open table consists of; never changes.
#[derive(Clone)]
pub(crate) struct TableState {
    /// The layout; its `indexes`, `write_hook` and `expiry` are empty, the fields below stand
    /// for them.
    pub(crate) layout: TableLayout,
    /// Finds the primary key in documents.
    pub(crate) key_field: FieldLookup,
    /// The indexes, the hidden one for expiry among them.
    pub(crate) indexes: Vec<Arc<OpenIndex>>,
    pub(crate) expiry: Option<Arc<Expiry>>,
    pub(crate) hook: Option<Arc<dyn WriteHook>>,
    /// Why the write hook cannot be used, when there is one that cannot.
    pub(crate) hook_error: Option<RowError>,
}

/// An index that is served or built.
pub(crate) struct OpenIndex {
    pub(crate) id: IndexId,
    pub(crate) tree: TreeId,
    pub(crate) multi: bool,
    pub(crate) geo: bool,
    pub(crate) unique: bool,
    /// Whether it is the hidden one for expiry.
    pub(crate) expiry: bool,
    /// For messages and the log only; renaming does not wait for writes.
    pub(crate) name: RwLock<Text>,
    stored: Bytes,
    evaluator: Arc<dyn Evaluator>,
    /// Loaded when it is first needed: a server with many tables starts without them.
    function: OnceLock<Result<Arc<dyn IndexFunction>, RowError>>,
    pub(crate) ready: AtomicBool,
    /// Set when the tree can no longer be trusted, until that has been written down.
    stale: AtomicBool,
    removed: AtomicBool,
    /// Why the build came to nothing for good. Set while no write is running; from then on
    /// writes pass the index by, until the table is opened again.
    failure: OnceLock<RowError>,
    pub(crate) rows_processed: AtomicU64,
    pub(crate) rows_total: AtomicU64,
}

impl OpenTable {
    pub(crate) fn new(layout: TableLayout, evaluator: &Arc<dyn Evaluator>) -> Self {
        Self {
            id: layout.id,
            gate: RwLock::new(()),
            state: RwLock::new(Arc::new(TableState::new(layout, evaluator))),
            latches: Latches::new(),
            value_latches: OnceLock::new(),
            due: AtomicU64::new(0),
            listeners: Arc::new(Listeners::new()),
            closed: AtomicBool::new(false),
            rows_read: AtomicU64::new(0),
            rows_written: AtomicU64::new(0),
            size_estimate: SizeEstimate::default(),
        }
    }

    pub(crate) fn state(&self) -> Arc<TableState> {
        self.state.read().clone()
    }

    pub(crate) fn value_latches(&self) -> &Latches {
        self.value_latches.get_or_init(Latches::new)
    }

    /// Changes the state while no write is running.
    pub(crate) fn change<T>(
        &self,
        edit: impl FnOnce(&mut TableState) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        let _alone = self.gate.write();
        self.check_open()?;
        let mut state = (*self.state()).clone();
        let result = edit(&mut state)?;
        *self.state.write() = Arc::new(state);
        Ok(result)
    }

    /// Refuses all later writes and ends streams and builds; the gate is held alone.
    pub(crate) fn mark_closed(&self) {
        self.closed.store(true, Ordering::Release);
        for index in &self.state().indexes {
            index.remove();
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), TableError> {
        if self.closed.load(Ordering::Acquire) { Err(TableError::NoTable(self.id)) } else { Ok(()) }
    }
}

impl TableState {
    pub(crate) fn new(mut layout: TableLayout, evaluator: &Arc<dyn Evaluator>) -> Self {
        let indexes = std::mem::take(&mut layout.indexes);
        let hook = layout.write_hook.take();
        let expiry = layout.expiry.take();
        let key_field = FieldLookup::new(layout.primary_key.clone());
        let mut state =
            Self { layout, key_field, indexes: Vec::new(), expiry: None, hook: None, hook_error: None };
        for index in indexes {
            state.indexes.push(Arc::new(OpenIndex::new(index, evaluator)));
        }
        state.set_hook(hook.as_deref(), evaluator);
        state.set_expiry(expiry, evaluator);
        state
    }

    /// Sets how documents expire.
    pub(crate) fn set_expiry(&mut self, layout: Option<ExpiryLayout>, evaluator: &Arc<dyn Evaluator>) {
        if let Some(former) = self.expiry.take() {
            former.index.remove();
            self.indexes.retain(|index| index.id != former.index.id);
        }
        if let Some(layout) = layout {
            let rule =
                Arc::new(ExpiryRule { field: layout.field.clone(), after_seconds: layout.after_seconds });
            let index = Arc::new(OpenIndex::of_expiry(&layout, rule.clone(), evaluator));
            self.indexes.push(index.clone());
            self.expiry = Some(Arc::new(Expiry { index, rule }));
        }
    }

    /// Whether writes have to look for values that other documents have.
    pub(crate) fn has_unique(&self) -> bool {
        self.indexes.iter().any(|index| index.unique)
    }

    /// Loads a write hook. One that cannot be loaded refuses writes rather than being
    /// passed by.
    pub(crate) fn set_hook(&mut self, stored: Option<&[u8]>, evaluator: &Arc<dyn Evaluator>) {
        (self.hook, self.hook_error) = match stored.map(|stored| evaluator.write_hook(stored)) {
            None => (None, None),
            Some(Ok(hook)) => (Some(hook), None),
            Some(Err(error)) => (None, Some(error)),
        };
    }

    pub(crate) fn index(&self, id: IndexId) -> Result<&Arc<OpenIndex>, TableError> {
        self.indexes.iter().find(|index| index.id == id).ok_or(TableError::NoIndex(id))
    }

    /// An index that can be read.
    pub(crate) fn readable_index(&self, id: IndexId) -> Result<&Arc<OpenIndex>, TableError> {
        let index = self.index(id)?;
        if let Some(source) = index.error() {
            return Err(TableError::IndexBroken { index: id, source: source.clone() });
        }
        if !index.ready.load(Ordering::Acquire) {
            return Err(TableError::IndexNotReady(id));
        }
        Ok(index)
    }
}

impl OpenIndex {
    pub(crate) fn new(layout: IndexLayout, evaluator: &Arc<dyn Evaluator>) -> Self {
        Self {
            id: layout.id,
            tree: layout.tree,
            multi: layout.multi,
            geo: layout.geo,
            unique: layout.unique,
            expiry: false,
            ready: AtomicBool::new(layout.ready),
            name: RwLock::new(layout.name),
            stored: layout.function,
            evaluator: evaluator.clone(),
            function: OnceLock::new(),
            stale: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            failure: OnceLock::new(),
            rows_processed: AtomicU64::new(0),
            rows_total: AtomicU64::new(0),
        }
    }

    /// The hidden index for expiry.
    fn of_expiry(layout: &ExpiryLayout, rule: Arc<ExpiryRule>, evaluator: &Arc<dyn Evaluator>) -> Self {
        let index = IndexLayout {
            id: layout.id,
            name: Text::from("expiry"),
            tree: layout.tree,
            multi: false,
            geo: false,
            unique: false,
            function: Bytes::new(),
            ready: layout.ready,
        };
        let function = OnceLock::from(Ok(rule as Arc<dyn IndexFunction>));
        Self { expiry: true, function, ..Self::new(index, evaluator) }
    }

    pub(crate) fn failure(&self) -> Option<&RowError> {
        self.failure.get()
    }

    /// Gives the build up; no write is running.
    pub(crate) fn fail(&self, error: RowError) {
        // The first reason stays.
        self.failure.get_or_init(|| error);
    }

    /// Why it cannot be used, for now or for good.
    pub(crate) fn error(&self) -> Option<&RowError> {
        self.failure().or_else(|| self.function().err())
    }

    pub(crate) fn function(&self) -> Result<&Arc<dyn IndexFunction>, &RowError> {
        self.function
            .get_or_init(|| {
                let loaded = self.evaluator.index_function(&self.stored, self.multi, self.geo);
                if let Err(error) = &loaded {
                    // Writes pass it by from here on: what is in the tree is out of date.
                    let was_ready = self.ready.swap(false, Ordering::AcqRel);
                    self.stale.store(was_ready, Ordering::Release);
                    let name = self.name.read().clone();
                    tracing::error!(index = %self.id, %name, %error, "an index function cannot be loaded");
                }
                loaded
            })
            .as_ref()
    }

    /// Whether it has just turned out that the tree is out of date; said once.
    pub(crate) fn take_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire) && self.stale.swap(false, Ordering::AcqRel)
    }

    /// Ends builds and streams of the index.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Release);
    }

    pub(crate) fn check_present(&self) -> Result<(), TableError> {
        if self.removed.load(Ordering::Acquire) { Err(TableError::NoIndex(self.id)) } else { Ok(()) }
    }
}
