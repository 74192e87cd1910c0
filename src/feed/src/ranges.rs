//! Ranges by what lies in them: who asks for all ranges around a key pays for those that are
//! found, not for those that are there.

use std::cmp::Ordering;
use std::ops::Bound;

/// Ranges with a value each. Sorted by where they start, as a balanced tree without pointers:
/// the middle of a run is the root of its halves and knows how far the run reaches. New ones
/// are kept aside until they are worth a sort.
pub(crate) struct Ranges<K, V> {
    sorted: Vec<Entry<K, V>>,
    recent: Vec<Entry<K, V>>,
    /// Entries of `sorted` without value.
    dead: usize,
}

struct Entry<K, V> {
    start: Bound<K>,
    end: Bound<K>,
    /// The entry of the run below and around this one that ends last.
    furthest: usize,
    /// Absent when the range was removed.
    value: Option<V>,
}

/// How many ranges are kept aside at least before they are sorted in.
const RECENT_MIN: usize = 32;

impl<K, V> Default for Ranges<K, V> {
    fn default() -> Self {
        Self { sorted: Vec::new(), recent: Vec::new(), dead: 0 }
    }
}

impl<K: Ord, V> Ranges<K, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.sorted.len() == self.dead
    }

    pub(crate) fn add(&mut self, start: Bound<K>, end: Bound<K>, value: V) {
        self.recent.push(Entry { start, end, furthest: 0, value: Some(value) });
        // The square root of all: neither looking at these nor sorting them in costs much.
        let count = self.recent.len();
        if count > RECENT_MIN && count * count > self.sorted.len() {
            self.sort();
        }
    }

    /// Removes a range with this start whose value is meant.
    pub(crate) fn remove(&mut self, start: &Bound<K>, mut is_meant: impl FnMut(&V) -> bool) {
        let mut is_meant = |entry: &Entry<K, V>| entry.value.as_ref().is_some_and(&mut is_meant);
        if let Some(at) = self.recent.iter().position(&mut is_meant) {
            self.recent.swap_remove(at);
            return;
        }
        let from = self.sorted.partition_point(|entry| compare_starts(&entry.start, start).is_lt());
        let found = self.sorted.iter_mut().skip(from).find(|entry| is_meant(entry));
        if let Some(entry) = found {
            entry.value = None;
            self.dead += 1;
        }
        if self.dead * 2 > self.sorted.len() {
            self.sort();
        }
    }

    /// Visits the value of each range that the key lies in.
    pub(crate) fn around(&self, key: &K, visit: &mut impl FnMut(&V)) {
        for entry in &self.recent {
            entry.visit_if_around(key, visit);
        }
        self.around_in(0, self.sorted.len(), key, visit);
    }

    /// Visits every value.
    pub(crate) fn for_each(&self, visit: &mut impl FnMut(&V)) {
        self.sorted.iter().chain(&self.recent).filter_map(|entry| entry.value.as_ref()).for_each(visit);
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = V> {
        self.sorted.into_iter().chain(self.recent).filter_map(|entry| entry.value)
    }

    fn around_in(&self, from: usize, to: usize, key: &K, visit: &mut impl FnMut(&V)) {
        let middle = from + (to - from) / 2;
        let Some(entry) = self.sorted.get(middle).filter(|_| from < to) else { return };
        if self.sorted.get(entry.furthest).is_none_or(|furthest| !is_before_end(key, &furthest.end)) {
            return;
        }
        self.around_in(from, middle, key, visit);
        if is_after_start(key, &entry.start) {
            entry.visit_if_around(key, visit);
            self.around_in(middle + 1, to, key, visit);
        }
    }

    fn sort(&mut self) {
        self.sorted.append(&mut self.recent);
        self.sorted.retain(|entry| entry.value.is_some());
        self.dead = 0;
        self.sorted.sort_by(|left, right| compare_starts(&left.start, &right.start));
        self.find_furthest(0, self.sorted.len());
    }

    /// The entry of a run that ends last; noted at the roots of the run and of its halves.
    fn find_furthest(&mut self, from: usize, to: usize) -> Option<usize> {
        if from >= to {
            return None;
        }
        let middle = from + (to - from) / 2;
        let below = [self.find_furthest(from, middle), self.find_furthest(middle + 1, to)];
        let furthest = below.into_iter().flatten().fold(middle, |furthest, other| {
            if compare_ends(&self.sorted[other].end, &self.sorted[furthest].end).is_gt() {
                other
            } else {
                furthest
            }
        });
        self.sorted[middle].furthest = furthest;
        Some(furthest)
    }
}

