//! Writes: evaluate each row once, commit chunk by chunk.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use photondb_datum::{Datum, FieldLookup, packed, pseudo};
use photondb_storage::{Acknowledgement, Batch, Engine, Lookup, Snapshot};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::effect::{Effect, Scratch};
use super::expiry::NEVER_DUE;
use super::keys;
use super::row;
use super::table::{OpenTable, TableState};
use super::unique::{Latched, ValueLatches};
use crate::error::{RowError, TableError};
use crate::function::{WriteFunction, WriteHookContext};
use crate::limits::{RETURN_CHANGES_ROWS_MAX, WRITE_CHUNK_BYTES_MAX, WRITE_CHUNK_ROWS_MAX};
use crate::write::{ChangePair, Conflict, ReturnChanges, Verb, WriteKind, WriteOp, WriteSummary};

/// Carries out a write.
pub(crate) fn write(
    engine: &dyn Engine,
    table: &OpenTable,
    op: &WriteOp,
) -> Result<WriteSummary, TableError> {
    let mut writer = Writer { engine, table, op, summary: WriteSummary::default() };
    match &op.kind {
        WriteKind::Insert { documents, conflict } => writer.insert(documents, conflict)?,
        WriteKind::Replace { keys, function, verb } => writer.replace(keys, function, *verb)?,
    }
    Ok(writer.summary)
}

/// What one row of a write is about.
struct Task<'a> {
    /// The encoded primary key, or why there is none.
    key: Result<Bytes, RowError>,
    /// The primary key.
    key_datum: Datum,
    kind: TaskKind<'a>,
}

enum TaskKind<'a> {
    Insert(&'a Datum, &'a Conflict),
    Replace(&'a Arc<dyn WriteFunction>, Verb),
}

struct Writer<'a> {
    engine: &'a dyn Engine,
    table: &'a OpenTable,
    op: &'a WriteOp,
    summary: WriteSummary,
}

impl<'a> Writer<'a> {
    fn insert(&mut self, documents: &'a [Datum], conflict: &'a Conflict) -> Result<(), TableError> {
        let state = self.table.state();
        let tasks: Vec<Task<'_>> = documents
            .iter()
            .map(|document| {
                let kind = TaskKind::Insert(document, conflict);
                match insert_key(document, &state.key_field) {
                    Ok((key_datum, key)) => Task { key: Ok(key), key_datum, kind },
                    Err(error) => Task { key: Err(error), key_datum: Datum::Null, kind },
                }
            })
            .collect();
        // As in RethinkDB all keys are looked at before anything is written, so that their
        // errors come first.
        let refused = tasks.iter().find_map(|task| task.key.as_ref().err());
        self.summary.first_error = refused.map(|error| error.message.clone());
        tasks.chunks(WRITE_CHUNK_ROWS_MAX).try_for_each(|chunk| self.chunk(chunk))
    }

    fn replace(
        &mut self,
        keys: &'a [Datum],
        function: &'a Arc<dyn WriteFunction>,
        verb: Verb,
    ) -> Result<(), TableError> {
        for chunk in keys.chunks(WRITE_CHUNK_ROWS_MAX) {
            let tasks: Vec<Task<'_>> = chunk
                .iter()
                .map(|key| Task {
                    key: keys::primary(key).map_err(RowError::from),
                    key_datum: key.clone(),
                    kind: TaskKind::Replace(function, verb),
                })
                .collect();
            self.chunk(&tasks)?;
        }
        Ok(())
    }

