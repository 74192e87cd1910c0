//! The heads of a leaf's keys: a search by halving looks at them, side by side, and mostly at one key.
//!
//! They are taken when a leaf is changed a second time: for one change that costs more than it saves.

use std::cmp::Ordering;

use super::Leaf;
use crate::key_heads::head;
use crate::search::{ShortPrefix, search_between};

/// For fewer keys it does not pay to find out what they have in common.
pub(super) const KEYS_SHARING_MIN: usize = 8;

/// Whether the places of a leaf know the heads of their keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Heads {
    #[default]
    Unchanged,
    ChangedOnce,
    /// Heads are what follows the bytes that all keys share.
    Taken {
        shared: u16,
        shared_head: ShortPrefix,
    },
}

impl Leaf {
    /// Where a key without the prefix is, or would be; `None` as long as no heads are taken.
    pub(super) fn search_heads(&self, rest: &[u8]) -> Option<Result<usize, usize>> {
        let Heads::Taken { shared, shared_head } = self.heads else { return None };
        let shared = usize::from(shared);
        Some(match shared_head.cut(shared, rest, || self.suffix(0).get(..shared).unwrap_or_default()) {
            Ok(behind) => {
                let head = head(behind);
                let low = self.places.partition_point(|place| place.head < head);
                let equal = self.places.iter().skip(low).take_while(|place| place.head == head).count();
                search_between(low..low + equal, rest, |index| self.suffix(index))
            }
            Err(Ordering::Less) => Err(self.count()),
            Err(_) => Err(0),
        })
    }

    /// The head of a key that is to be added.
    pub(super) fn head_of(&mut self, suffix: &[u8]) -> u32 {
        let Heads::Taken { shared, shared_head } = self.heads else { return 0 };
        let shared = usize::from(shared);
        match shared_head.cut(shared, suffix, || self.suffix(0).get(..shared).unwrap_or_default()) {
            Ok(behind) => head(behind),
            Err(_) => {
                // Less is shared from now on.
                self.forget_heads();
                0
            }
        }
    }

    /// To be taken anew with the next change.
    pub(super) fn forget_heads(&mut self) {
        self.heads = Heads::ChangedOnce;
    }

    /// Takes the heads of all keys if they are missing and this is not the first change.
    pub(super) fn note_change(&mut self) {
        match self.heads {
            Heads::Unchanged => self.heads = Heads::ChangedOnce,
            Heads::ChangedOnce if self.count() >= KEYS_SHARING_MIN => {
                let shared = crate::page::shared_prefix(self.suffix(0), self.suffix(self.count() - 1));
                for index in 0..self.count() {
                    let head = head(self.suffix(index).get(shared..).unwrap_or_default());
                    if let Some(place) = self.places.get_mut(index) {
                        place.head = head;
                    }
                }
                let shared_head = ShortPrefix::of(self.suffix(0).get(..shared).unwrap_or_default());
                self.heads = Heads::Taken { shared: shared as u16, shared_head };
            }
            Heads::ChangedOnce | Heads::Taken { .. } => {}
        }
    }
}