impl<K: Ord, V> Entry<K, V> {
    fn visit_if_around(&self, key: &K, visit: &mut impl FnMut(&V)) {
        if let Some(value) = &self.value
            && is_after_start(key, &self.start)
            && is_before_end(key, &self.end)
        {
            visit(value);
        }
    }
}

fn is_after_start<K: Ord>(key: &K, start: &Bound<K>) -> bool {
    match start {
        Bound::Unbounded => true,
        Bound::Included(start) => key >= start,
        Bound::Excluded(start) => key > start,
    }
}

fn is_before_end<K: Ord>(key: &K, end: &Bound<K>) -> bool {
    match end {
        Bound::Unbounded => true,
        Bound::Included(end) => key <= end,
        Bound::Excluded(end) => key < end,
    }
}

fn compare_starts<K: Ord>(left: &Bound<K>, right: &Bound<K>) -> Ordering {
    let parts = |bound| match bound {
        &Bound::Unbounded => (None, false),
        Bound::Included(key) => (Some(key), false),
        Bound::Excluded(key) => (Some(key), true),
    };
    parts(left).cmp(&parts(right))
}

fn compare_ends<K: Ord>(left: &Bound<K>, right: &Bound<K>) -> Ordering {
    let parts = |bound| match bound {
        &Bound::Unbounded => (true, None, false),
        Bound::Included(key) => (false, Some(key), true),
        Bound::Excluded(key) => (false, Some(key), false),
    };
    parts(left).cmp(&parts(right))
}

#[cfg(test)]
mod tests {
    use photondb_base::{Random, SeededRandom};

    use super::*;

    fn bound(random: &SeededRandom) -> Bound<u64> {
        match random.below(8) {
            0 => Bound::Unbounded,
            1..4 => Bound::Included(random.below(50)),
            _ => Bound::Excluded(random.below(50)),
        }
    }

    #[test]
    fn exactly_the_ranges_around_a_key_are_found() {
        for seed in 0..30 {
            let random = SeededRandom::new(seed);
            let mut ranges = Ranges::default();
            let mut model: Vec<(Bound<u64>, Bound<u64>, u64)> = Vec::new();
            for number in 0..600 {
                if random.below(3) == 0 && !model.is_empty() {
                    let (start, _, number) = model.swap_remove(random.below(model.len() as u64) as usize);
                    ranges.remove(&start, |other| *other == number);
                } else {
                    let (start, end) = (bound(&random), bound(&random));
                    ranges.add(start, end, number);
                    model.push((start, end, number));
                }
                let key = random.below(52);
                let mut found = Vec::new();
                ranges.around(&key, &mut |number: &u64| found.push(*number));
                found.sort_unstable();
                let is_around = |(start, end, _): &&(Bound<u64>, Bound<u64>, u64)| {
                    is_after_start(&key, start) && is_before_end(&key, end)
                };
                let mut expected: Vec<u64> =
                    model.iter().filter(is_around).map(|(_, _, number)| *number).collect();
                expected.sort_unstable();
                assert_eq!(found, expected, "seed {seed}");
                assert_eq!(ranges.is_empty(), model.is_empty());
            }
        }
    }
}
