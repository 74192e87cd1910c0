//! An ordered map that is cheap to copy: states share what did not change between them.

use std::borrow::Borrow;
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

impl<K: Ord + Clone, V: Clone> ChunkedMap<K, V> {
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
        }
    }
}