    /// Writes some rows while their latches are held.
    fn chunk(&mut self, tasks: &[Task<'_>]) -> Result<(), TableError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let _shared = self.table.gate.read();
        self.table.check_open()?;
        let state = self.table.state();
        if let Some(error) = state.hook_error.as_ref().filter(|_| !self.op.ignore_write_hook) {
            return Err(TableError::WriteHookBroken(error.clone()));
        }
        let _latches = self.table.latches.lock(tasks.iter().filter_map(|task| task.key.as_ref().ok()));
        let mut pending = Pending::new(self.engine, self.table, &state, tasks);
        for task in tasks {
            let key = match &task.key {
                Ok(key) => key,
                Err(error) => {
                    self.refused(&Datum::Null, error.clone())?;
                    continue;
                }
            };
            let old = pending.current(key)?;
            match self.new_row(&state, task, &old) {
                Ok(new) => self.accepted(&mut pending, key, old, new)?,
                Err(error) => self.refused(&old, error)?,
            }
            if pending.batch.bytes() >= WRITE_CHUNK_BYTES_MAX {
                self.commit(&mut pending)?;
            }
        }
        self.commit(&mut pending)
    }

    /// The row to store; null for none.
    fn new_row(&self, state: &TableState, task: &Task<'_>, old: &Datum) -> Result<Datum, RowError> {
        let primary_key = state.layout.primary_key.as_str();
        let new = match task.kind {
            TaskKind::Insert(document, _) if old.is_null() => document.clone(),
            TaskKind::Insert(document, conflict) => {
                resolve_conflict(conflict, primary_key, &task.key_datum, old, document)?
            }
            TaskKind::Replace(_, Verb::Update | Verb::Delete) if old.is_null() => return Ok(Datum::Null),
            TaskKind::Replace(function, _) => function.new_row(old)?,
        };
        // A plain insert was checked with its key.
        if !matches!(task.kind, TaskKind::Insert(..)) || !old.is_null() {
            row::check_replacement(old, &new, &task.key_datum, primary_key)?;
        }
        let unhooked = self.op.ignore_write_hook || (old.is_null() && new.is_null());
        match &state.hook {
            Some(hook) if !unhooked => {
                let verb = match (old.is_null(), new.is_null()) {
                    (true, _) => Verb::Insert,
                    (_, true) => Verb::Delete,
                    _ => Verb::Replace,
                };
                let timestamp = &pseudo::time(self.op.now_seconds, "+00:00");
                let context = WriteHookContext { primary_key: &task.key_datum, timestamp, verb };
                let hooked = hook.apply(&context, old, &new)?;
                check_hooked(&new, &hooked)?;
                row::check_replacement(old, &hooked, &task.key_datum, primary_key)?;
                Ok(hooked)
            }
            _ => Ok(new),
        }
    }

    /// Counts a row and adds its effect.
    fn accepted(
        &mut self,
        pending: &mut Pending<'_>,
        key: &Bytes,
        old: Datum,
        new: Datum,
    ) -> Result<(), TableError> {
        let changed = if old.is_null() { !new.is_null() } else { old != new };
        let new = if changed { packed_row(new)? } else { old.clone() };
        if changed {
            let (before, after) = (present(old.clone()), present(new.clone()));
            let effect = Effect { key: key.clone(), old: before, new: after };
            effect.prepare(pending.state, &mut pending.scratch);
            if let Some(error) = self.duplicate(pending, &effect)? {
                return self.refused(&old, error);
            }
            pending.add(effect);
        }
        let summary = &mut self.summary;
        *match (old.is_null(), new.is_null()) {
            (true, true) => &mut summary.skipped,
            (true, false) => &mut summary.inserted,
            (false, true) => &mut summary.deleted,
            (false, false) if changed => &mut summary.replaced,
            (false, false) => &mut summary.unchanged,
        } += 1;
        let told = match self.op.return_changes {
            ReturnChanges::No => false,
            ReturnChanges::Yes => changed,
            ReturnChanges::Always => true,
        };
        if told {
            self.tell(ChangePair { old, new, error: None })?;
        }
        Ok(())
    }

    /// Why a prepared effect must not be, when another document has a value of a unique
    /// index that it brings. Otherwise the latches of its values are held.
    fn duplicate(
        &mut self,
        pending: &mut Pending<'_>,
        effect: &Effect,
    ) -> Result<Option<RowError>, TableError> {
        if pending.values.is_none() || pending.scratch.claims.is_empty() {
            return Ok(None);
        }
        let latched = pending.latch_claims();
        if latched == Latched::Busy {
            self.commit(pending)?;
            pending.wait_for_claims();
        }
        if latched != Latched::Before {
            pending.forget_snapshot();
        }
        let snapshot = pending.snapshot().clone();
        let found = effect.duplicate(pending.state, &pending.scratch, &snapshot)?;
        Ok(found.map(|(index, duplicate)| duplicate.refusal(index)))
    }

    fn refused(&mut self, old: &Datum, error: RowError) -> Result<(), TableError> {
        self.summary.errors += 1;
        if self.summary.first_error.is_none() {
            self.summary.first_error = Some(error.message.clone());
        }
        if self.op.return_changes == ReturnChanges::Always {
            self.tell(ChangePair { old: old.clone(), new: old.clone(), error: Some(error.message) })?;
        }
        Ok(())
    }

    fn tell(&mut self, pair: ChangePair) -> Result<(), TableError> {
        if self.summary.changes.len() < RETURN_CHANGES_ROWS_MAX {
            self.summary.changes.push(pair);
            return Ok(());
        }
        let warning = format!("Too many changes, array truncated to {RETURN_CHANGES_ROWS_MAX}.");
        if !self.summary.warnings.contains(&warning) {
            self.summary.warnings.push(warning);
        }
        Ok(())
    }

    fn commit(&mut self, pending: &mut Pending<'_>) -> Result<(), TableError> {
        let effects = std::mem::take(&mut pending.effects);
        if effects.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut pending.batch);
        pending.forget_snapshot();
        let rows = effects.len() as u64;
        let position = self.table.listeners.append(self.engine, self.table.id, batch, effects)?;
        if let Some(values) = &mut pending.values {
            values.committed();
        }
        if pending.due != NEVER_DUE {
            // Not before the commit: see who raises it.
            self.table.due.fetch_min(std::mem::replace(&mut pending.due, NEVER_DUE), Ordering::AcqRel);
        }
        self.table.rows_written.fetch_add(rows, Ordering::Relaxed);
        let durability = self.op.durability.unwrap_or(pending.state.layout.durability);
        self.summary.acknowledgement =
            self.summary.acknowledgement.and(Acknowledgement::of(position, durability));
        Ok(())
    }
}

