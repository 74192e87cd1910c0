//! A disk in memory that behaves as badly as a real one may: what was not synced can be lost,
//! torn at sectors or reach the platter in another order. Deterministic by seed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use photondb_base::{Random, SeededRandom};

use super::{Disk, DiskFile};

/// What a disk writes as one.
const SECTOR_BYTES: usize = 512;

/// How much of what was not synced survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    DropUnsynced,
    /// Everything up to some moment; the last write may be torn.
    Prefix,
    /// Any subset, in any order of arrival, each write torn at sectors.
    Reorder,
    /// Everything: a killed process, not a power cut.
    KeepAll,
}

/// What a disk is about to do, given to an observer before it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedEvent {
    /// A write, a change of length or a hole.
    Write,
    /// A file sync.
    Sync,
    /// A creation, removal or new name of a file.
    Directory,
    /// A directory sync.
    SyncDirectory,
}

type Observer = Arc<dyn Fn(&SimulatedDisk, SimulatedEvent) + Send + Sync>;

/// A disk in memory. Clones share it.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    observer: Arc<Mutex<Option<Observer>>>,
}

#[derive(Default)]
struct State {
    /// What the process sees: names to files.
    names: BTreeMap<String, usize>,
    /// What a power cut leaves of the names if nothing pending is kept.
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    files: Vec<FileState>,
    capacity_bytes: Option<u64>,
    ignore_syncs: bool,
    fail_writes: bool,
    fail_syncs: bool,
    fail_reads: bool,
    operations: u64,
}

#[derive(Clone)]
enum NameChange {
    Create(String, usize),
    Remove(String),
    Rename(String, String, usize),
}

#[derive(Clone, Default)]
struct FileState {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `observer` before every change and sync, or stops doing so. The observer may take
    /// images of the disk; it must not write to it.
    pub fn observe(&self, observer: Option<Observer>) {
        *self.observer.lock() = observer;
    }

    /// Limits the sum of all file lengths; writes beyond fail as on a full disk.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity_bytes = bytes;
    }

    /// Makes syncs return at once without doing anything: a lying disk, or a forgotten sync.
    pub fn set_ignore_syncs(&self, ignore: bool) {
        self.state.lock().ignore_syncs = ignore;
    }

    /// Makes writes fail with an I/O error.
    pub fn set_fail_writes(&self, fail: bool) {
        self.state.lock().fail_writes = fail;
    }

    /// Makes syncs fail with an I/O error.
    pub fn set_fail_syncs(&self, fail: bool) {
        self.state.lock().fail_syncs = fail;
    }

    /// Makes reads fail with an I/O error.
    pub fn set_fail_reads(&self, fail: bool) {
        self.state.lock().fail_reads = fail;
    }

    /// Changes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Sum of all file lengths.
    pub fn bytes_used(&self) -> u64 {
        self.state.lock().bytes_used()
    }

    /// The bytes of a file as a process sees them.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        let index = *state.names.get(name)?;
        Some(state.files.get(index)?.current.clone())
    }

    /// Replaces the bytes of a file, durably: damage for tests.
    pub fn set_contents(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state.lock();
        let index = match state.names.get(name) {
            Some(index) => *index,
            None => {
                state.files.push(FileState::default());
                let index = state.files.len() - 1;
                state.names.insert(name.to_owned(), index);
                state.durable_names.insert(name.to_owned(), index);
                index
            }
        };
        if let Some(file) = state.files.get_mut(index) {
            *file = FileState { current: bytes.clone(), durable: bytes, pending: Vec::new() };
        }
    }

    /// The disk as it may be found after a power cut at this moment. The original goes on.
    pub fn after_cut(&self, cut: Cut, seed: u64) -> Self {
        let state = self.state.lock();
        let random = SeededRandom::new(seed);
        let mut names = state.durable_names.clone();
        // Directory changes are journalled by every file system: they survive in order.
        let kept = match cut {
            Cut::DropUnsynced => 0,
            Cut::KeepAll => state.pending_names.len(),
            Cut::Prefix | Cut::Reorder => random.below(state.pending_names.len() as u64 + 1) as usize,
        };
        for change in state.pending_names.iter().take(kept) {
            match change {
                NameChange::Create(name, file) => {
                    names.insert(name.clone(), *file);
                }
                NameChange::Remove(name) => {
                    names.remove(name);
                }
                NameChange::Rename(from, to, file) => {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
            }
        }
        let image = Self::new();
        {
            let mut target = image.state.lock();
            for (name, index) in names {
                let Some(file) = state.files.get(index) else { continue };
                let bytes = file.after_cut(cut, &random);
                let index = target.files.len();
                target.files.push(FileState { current: bytes.clone(), durable: bytes, pending: Vec::new() });
                target.names.insert(name.clone(), index);
                target.durable_names.insert(name, index);
            }
        }
        image
    }

    fn announce(&self, event: SimulatedEvent) {
        let observer = self.observer.lock().clone();
        if let Some(observer) = observer {
            observer(self, event);
        }
        self.state.lock().operations += 1;
    }
}

impl State {
    fn bytes_used(&self) -> u64 {
        self.names.values().filter_map(|index| self.files.get(*index)).map(|f| f.current.len() as u64).sum()
    }

