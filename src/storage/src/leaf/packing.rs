//! From a leaf to its page.

use super::{Aside, KEPT_MARK_BYTES, Leaf, Settled};
use crate::page::{LeafPage, copy_to, shared_prefix, worth_prefix};
use crate::pointer::Pointer;

impl Leaf {
    /// Gives what is aside to `sweep`, for changing; where that gives a pointer, it stands for
    /// the value from now on.
    pub(crate) fn sweep(&mut self, mut sweep: impl FnMut(&mut Aside) -> Option<Pointer>) {
        if self.aside.is_empty() {
            return;
        }
        for index in 0..self.count() {
            let number = self.aside_number(index);
            let Some(place) = number.and_then(|number| self.aside.get_mut(number)) else { continue };
            if let Some(pointer) = place.as_mut().and_then(&mut sweep) {
                *place = None;
                let start = self.value_start(index);
                copy_to(&mut self.cells, start, &pointer.encode());
            }
        }
        while self.aside.pop_if(|last| last.is_none()).is_some() {}
    }

    /// Packs the leaf. `settle` says what stands for a thing that is aside. Gives also whether
    /// any value is in a slot.
    pub(crate) fn pack<E>(
        &self,
        mut settle: impl FnMut(&Aside) -> Result<Settled, E>,
    ) -> Result<(Vec<u8>, bool), E> {
        let last = self.count().saturating_sub(1);
        let shared = self.prefix.len() + shared_prefix(self.suffix(0), self.suffix(last));
        let more = worth_prefix(shared).saturating_sub(self.prefix.len());
        let prefix = [&*self.prefix, self.suffix(0).get(..more).unwrap_or_default()];
        let cells_bytes = self.packed_cells_bytes() - more * self.count();
        let mut page = LeafPage::new(self.count(), prefix, cells_bytes);
        let mut longer = 0;
        for (index, place) in self.places.iter().enumerate() {
            let kept = self.kept_value(index);
            let (key, value) = (place.key_start() - more * index, place.value_start() - more * (index + 1));
            page.put_place(key + longer, value + longer, place.is_slot() && kept.is_none());
            longer += kept.map_or(0, |kept| kept.len() - KEPT_MARK_BYTES);
        }
        page.put_prefix(cells_bytes, prefix);
        if more == 0 && self.kept.count() == 0 {
            page.put_bytes(&self.cells);
        } else {
            for index in 0..self.count() {
                page.put_bytes(self.suffix(index).get(more..).unwrap_or_default());
                page.put_bytes(
                    self.kept_value(index).map_or_else(|| self.value_cell(index), |kept| &kept[..]),
                );
            }
        }
        let mut slots_below = false;
        for (index, _) in self.places.iter().enumerate().filter(|(_, place)| place.is_slot()) {
            if self.kept_number(index).is_some() {
                continue;
            }
            match self.aside_of(index).map(&mut settle).transpose()? {
                Some(Settled::Tree(root)) => {
                    page.settle(index, &root, false);
                    continue;
                }
                Some(Settled::Slot(pointer)) => page.settle(index, &pointer.encode(), true),
                None => {}
            }
            slots_below = true;
        }
        Ok((page.finish(), slots_below))
    }
}
