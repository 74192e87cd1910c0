//! Grouped data: values by group.

use std::collections::BTreeMap;

use crate::array::Array;
use crate::datum::Datum;
use crate::object::{Object, ObjectBuilder};
use crate::pseudo::REQL_TYPE;
use crate::text::Text;

/// Values by group, groups in ReQL's order. Not a datum: it becomes one when it leaves the
/// server or is ungrouped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouped(BTreeMap<Datum, Datum>);

impl Grouped {
    /// No groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the value of a group; returns the one it had.
    pub fn insert(&mut self, group: Datum, value: Datum) -> Option<Datum> {
        self.0.insert(group, value)
    }

    /// The value of a group.
    pub fn get(&self, group: &Datum) -> Option<&Datum> {
        self.0.get(group)
    }

    /// Groups and values in the order of the groups.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Datum, &Datum)> + ExactSizeIterator {
        self.0.iter()
    }

    /// As clients receive it: the pseudo-type `GROUPED_DATA`, whose `data` is a list of pairs.
    pub fn into_pseudo_type(self) -> Object {
        let pairs: Array =
            self.0.into_iter().map(|(group, value)| Datum::Array(vec![group, value].into())).collect();
        let mut builder = ObjectBuilder::with_capacity(2);
        builder.insert(Text::from_static(REQL_TYPE), Datum::String(Text::from_static("GROUPED_DATA")));
        builder.insert(Text::from_static("data"), Datum::Array(pairs));
        builder.build()
    }

    /// What `ungroup` gives: a list of objects with `group` and `reduction`.
    pub fn into_ungrouped(self) -> Array {
        self.0
            .into_iter()
            .map(|(group, value)| {
                let mut builder = ObjectBuilder::with_capacity(2);
                builder.insert(Text::from_static("group"), group);
                builder.insert(Text::from_static("reduction"), value);
                Datum::Object(builder.build())
            })
            .collect()
    }
}

impl FromIterator<(Datum, Datum)> for Grouped {
    fn from_iter<I: IntoIterator<Item = (Datum, Datum)>>(groups: I) -> Self {
        Self(groups.into_iter().collect())
    }
}

impl From<BTreeMap<Datum, Datum>> for Grouped {
    fn from(groups: BTreeMap<Datum, Datum>) -> Self {
        Self(groups)
    }
}

impl IntoIterator for Grouped {
    type Item = (Datum, Datum);
    type IntoIter = std::collections::btree_map::IntoIter<Datum, Datum>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
