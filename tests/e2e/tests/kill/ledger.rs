//! What one writer wrote and what it was told about it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Documents differ in size, so that some lie inside a node and others outside.
const PAYLOAD_BYTES: [usize; 4] = [10, 300, 3_000, 20_000];
/// How many groups the secondary index has.
pub const GROUPS: u64 = 7;

/// One document's content follows from its key and version, so that half of a write shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u64);

/// A write whose answer has not come: each key may hold the state before or after it.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The state after the write, by key.
    pub after: BTreeMap<u64, Option<Version>>,
}

/// One writer's documents. Only this writer touches them.
#[derive(Debug)]
pub struct Ledger {
    writer: usize,
    state: BTreeMap<u64, Version>,
    pending: Option<Pending>,
    next_key: u64,
    next_version: u64,
    acknowledged: u64,
}

impl Ledger {
    /// An empty one.
    pub fn new(writer: usize) -> Self {
        Self { writer, state: BTreeMap::new(), pending: None, next_key: 0, next_version: 0, acknowledged: 0 }
    }

    /// Which writer's this is.
    pub fn writer(&self) -> usize {
        self.writer
    }

    /// How many writes were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.state.len()
    }

    /// A key that was never used.
    pub fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// A version that was never used.
    pub fn new_version(&mut self) -> Version {
        self.next_version += 1;
        Version(self.next_version)
    }

    /// The key at `place` (modulo their number) of those that exist.
    pub fn existing_key(&self, place: u64) -> Option<u64> {
        let count = self.state.len() as u64;
        if count == 0 { None } else { self.state.keys().nth((place % count) as usize).copied() }
    }

    /// Notes what is about to be sent.
    pub fn begin(&mut self, after: BTreeMap<u64, Option<Version>>) {
        assert!(self.pending.is_none(), "a writer waits for its answers");
        self.pending = Some(Pending { after });
    }

    /// The answer came: the write must never be missing from now on.
    pub fn acknowledge(&mut self) {
        let pending = self.pending.take().expect("an answer to a write");
        for (key, version) in pending.after {
            self.set(key, version);
        }
        self.acknowledged += 1;
    }

    /// Compares with what the server has (`found`, by key), and takes over the state of the
    /// one write that had no answer.
    ///
    /// # Errors
    /// The first difference.
    pub fn reconcile(&mut self, found: &BTreeMap<u64, Value>) -> Result<(), String> {
        let pending = self.pending.take().map(|pending| pending.after).unwrap_or_default();
        for key in found.keys() {
            if !self.state.contains_key(key) && !pending.contains_key(key) {
                return Err(format!("key {key} is there and should not be: {}", found[key]));
            }
        }
        let keys: Vec<u64> = self.state.keys().chain(pending.keys()).copied().collect();
        for key in keys {
            let before = self.state.get(&key).copied();
            let after = pending.get(&key).copied().unwrap_or(before);
            let matches = |version: Option<Version>| {
                found.get(&key) == version.map(|version| self.document(key, version)).as_ref()
            };
            if matches(after) {
                self.set(key, after);
            } else if !matches(before) {
                let shown = found.get(&key).map(|document| document.to_string().chars().take(200).collect());
                let shown: String = shown.unwrap_or_else(|| "nothing".to_owned());
                return Err(format!("key {key} should hold {before:?} or {after:?}, found {shown}"));
            }
        }
        Ok(())
    }

    /// The document of a key at a version.
    pub fn document(&self, key: u64, Version(version): Version) -> Value {
        let bytes = PAYLOAD_BYTES[(version % PAYLOAD_BYTES.len() as u64) as usize];
        let unit = format!("{}-{key}-{version};", self.writer);
        let payload: String = unit.chars().cycle().take(bytes).collect();
        json!({
            "id": [self.writer, key],
            "version": version,
            "group": (key + version) % GROUPS,
            "tags": [format!("v{}", version % 3), format!("w{}", self.writer)],
            "payload": payload,
        })
    }

    fn set(&mut self, key: u64, version: Option<Version>) {
        match version {
            Some(version) => self.state.insert(key, version),
            None => self.state.remove(&key),
        };
    }
}

/// The judge is judged first: each kind of loss must be seen.
mod canary {
    use super::*;

    /// Key 1 at version 1 is acknowledged, key 2 at version 2 is not.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(3);
        ledger.begin(BTreeMap::from([(1, Some(Version(1)))]));
        ledger.acknowledge();
        ledger.begin(BTreeMap::from([(2, Some(Version(2)))]));
        ledger
    }

    #[track_caller]
    fn check(found: &[(u64, u64)], agrees: bool) {
        let mut ledger = ledger();
        let found =
            found.iter().map(|&(key, version)| (key, ledger.document(key, Version(version)))).collect();
        assert_eq!(ledger.reconcile(&found).is_ok(), agrees);
    }

    #[test]
    fn a_write_without_an_answer_may_be_there_or_not() {
        check(&[(1, 1)], true);
        check(&[(1, 1), (2, 2)], true);
    }

    #[test]
    fn lost_foreign_and_stale_documents_are_seen() {
        check(&[], false);
        check(&[(2, 2)], false);
        check(&[(1, 1), (3, 3)], false);
        check(&[(1, 4)], false);
        check(&[(1, 1), (2, 5)], false);
    }

    #[test]
    fn half_of_a_document_is_seen() {
        let mut ledger = ledger();
        let mut document = ledger.document(1, Version(1));
        document["payload"] = json!("");
        assert!(ledger.reconcile(&BTreeMap::from([(1, document)])).is_err());
    }

    #[test]
    fn what_was_found_holds_from_then_on() {
        let mut ledger = ledger();
        let both = [(1, 1), (2, 2)].map(|(key, version)| (key, ledger.document(key, Version(version))));
        ledger.reconcile(&BTreeMap::from(both.clone())).expect("both may be there");
        let [first, _second] = both;
        ledger.reconcile(&BTreeMap::from([first])).expect_err("the second must stay now");
    }
}
