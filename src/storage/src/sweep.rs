//! Letting go of the memory of nodes that a checkpoint has written.

use std::sync::Arc;

use crate::leaf::Aside;
use crate::node::{Body, NodeRef};

/// Puts pointers in the place of everything below a node that is on disk by now.
///
/// Nodes that were changed since the checkpoint began stay, and lead to those that were written. Of
/// the ones that a snapshot has, too, the tree gets copies: there is hardly a moment without a
/// snapshot under load, and nobody counts the memory of what was written any more.
pub(crate) fn sweep(node: &mut NodeRef) {
    let NodeRef::Memory(memory) = node else { return };
    if let Some(pointer) = memory.written.get() {
        *node = NodeRef::from(*pointer);
        return;
    }
    if !leads_to_memory(&memory.body) {
        return;
    }
    match &mut Arc::make_mut(memory).body {
        Body::Internal(internal) => internal.children_mut().for_each(|child| sweep(&mut child.node)),
        Body::Leaf(leaf) => leaf.sweep(|aside| match aside {
            Aside::Large(large) => large.written.get().copied(),
            Aside::Tree(root) => {
                if let Some(node) = &mut root.node {
                    sweep(node);
                }
                None
            }
        }),
    }
}

/// Whether anything but the node itself is in memory for it.
fn leads_to_memory(body: &Body) -> bool {
    match body {
        Body::Internal(internal) => {
            internal.children().iter().any(|child| matches!(child.node, NodeRef::Memory(_)))
        }
        Body::Leaf(leaf) => !leaf.has_nothing_aside(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::internal::{Child, Internal};
    use crate::leaf::Leaf;
    use crate::link::DiskNode;
    use crate::node::{LargeValue, MemoryNode, Value, Written};
    use crate::pointer::Pointer;

    const POINTER: Pointer = Pointer { offset: 512, length: 100, checksum: 7, slots_below: false };

    fn written() -> Written {
        let written = Written::default();
        written.set(POINTER).unwrap();
        written
    }

    fn leaf(value: Value, written: Written) -> NodeRef {
        let node = MemoryNode::leaf(1, Leaf::of_one(b"key", value));
        NodeRef::Memory(Arc::new(MemoryNode { written, ..node }))
    }

    fn children(node: &NodeRef) -> Vec<NodeRef> {
        let NodeRef::Memory(memory) = node else { panic!("{node:?}") };
        let Body::Internal(internal) = &memory.body else { panic!("{node:?}") };
        internal.children().iter().map(|child| child.node.clone()).collect()
    }

    fn is_in_memory(node: &NodeRef) -> bool {
        matches!(node, NodeRef::Memory(_))
    }

    /// A changed node above a leaf that was written and one that was not.
    fn tree() -> NodeRef {
        let value = || Value::Inline(Bytes::from_static(b"value"));
        let child = |written| Child { count: 1, node: leaf(value(), written) };
        let internal = Internal::of_two(child(written()), b"m", child(Written::default()));
        NodeRef::Memory(Arc::new(MemoryNode::internal(1, 1, internal)))
    }

    #[test]
    fn what_was_written_gives_way_to_its_pointer() {
        let mut node = leaf(Value::Inline(Bytes::from_static(b"value")), written());
        sweep(&mut node);
        assert!(matches!(node, NodeRef::Disk(DiskNode { pointer: POINTER, .. })));
        let mut node = tree();
        sweep(&mut node);
        assert_eq!(children(&node).iter().map(is_in_memory).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_snapshot_keeps_its_nodes_and_the_tree_does_not() {
        let mut node = tree();
        let snapshot = node.clone();
        sweep(&mut node);
        assert_eq!(children(&node).iter().map(is_in_memory).collect::<Vec<_>>(), [false, true]);
        assert!(children(&snapshot).iter().all(is_in_memory));
        let NodeRef::Memory(changed) = &children(&node)[1] else { panic!("{node:?}") };
        assert_eq!(Arc::strong_count(changed), 3, "what was not written is not copied");
    }

    #[test]
    fn large_values_give_way_in_leaves_that_a_snapshot_has() {
        let large = |written| {
            Value::Large(Arc::new(LargeValue { epoch: 1, written, bytes: Bytes::from(vec![1; 9000]) }))
        };
        for (is_written, value) in [(true, large(written())), (false, large(Written::default()))] {
            let mut node = leaf(value, Written::default());
            let snapshot = node.clone();
            sweep(&mut node);
            let value = |node: &NodeRef| match node {
                NodeRef::Memory(memory) => match &memory.body {
                    Body::Leaf(leaf) => leaf.value(0),
                    Body::Internal(_) => None,
                },
                NodeRef::Disk(_) => None,
            };
            assert_eq!(matches!(value(&node), Some(Value::Slot(POINTER))), is_written);
            assert!(matches!(value(&snapshot), Some(Value::Large(_))));
        }
    }
}
