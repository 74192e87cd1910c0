//! References from nodes to the pages below them: who goes down a tree finds the next page without
//! asking the cache, which takes a lock and two or three places that no processor has at hand.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use crate::page::{Packed, Page};
use crate::pointer::Pointer;

/// A page as somebody has found it last, as long as it is in memory. Keeps nothing there but what
/// counts its references.
#[derive(Debug, Default)]
pub(crate) struct Link(RwLock<Weak<Packed>>);

/// A node on disk. The link goes with the pointer: a page never changes, so that it may be older
/// than the newest that was read there, but not another.
#[derive(Clone, Debug)]
pub(crate) struct DiskNode {
    pub pointer: Pointer,
    pub link: Link,
}

impl Link {
    /// The page, unless it is gone or somebody sets the link just now.
    pub(crate) fn page(&self) -> Option<Page> {
        self.0.try_read()?.upgrade().map(Page::from)
    }

    pub(crate) fn set(&self, page: &Page) {
        if let Some(mut link) = self.0.try_write() {
            *link = Arc::downgrade(page.packed());
        }
    }
}

/// A copy of a node finds its pages by itself.
impl Clone for Link {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl From<Pointer> for DiskNode {
    fn from(pointer: Pointer) -> Self {
        Self { pointer, link: Link::default() }
    }
}