    fn check_room(&self, index: usize, length: usize) -> io::Result<()> {
        let Some(capacity) = self.capacity_bytes else { return Ok(()) };
        let now = self.files.get(index).map_or(0, |file| file.current.len());
        let grows = length.saturating_sub(now) as u64;
        if grows > 0 && self.bytes_used() + grows > capacity {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn check_writes(&self) -> io::Result<()> {
        if self.fail_writes { Err(io::Error::other("simulated write failure")) } else { Ok(()) }
    }
}

impl FileState {
    fn after_cut(&self, cut: Cut, random: &SeededRandom) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        match cut {
            Cut::DropUnsynced => {}
            Cut::KeepAll => bytes.clone_from(&self.current),
            Cut::Prefix => {
                let kept = random.below(self.pending.len() as u64 + 1) as usize;
                for change in self.pending.iter().take(kept) {
                    apply(&mut bytes, change);
                }
                if let Some(torn) = self.pending.get(kept) {
                    apply_torn(&mut bytes, torn, random, true);
                }
            }
            Cut::Reorder => {
                // The page cache holds one version of a place, so writes to one place never
                // overtake each other: any order comes down to which of them are lost.
                let mut kept: Vec<bool> = Vec::new();
                let chance = random.below(5);
                for _ in &self.pending {
                    kept.push(random.below(4) < chance);
                }
                for (change, kept) in self.pending.iter().zip(kept) {
                    if kept {
                        if random.below(4) == 0 {
                            apply_torn(&mut bytes, change, random, false);
                        } else {
                            apply(&mut bytes, change);
                        }
                    }
                }
            }
        }
        bytes
    }
}

fn apply(target: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => write_at(target, *offset, bytes),
        Change::Length(length) => target.resize(*length, 0),
    }
}

/// Applies some sectors of a write: the first ones, or any.
fn apply_torn(target: &mut Vec<u8>, change: &Change, random: &SeededRandom, in_order: bool) {
    let Change::Write { offset, bytes } = change else { return };
    let sectors = (offset % SECTOR_BYTES + bytes.len()).div_ceil(SECTOR_BYTES).max(1) as u64;
    let first = random.below(sectors + 1);
    let mut done = 0;
    let mut sector = 0;
    while done < bytes.len() {
        let room = SECTOR_BYTES - (offset + done) % SECTOR_BYTES;
        let end = (done + room).min(bytes.len());
        let keep = if in_order { sector < first } else { random.below(2) == 0 };
        if let (true, Some(piece)) = (keep, bytes.get(done..end)) {
            write_at(target, offset + done, piece);
        }
        done = end;
        sector += 1;
    }
}

fn write_at(target: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    if let Some(place) = target.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state.lock();
        let index = *state.names.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), index }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.announce(SimulatedEvent::Directory);
        let mut state = self.state.lock();
        state.check_writes()?;
        state.files.push(FileState::default());
        let index = state.files.len() - 1;
        state.names.insert(name.to_owned(), index);
        state.pending_names.push(NameChange::Create(name.to_owned(), index));
        Ok(Arc::new(SimulatedFile { disk: self.clone(), index }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state.lock().names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.announce(SimulatedEvent::Directory);
        let mut state = self.state.lock();
        state.check_writes()?;
        state.names.remove(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        state.pending_names.push(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.announce(SimulatedEvent::Directory);
        let mut state = self.state.lock();
        state.check_writes()?;
        let index = state.names.remove(from).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        state.names.insert(to.to_owned(), index);
        state.pending_names.push(NameChange::Rename(from.to_owned(), to.to_owned(), index));
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.announce(SimulatedEvent::SyncDirectory);
        let mut state = self.state.lock();
        if state.fail_syncs {
            return Err(io::Error::other("simulated sync failure"));
        }
        if !state.ignore_syncs {
            state.durable_names = state.names.clone();
            state.pending_names.clear();
        }
        Ok(())
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    index: usize,
}

impl SimulatedFile {
    fn change(&self, change: Change) -> io::Result<()> {
        self.disk.announce(SimulatedEvent::Write);
        let mut state = self.disk.state.lock();
        state.check_writes()?;
        let length = match &change {
            Change::Write { offset, bytes } => offset + bytes.len(),
            Change::Length(length) => *length,
        };
        state.check_room(self.index, length)?;
        let file = state.file(self.index)?;
        apply(&mut file.current, &change);
        file.pending.push(change);
        Ok(())
    }
}

impl State {
    fn file(&mut self, index: usize) -> io::Result<&mut FileState> {
        self.files.get_mut(index).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl DiskFile for SimulatedFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        if state.fail_reads {
            return Err(io::Error::other("simulated read failure"));
        }
        let file = state.file(self.index)?;
        let start = offset as usize;
        let piece = file.current.get(start..start + buffer.len());
        let piece = piece.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        buffer.copy_from_slice(piece);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(Change::Write { offset: offset as usize, bytes: bytes.to_vec() })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.announce(SimulatedEvent::Sync);
        let mut state = self.disk.state.lock();
        if state.fail_syncs {
            return Err(io::Error::other("simulated sync failure"));
        }
        if state.ignore_syncs {
            return Ok(());
        }
        let file = state.file(self.index)?;
        for change in std::mem::take(&mut file.pending) {
            apply(&mut file.durable, &change);
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().file(self.index)?.current.len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.change(Change::Length(length as usize))
    }

    fn punch_hole(&self, offset: u64, length: u64) -> io::Result<()> {
        let end = (offset + length).min(self.length()?);
        if end <= offset {
            return Ok(());
        }
        self.change(Change::Write { offset: offset as usize, bytes: vec![0; (end - offset) as usize] })
    }
}
