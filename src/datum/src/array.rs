//! Lists of values.

use std::sync::Arc;

use bytes::Bytes;

use crate::datum::Datum;
use crate::footprint::Footprint;
use crate::view::{ArrayRef, ArrayView};

/// An immutable list of values: a slice of a packed document or a shared tree; users
/// cannot tell. Cheap to clone.
#[derive(Clone)]
pub struct Array(Repr);

#[derive(Clone)]
enum Repr {
    /// Exactly one packed array, its header checked.
    Packed(Bytes),
    Tree(Arc<ArrayTree>),
}

/// Items in memory of their own.
pub(crate) struct ArrayTree {
    items: Vec<Datum>,
    depth: u32,
    footprint: Footprint,
}

impl ArrayTree {
    fn new(items: Vec<Datum>) -> Self {
        let mut footprint = Footprint::of(size_of::<Self>());
        let mut depth = 0;
        for item in &items {
            depth = depth.max(item.depth());
            footprint.add(size_of::<Datum>(), item);
        }
        Self { items, depth: u32::try_from(depth + 1).unwrap_or(u32::MAX), footprint }
    }
}

impl Drop for ArrayTree {
    fn drop(&mut self) {
        crate::datum_drop::drop_items(self.depth, &mut self.items);
    }
}

impl Array {
    /// No items.
    pub fn empty() -> Self {
        Self::from(Vec::new())
    }

    /// Wraps bytes that are known to begin with a well-formed array header and end with it.
    pub(crate) fn from_packed(bytes: Bytes) -> Self {
        Self(Repr::Packed(bytes))
    }

    /// The packed bytes, unless it is a tree.
    pub(crate) fn packed(&self) -> Option<&Bytes> {
        if let Repr::Packed(bytes) = &self.0 { Some(bytes) } else { None }
    }

    /// The memory of a tree.
    #[inline]
    pub(crate) fn footprint(&self) -> Option<&Footprint> {
        if let Repr::Tree(tree) = &self.0 { Some(&tree.footprint) } else { None }
    }

    /// The same of a tree that nobody shares, for changing.
    pub(crate) fn footprint_mut(&mut self) -> Option<&mut Footprint> {
        if let Repr::Tree(tree) = &mut self.0 { Some(&mut Arc::get_mut(tree)?.footprint) } else { None }
    }

    pub(crate) fn view(&self) -> ArrayRef<'_> {
        match &self.0 {
            Repr::Packed(bytes) => ArrayRef(ArrayView::Packed(crate::packed::PackedArray::trusted(bytes))),
            Repr::Tree(tree) => ArrayRef(ArrayView::Tree(&tree.items, tree.depth)),
        }
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at a position from zero.
    pub fn get(&self, index: usize) -> Option<Datum> {
        match &self.0 {
            Repr::Tree(tree) => tree.items.get(index).cloned(),
            Repr::Packed(bytes) => {
                let array = crate::packed::PackedArray::trusted(bytes);
                (index < array.len()).then(|| array.get(index).into_datum_of(bytes))
            }
        }
    }

    /// The items in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { array: self, front: 0, back: self.len() }
    }

    /// The items as a slice when the array is a tree; `None` when it is packed.
    pub fn as_slice(&self) -> Option<&[Datum]> {
        match &self.0 {
            Repr::Tree(tree) => Some(&tree.items),
            Repr::Packed(_) => None,
        }
    }

    /// The items, moved out when nobody else shares them.
    pub fn into_vec(self) -> Vec<Datum> {
        match self.0 {
            Repr::Tree(tree) => match Arc::try_unwrap(tree) {
                Ok(mut tree) => std::mem::take(&mut tree.items),
                Err(tree) => tree.items.clone(),
            },
            Repr::Packed(_) => self.to_vec(),
        }
    }

    /// Copies of the items.
    pub fn to_vec(&self) -> Vec<Datum> {
        self.iter().collect()
    }

    /// Appends an item; copies the list only when it is packed or shared.
    pub fn push(&mut self, item: Datum) {
        let depth = u32::try_from(item.depth() + 1).unwrap_or(u32::MAX);
        if let Repr::Tree(tree) = &mut self.0
            && let Some(tree) = Arc::get_mut(tree)
        {
            tree.footprint.add(size_of::<Datum>(), &item);
            tree.items.push(item);
            tree.depth = tree.depth.max(depth);
            return;
        }
        let mut items = Vec::with_capacity(self.len() + 1);
        items.extend(self.iter());
        items.push(item);
        *self = Self::from(items);
    }

    /// How deep it is nested; 1 when no item is an array or object.
    pub fn depth(&self) -> usize {
        self.view().depth()
    }
}

impl Default for Array {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Vec<Datum>> for Array {
    fn from(items: Vec<Datum>) -> Self {
        Self(Repr::Tree(Arc::new(ArrayTree::new(items))))
    }
}

impl FromIterator<Datum> for Array {
    fn from_iter<I: IntoIterator<Item = Datum>>(items: I) -> Self {
        Self::from(items.into_iter().collect::<Vec<_>>())
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = Datum;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Array {
    type Item = Datum;
    type IntoIter = std::vec::IntoIter<Datum>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

/// The items of an [`Array`] in order.
pub struct Iter<'a> {
    array: &'a Array,
    front: usize,
    back: usize,
}

impl Iterator for Iter<'_> {
    type Item = Datum;

    fn next(&mut self) -> Option<Datum> {
        if self.front == self.back {
            return None;
        }
        let item = self.array.get(self.front);
        self.front += 1;
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back - self.front, Some(self.back - self.front))
    }

    fn nth(&mut self, n: usize) -> Option<Datum> {
        self.front = self.front.saturating_add(n).min(self.back);
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Datum> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        self.array.get(self.back)
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Array {
    /// Moves the items to `out` when this is the only owner of a tree.
    pub(crate) fn take_unshared(self, out: &mut Vec<Datum>) {
        if let Repr::Tree(tree) = self.0
            && let Ok(mut tree) = Arc::try_unwrap(tree)
        {
            out.append(&mut tree.items);
        }
    }
}