/// The rows of a chunk as they will be, and the batch that makes them so.
struct Pending<'a> {
    engine: &'a dyn Engine,
    /// Let go before a commit: pages that a snapshot holds would have to be copied.
    snapshot: Option<Arc<dyn Snapshot>>,
    /// Into the documents of the snapshot: keys of a chunk are often near one another.
    lookup: Option<Lookup>,
    state: &'a TableState,
    batch: Batch,
    effects: Vec<Effect>,
    scratch: Scratch,
    /// The latches of values of unique indexes; absent when there are none.
    values: Option<ValueLatches<'a>>,
    /// When the first of the effects' documents expires.
    due: u64,
    /// Whether the chunk has more than one row.
    several: bool,
    /// Rows of this chunk that the snapshot does not have; absent when no key can come twice.
    written: Option<FxHashMap<Bytes, Datum>>,
}

impl<'a> Pending<'a> {
    fn new(engine: &'a dyn Engine, table: &'a OpenTable, state: &'a TableState, tasks: &[Task<'_>]) -> Self {
        let keys = || tasks.iter().filter_map(|task| task.key.as_ref().ok());
        // Keys that ascend are different ones.
        let repeats = !keys().is_sorted_by(|a, b| a < b);
        Self {
            engine,
            snapshot: None,
            lookup: None,
            state,
            batch: Batch::new(),
            effects: Vec::with_capacity(tasks.len()),
            scratch: Scratch::default(),
            values: state.has_unique().then(|| ValueLatches::new(table.value_latches())),
            due: NEVER_DUE,
            several: tasks.len() > 1,
            written: repeats.then(|| FxHashMap::with_capacity_and_hasher(tasks.len(), FxBuildHasher)),
        }
    }

    /// The row as of now; null when absent.
    fn current(&mut self, key: &Bytes) -> Result<Datum, TableError> {
        if let Some(row) = self.written.as_ref().and_then(|written| written.get(key)) {
            return Ok(row.clone());
        }
        let tree = self.state.layout.tree;
        let found = match &mut self.lookup {
            Some(lookup) => lookup.get(key)?,
            None if self.several => {
                let lookup = self.snapshot().lookup(tree);
                self.lookup.insert(lookup).get(key)?
            }
            None => self.snapshot().get(tree, key)?,
        };
        match found {
            Some(bytes) => Ok(packed::decode(bytes)?),
            None => Ok(Datum::Null),
        }
    }

    fn forget_snapshot(&mut self) {
        self.lookup = None;
        self.snapshot = None;
    }

    fn snapshot(&mut self) -> &Arc<dyn Snapshot> {
        self.snapshot.get_or_insert_with(|| self.engine.snapshot())
    }

    fn latch_claims(&mut self) -> Latched {
        self.values.as_mut().map_or(Latched::Before, |values| values.take(&self.scratch.claims))
    }

    fn wait_for_claims(&mut self) {
        if let Some(values) = &mut self.values {
            values.wait(&self.scratch.claims);
        }
    }

    /// Adds an effect that has been prepared.
    fn add(&mut self, effect: Effect) {
        let due = effect.apply(self.state, &mut self.batch, &self.scratch);
        self.due = self.due.min(due);
        if let Some(values) = &mut self.values {
            values.note(&self.scratch.moved);
        }
        if let Some(written) = &mut self.written {
            written.insert(effect.key.clone(), effect.new.clone().unwrap_or(Datum::Null));
        }
        self.effects.push(effect);
    }
}

/// The key of a document that is to be inserted, after all checks that need no other row.
fn insert_key(document: &Datum, key_field: &FieldLookup) -> Result<(Datum, Bytes), RowError> {
    let key_datum = row::find_primary_key(document, key_field)?;
    let key = keys::primary(&key_datum)?;
    row::check_storable(document)?;
    Ok((key_datum, key))
}

fn resolve_conflict(
    conflict: &Conflict,
    primary_key: &str,
    key: &Datum,
    old: &Datum,
    new: &Datum,
) -> Result<Datum, RowError> {
    match conflict {
        Conflict::Error => Err(row::duplicate_key(primary_key, old, new)),
        Conflict::Replace => Ok(new.clone()),
        Conflict::Update => Ok(row::merge(old.clone(), new)),
        Conflict::Function(function) => function.resolve(key, old, new),
    }
}

fn check_hooked(new: &Datum, hooked: &Datum) -> Result<(), RowError> {
    match (new.is_null(), hooked.is_null()) {
        (true, false) => {
            Err(RowError::new("A write hook function must not turn a deletion into a replacement/insertion."))
        }
        (false, true) => {
            Err(RowError::new("A write hook function must not turn a replacement/insertion into a deletion."))
        }
        _ => Ok(()),
    }
}

/// The same row packed, so that its bytes are shared by the batch, the changes and whoever
/// they are told to.
fn packed_row(row: Datum) -> Result<Datum, TableError> {
    if row.is_null() {
        return Ok(row);
    }
    if !row.view().is_tree() {
        return Ok(row);
    }
    Ok(packed::decode(packed::encode(&row))?)
}

fn present(row: Datum) -> Option<Datum> {
    (!row.is_null()).then_some(row)
}
