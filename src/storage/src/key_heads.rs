//! What a search in a node looks at before it looks at the node.
//!
//! A search that halves an 8 kB node reads another line of memory with each step, and waits for
//! most of them. The heads of some of its keys lie together on one line: they leave few keys, of a
//! leaf with documents mostly the right one. Of an internal node, of which there are few and each is
//! searched often, the heads of all keys lie together: mostly no key is looked at.

use std::cmp::Ordering;
use std::ops::Range;

use crate::search::{ShortPrefix, search_between};

/// As many as fill a line of memory.
const HEADS: usize = 16;

/// The first bytes of some of a node's keys, evenly spaced, behind what the keys have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyHeads {
    /// Ascending; those that stand for no key are the largest number.
    heads: [u32; HEADS],
    /// The key that the first head belongs to.
    first: u16,
    /// From the key of one head to that of the next.
    step: u16,
    /// Keys of the node.
    count: u16,
    /// Bytes before the heads that all keys from the first on share.
    shared: u16,
    /// These bytes.
    shared_head: ShortPrefix,
    /// The heads of all keys, of a node where that is worth it; `heads` and `step` are then not used.
    all: Vec<u32>,
}

impl KeyHeads {
    /// Takes the heads of keys from `first` to before `count`, which ascend.
    pub(crate) fn of<'a>(first: usize, count: usize, key: impl Fn(usize) -> &'a [u8]) -> Self {
        let mut heads = Self::of_some(first, count, &key);
        if heads.step > 1 {
            let shared = heads.shared();
            heads.all =
                (first..count).map(|index| head(key(index).get(shared..).unwrap_or_default())).collect();
        }
        heads
    }

    /// Takes only those that fill a line.
    pub(crate) fn of_some<'a>(first: usize, count: usize, key: impl Fn(usize) -> &'a [u8]) -> Self {
        let keys = count.saturating_sub(first);
        let (shared, shared_head) = match keys {
            0 | 1 => (0, ShortPrefix::default()),
            _ => {
                let shared = crate::page::shared_prefix(key(first), key(count - 1));
                (shared, ShortPrefix::of(key(first).get(..shared).unwrap_or_default()))
            }
        };
        let step = keys.div_ceil(HEADS).max(1);
        let mut heads = [u32::MAX; HEADS];
        for (slot, index) in heads.iter_mut().zip((first..count).step_by(step)) {
            *slot = head(key(index).get(shared..).unwrap_or_default());
        }
        let [first, step, count, shared] = [first, step, count, shared].map(|number| number as u16);
        Self { heads, first, step, count, shared, shared_head, all: Vec::new() }
    }

    /// The memory that is not in here.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.all.capacity() * size_of::<u32>()
    }

    /// Takes the head of a key that comes to be number `index`, of a node that begins with `first_key`
    /// as far as is known here. `false` when the heads have to be taken anew.
    pub(crate) fn insert<'a>(
        &mut self,
        index: usize,
        key: &[u8],
        first_key: impl FnOnce() -> &'a [u8],
    ) -> bool {
        let shared = || first_key().get(..self.shared()).unwrap_or_default();
        let rest = self.shared_head.cut(self.shared(), key, shared);
        match (rest, index.checked_sub(self.first())) {
            (Ok(rest), Some(place)) if !self.all.is_empty() && place <= self.all.len() => {
                self.all.insert(place, head(rest));
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    fn shared(&self) -> usize {
        usize::from(self.shared)
    }

    fn first(&self) -> usize {
        usize::from(self.first)
    }

    /// Where a key is among those that the heads were taken of, or where it would be.
    pub(crate) fn search<'a>(&self, sought: &[u8], key: impl Fn(usize) -> &'a [u8]) -> Result<usize, usize> {
        let shared = || key(self.first()).get(..self.shared()).unwrap_or_default();
        match self.shared_head.cut(self.shared(), sought, shared) {
            Ok(behind) => search_between(self.narrow(behind), sought, key),
            Err(Ordering::Less) => Err(self.count.into()),
            Err(_) => Err(self.first().min(self.count.into())),
        }
    }

    /// Where a key is to be looked for, by what follows the shared bytes: it is behind all keys
    /// before the range, and before all keys behind it.
    fn narrow(&self, rest: &[u8]) -> Range<usize> {
        let head = head(rest);
        if !self.all.is_empty() {
            let below = self.all.partition_point(|other| *other < head);
            let equal = self.all.iter().skip(below).take_while(|other| **other == head).count();
            let low = self.first() + below;
            return low..low + equal;
        }
        // Counting all of them takes no jump that a processor could foresee wrongly.
        let below = self.heads.iter().filter(|other| **other < head).count();
        let not_above = self.heads.iter().filter(|other| **other <= head).count();
        let place = |number: usize| (self.first() + number * usize::from(self.step)).min(self.count.into());
        let low = below.checked_sub(1).map_or(self.first(), |last| (place(last) + 1).min(self.count.into()));
        low..place(not_above)
    }
}

/// Four bytes as a number that orders like them; what is missing counts as zero, so that equal
/// heads say nothing.
pub(crate) fn head(bytes: &[u8]) -> u32 {
    match bytes.first_chunk() {
        Some(chunk) => u32::from_be_bytes(*chunk),
        None => bytes.iter().enumerate().fold(0, |head, (at, byte)| head | u32::from(*byte) << (24 - 8 * at)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Keys of few different bytes, so that heads are often equal, short, or full of zeros.
    fn keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![Just(0), Just(1), Just(b'k'), Just(u8::MAX)];
        let tails = prop::collection::btree_set(prop::collection::vec(byte.clone(), 0..7), 1..60);
        (prop::collection::vec(byte, 0..4), tails).prop_map(|(head, tails): (_, BTreeSet<Vec<u8>>)| {
            tails.into_iter().map(|tail| [head.clone(), tail].concat()).collect()
        })
    }

    proptest! {
        #[test]
        fn a_key_is_never_outside_of_where_it_is_to_be_looked_for(keys in keys(), first in 0..2_usize) {
            let all = KeyHeads::of(first, keys.len(), |index| &keys[index]);
            let some = KeyHeads::of_some(first, keys.len(), |index| &keys[index]);
            let Some(known) = keys.get(first..).filter(|known| !known.is_empty()) else { return Ok(()) };
            let shared = &known[0][..all.shared()];
            for sought in keys.iter().chain([[shared, b"j"].concat(), [shared, b"\xff\xff\xff\xff\xff\xff\xff"].concat()].iter()) {
                let Some(rest) = sought.strip_prefix(shared) else { continue };
                let place = first + known.partition_point(|key| key < sought);
                for range in [&all, &some].map(|heads| heads.narrow(rest)) {
                    prop_assert!(range.start <= place && place <= range.end, "{sought:?}: {place}, not in {range:?}");
                    prop_assert!(range.end <= keys.len());
                    if keys.get(place) == Some(sought) {
                        prop_assert!(range.contains(&place));
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn heads_that_are_added_are_as_good_as_those_taken_at_once(keys in keys(), added in any::<prop::sample::Index>()) {
            prop_assume!(keys.len() > 2);
            let added = 1 + added.index(keys.len() - 1);
            let mut fewer = keys.clone();
            let key = fewer.remove(added);
            let mut heads = KeyHeads::of(1, fewer.len(), |index| &fewer[index]);
            if heads.insert(added, &key, || &fewer[1]) {
                for sought in &keys[1..] {
                    prop_assert_eq!(heads.search(sought, |index| &keys[index]).ok(), keys.iter().position(|key| key == sought));
                }
            } else {
                prop_assert!(fewer.len() <= HEADS + 1 || !key.starts_with(&fewer[1][..heads.shared()]));
            }
        }
    }

    #[test]
    fn few_different_keys_are_told_apart_by_their_heads() {
        let keys: Vec<String> = (0..10 * HEADS).map(|index| format!("user{:09}", 1_000 * index)).collect();
        let key = |index: usize| keys[index].as_bytes();
        for heads in [KeyHeads::of(0, keys.len(), key), KeyHeads::of_some(0, HEADS, key)] {
            for (index, key) in keys.iter().take(usize::from(heads.count)).enumerate() {
                assert_eq!(heads.narrow(&key.as_bytes()[heads.shared()..]), index..index + 1);
            }
        }
    }
}
