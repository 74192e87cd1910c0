//! From a change to the channels that want it, without asking each of them.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{IndexId, TableId};
use photondb_datum::Datum;
use photondb_plan::feed::Wake;
use photondb_table::{Change, DatumRange, Shards};
use smallvec::SmallVec;

use crate::channel::Channel;
use crate::interest::Interest;
use crate::ranges::Ranges;

type Channels = SmallVec<[Arc<Channel>; 1]>;

/// Whom to wake for a change.
pub(crate) type Wakes = SmallVec<[Wake; 4]>;

/// The channels of one table by what they want.
#[derive(Default)]
pub(crate) struct Routes {
    /// Those that want every change.
    all: Vec<Arc<Channel>>,
    points: HashMap<Bytes, Channels>,
    ranges: Ranges<Bytes, Arc<Channel>>,
    indexes: HashMap<IndexId, IndexRoutes>,
}

/// Channels by values of an index.
#[derive(Default)]
struct IndexRoutes {
    points: HashMap<Datum, Channels>,
    ranges: Ranges<Datum, Arc<Channel>>,
}

impl Routes {
    pub(crate) fn add(&mut self, channel: &Arc<Channel>) {
        match &channel.expression.interest {
            Interest::All => self.all.push(Arc::clone(channel)),
            Interest::Point(key) => self.points.entry(key.clone()).or_default().push(Arc::clone(channel)),
            Interest::Keys(keys) => {
                for key in keys.keys() {
                    self.points.entry(key.clone()).or_default().push(Arc::clone(channel));
                }
            }
            Interest::Range(range) => {
                self.ranges.add(range.start.clone(), range.end.clone(), Arc::clone(channel));
            }
            Interest::Index { index, ranges } => {
                let routes = self.indexes.entry(*index).or_default();
                for range in ranges {
                    routes.add(range, channel);
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, channel: &Arc<Channel>) {
        match &channel.expression.interest {
            Interest::All => {
                if let Some(at) = self.all.iter().position(|other| Arc::ptr_eq(other, channel)) {
                    self.all.swap_remove(at);
                }
            }
            Interest::Point(key) => remove_point(&mut self.points, key, channel),
            Interest::Keys(keys) => {
                for key in keys.keys() {
                    remove_point(&mut self.points, key, channel);
                }
            }
            Interest::Range(range) => {
                self.ranges.remove(&range.start, |other| Arc::ptr_eq(other, channel));
            }
            Interest::Index { index, ranges } => {
                let Some(routes) = self.indexes.get_mut(index) else { return };
                for range in ranges {
                    routes.remove(range, channel);
                }
                if routes.points.is_empty() && routes.ranges.is_empty() {
                    self.indexes.remove(index);
                }
            }
        }
    }

    /// Tells a change to the channels that want it, and adds whom to wake for it.
    pub(crate) fn tell(&self, shards: &dyn Shards, change: &Arc<Change>, wakes: &mut Wakes) {
        let mut tell = |channel: &Arc<Channel>| channel.tell(change, wakes);
        self.all.iter().for_each(&mut tell);
        self.points.get(&change.key).into_iter().flatten().for_each(&mut tell);
        self.ranges.around(&change.key, &mut tell);
        for (index, routes) in &self.indexes {
            routes.of_change(shards, change.table, *index, change).iter().for_each(&mut tell);
        }
    }

    /// Takes out every channel, once or several times.
    pub(crate) fn clear(&mut self) -> Vec<Arc<Channel>> {
        let mut channels = std::mem::take(&mut self.all);
        channels.extend(self.points.drain().flat_map(|(_, channels)| channels));
        channels.extend(std::mem::take(&mut self.ranges).into_values());
        for (_, routes) in self.indexes.drain() {
            channels.extend(routes.into_channels());
        }
        channels
    }
}

impl IndexRoutes {
    fn add(&mut self, range: &DatumRange, channel: &Arc<Channel>) {
        match point(range) {
            Some(value) => self.points.entry(value.clone()).or_default().push(Arc::clone(channel)),
            None => self.ranges.add(range.left.clone(), range.right.clone(), Arc::clone(channel)),
        }
    }

    fn remove(&mut self, range: &DatumRange, channel: &Arc<Channel>) {
        match point(range) {
            Some(value) => remove_point(&mut self.points, value, channel),
            None => self.ranges.remove(&range.left, |other| Arc::ptr_eq(other, channel)),
        }
    }

    /// The channels that want a change for a value of the document before or after, each
    /// once.
    fn of_change(
        &self,
        shards: &dyn Shards,
        table: TableId,
        index: IndexId,
        change: &Change,
    ) -> Vec<Arc<Channel>> {
        let mut found = Vec::new();
        for document in [&change.old, &change.new].into_iter().flatten() {
            let Ok(values) = shards.index_values(table, index, document) else {
                // They will find out by themselves why not.
                return self.channels();
            };
            for value in &values {
                found.extend(self.points.get(value).into_iter().flatten().cloned());
                self.ranges.around(value, &mut |channel| found.push(Arc::clone(channel)));
            }
        }
        distinct(found)
    }

    fn channels(&self) -> Vec<Arc<Channel>> {
        let mut channels: Vec<_> = self.points.values().flatten().cloned().collect();
        self.ranges.for_each(&mut |channel| channels.push(Arc::clone(channel)));
        distinct(channels)
    }

    fn into_channels(self) -> impl Iterator<Item = Arc<Channel>> {
        self.points.into_values().flatten().chain(self.ranges.into_values())
    }
}

fn distinct(mut channels: Vec<Arc<Channel>>) -> Vec<Arc<Channel>> {
    channels.sort_unstable_by_key(|channel| Arc::as_ptr(channel).addr());
    channels.dedup_by(|left, right| Arc::ptr_eq(left, right));
    channels
}

/// The only value of a range.
fn point(range: &DatumRange) -> Option<&Datum> {
    match (&range.left, &range.right) {
        (Bound::Included(left), Bound::Included(right)) if left == right => Some(left),
        _ => None,
    }
}

fn remove_point<K: std::hash::Hash + Eq>(points: &mut HashMap<K, Channels>, key: &K, channel: &Arc<Channel>) {
    let Some(channels) = points.get_mut(key) else { return };
    if let Some(at) = channels.iter().position(|other| Arc::ptr_eq(other, channel)) {
        channels.swap_remove(at);
    }
    if channels.is_empty() {
        points.remove(key);
    }
}
