//! An ordered map that is cheap to copy: states share what did not change between them.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// Entries of one chunk: an edit copies one chunk, a copy of the map the list of chunks.
const CHUNK_ENTRIES_MAX: usize = 128;

/// A map whose copies share chunks of its entries.
#[derive(Clone, Debug)]
pub(crate) struct ChunkedMap<K, V> {
    /// In order, none of them empty.
    chunks: Vec<Arc<Vec<(K, V)>>>,
    len: usize,
}

impl<K, V> Default for ChunkedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

/// An entry of two maps; absent in the one that does not have it.
pub(crate) type Difference<'a, V> = (Option<&'a V>, Option<&'a V>);

impl<K: Ord + Clone, V: Clone> ChunkedMap<K, V> {
    /// A map of entries that are in the order of their keys.
    pub(crate) fn from_sorted(entries: Vec<(K, V)>) -> Self {
        debug_assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b));
        let len = entries.len();
        let mut chunks = Vec::with_capacity(len.div_ceil(CHUNK_ENTRIES_MAX));
        let mut entries = entries.into_iter();
        while entries.len() > 0 {
            chunks.push(Arc::new(entries.by_ref().take(CHUNK_ENTRIES_MAX).collect()));
        }
        Self { chunks, len }
    }

    /// What is in one of two maps alone, or not the same in both. Chunks that they share are
    /// passed over.
    pub(crate) fn differences<'a>(
        &'a self,
        other: &'a Self,
        same: impl Fn(&V, &V) -> bool,
    ) -> Vec<Difference<'a, V>> {
        let (mut old, mut new) = (Place::of(self), Place::of(other));
        let mut different = Vec::new();
        loop {
            if let (Some(a), Some(b)) = (old.chunk_begun(), new.chunk_begun())
                && Arc::ptr_eq(a, b)
            {
                old.pass_chunk();
                new.pass_chunk();
                continue;
            }
            let order = match (old.entry(), new.entry()) {
                (None, None) => return different,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let before = if order.is_le() { old.next() } else { None };
            let after = if order.is_ge() { new.next() } else { None };
            if !matches!((before, after), (Some(a), Some(b)) if same(a, b)) {
                different.push((before, after));
            }
        }
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let at = chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        chunk.get(at).map(|(_, value)| value)
    }

    /// Puts an entry; gives the value that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        // A key behind all others goes into the last chunk.
        let number = self.chunk_of(&key).min(self.chunks.len().saturating_sub(1));
        let Some(shared) = self.chunks.get_mut(number) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            self.len = 1;
            return None;
        };
        let chunk = Arc::make_mut(shared);
        match chunk.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => {
                chunk.insert(at, (key, value));
                self.len += 1;
                if chunk.len() > CHUNK_ENTRIES_MAX {
                    let upper = chunk.split_off(CHUNK_ENTRIES_MAX / 2);
                    self.chunks.insert(number + 1, Arc::new(upper));
                }
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let number = self.chunk_of(key);
        let shared = self.chunks.get_mut(number)?;
        let at = shared.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        let chunk = Arc::make_mut(shared);
        let (_, value) = chunk.remove(at);
        if chunk.is_empty() {
            self.chunks.remove(number);
        }
        self.len -= 1;
        Some(value)
    }

    /// The values in the order of their keys.
    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        let values = self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(_, value)| value));
        Counted { values, left: self.len }
    }

    /// The chunk that a key is in, if anywhere.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|(last, _)| last.borrow() < key))
    }
}

/// A place between two entries of a map.
struct Place<'a, K, V> {
    /// From the chunk that the next entry is in.
    chunks: &'a [Arc<Vec<(K, V)>>],
    /// The next entry in it.
    at: usize,
}

impl<'a, K, V> Place<'a, K, V> {
    fn of(map: &'a ChunkedMap<K, V>) -> Self {
        Self { chunks: &map.chunks, at: 0 }
    }

    fn entry(&self) -> Option<&'a (K, V)> {
        self.chunks.first()?.get(self.at)
    }

    /// The chunk that the next entry is the first of.
    fn chunk_begun(&self) -> Option<&'a Arc<Vec<(K, V)>>> {
        self.chunks.first().filter(|_| self.at == 0)
    }

    fn pass_chunk(&mut self) {
        self.chunks = self.chunks.get(1..).unwrap_or_default();
        self.at = 0;
    }

    fn next(&mut self) -> Option<&'a V> {
        let (_, value) = self.entry()?;
        self.at += 1;
        if self.chunks.first().is_some_and(|chunk| chunk.len() == self.at) {
            self.pass_chunk();
        }
        Some(value)
    }
}

/// An iterator whose length is known.
struct Counted<I> {
    values: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.values.next()?;
        self.left -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use photondb_base::{Random, SeededRandom};

    use super::*;

    #[test]
    fn equals_a_plain_map() {
        let random = SeededRandom::new(1);
        let (mut map, mut plain) = (ChunkedMap::default(), BTreeMap::new());
        let mut copies = Vec::new();
        for step in 0..20_000u64 {
            let key = random.below(3000);
            if random.below(5) < if step < 10_000 { 3 } else { 1 } {
                assert_eq!(map.insert(key, step), plain.insert(key, step));
            } else {
                assert_eq!(map.remove(&key), plain.remove(&key));
            }
            assert_eq!(map.get(&key), plain.get(&key));
            if step % 2000 == 0 {
                copies.push((map.clone(), plain.clone()));
            }
        }
        copies.push((map, plain));
        for (map, plain) in copies {
            assert_eq!(map.values().len(), plain.len());
            assert!(map.values().eq(plain.values()));
            assert!(plain.iter().all(|(key, value)| map.get(key) == Some(value)));
            assert!(map.chunks.iter().all(|chunk| (1..=CHUNK_ENTRIES_MAX).contains(&chunk.len())));
            let copied = ChunkedMap::from_sorted(plain.iter().map(|(k, v)| (*k, *v)).collect());
            assert!(copied.values().len() == plain.len() && copied.values().eq(plain.values()));
            assert!(plain.iter().all(|(key, value)| copied.get(key) == Some(value)));
        }
    }

    #[test]
    fn tells_what_is_different() {
        let random = SeededRandom::new(2);
        let mut map = ChunkedMap::default();
        for edits in [3000, 0, 1, 5, 300] {
            let old: ChunkedMap<u64, u64> = map.clone();
            for edit in 0..edits {
                let key = random.below(4000);
                match random.below(4) {
                    0 => map.remove(&key),
                    _ => map.insert(key, key * 10_000 + edit),
                };
            }
            let mut expected = Vec::new();
            for key in 0..4000 {
                let (before, after) = (old.get(&key), map.get(&key));
                if before != after {
                    expected.push((before, after));
                }
            }
            assert_eq!(old.differences(&map, |a, b| a == b), expected);
        }
    }
}
