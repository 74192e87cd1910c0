//! Dropping deep trees without recursion.

use crate::datum::Datum;
use crate::text::Text;

/// Trees up to this depth are dropped by the compiler's recursion.
const RECURSION_DEPTH_MAX: u32 = 128;

/// Empties `items`, the children of a node nested `depth` deep. Deep trees are taken apart
/// into a work list, since each level of a recursive drop takes stack.
pub(crate) fn drop_items(depth: u32, items: &mut Vec<Datum>) {
    if depth <= RECURSION_DEPTH_MAX {
        return;
    }
    let mut pending = std::mem::take(items);
    while let Some(datum) = pending.pop() {
        match datum {
            // `into_vec` of a shared or packed array would copy it; those free nothing deep.
            Datum::Array(array) => array.take_unshared(&mut pending),
            Datum::Object(object) => object.take_unshared(&mut pending),
            _ => {}
        }
    }
}

/// [`drop_items`] for the fields of an object.
pub(crate) fn drop_fields(depth: u32, fields: &mut Vec<(Text, Datum)>) {
    if depth <= RECURSION_DEPTH_MAX {
        return;
    }
    let mut items = std::mem::take(fields).into_iter().map(|(_, value)| value).collect();
    drop_items(depth, &mut items);
}
