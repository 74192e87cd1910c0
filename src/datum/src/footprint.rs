//! How much memory values take, and who is told when they go.

use bytes::Bytes;

use crate::array::Array;
use crate::datum::Datum;
use crate::object::Object;
use crate::packed;
use crate::text::Text;

/// Dropped when the value goes that it was given to: a note of memory taken, for example.
pub type Guard = Box<dyn Send + Sync>;

/// Besides the bytes of a text: the count of its sharers and what the allocator rounds up.
const TEXT_EXTRA_BYTES: usize = 32;

/// The memory of an array or object that is a tree.
pub(crate) struct Footprint {
    /// All of it, as if nothing below were shared.
    deep_bytes: usize,
    /// The part that no guard, here or below, stands for.
    unguarded_bytes: usize,
    guards: Vec<Guard>,
}

impl Footprint {
    /// Of a node that takes so many bytes without its children.
    pub(crate) fn of(own_bytes: usize) -> Self {
        Self { deep_bytes: own_bytes, unguarded_bytes: own_bytes, guards: Vec::new() }
    }

    /// Counts a child, whose place in the node takes so many bytes.
    #[inline]
    pub(crate) fn add(&mut self, place_bytes: usize, child: &Datum) {
        let (deep, unguarded) = bytes(child);
        self.deep_bytes = self.deep_bytes.saturating_add(place_bytes).saturating_add(deep);
        self.unguarded_bytes = self.unguarded_bytes.saturating_add(place_bytes).saturating_add(unguarded);
    }

    fn guard_with<E>(&mut self, make: impl FnOnce(usize) -> Result<Guard, E>) -> Result<(), E> {
        self.guards.push(make(self.unguarded_bytes)?);
        self.unguarded_bytes = 0;
        Ok(())
    }
}

/// The bytes of a value outside of its place: all, and those without a guard.
#[inline]
fn bytes(datum: &Datum) -> (usize, usize) {
    let both = |bytes| (bytes, bytes);
    match datum {
        Datum::MinVal | Datum::MaxVal | Datum::Null | Datum::Bool(_) | Datum::Number(_) => (0, 0),
        Datum::String(text) => both(text.len() + TEXT_EXTRA_BYTES),
        Datum::Binary(bytes) => both(bytes.len() + TEXT_EXTRA_BYTES),
        Datum::Array(array) => match array.footprint() {
            Some(footprint) => (footprint.deep_bytes, footprint.unguarded_bytes),
            None => both(array.packed().map_or(0, Bytes::len)),
        },
        Datum::Object(object) => match object.footprint() {
            Some(footprint) => (footprint.deep_bytes, footprint.unguarded_bytes),
            None => both(object.packed().map_or(0, Bytes::len)),
        },
    }
}

impl Datum {
    /// Memory of the value outside of the place where it stands, in bytes, as if nothing in
    /// it were shared. Constant time.
    #[inline]
    pub fn memory_bytes(&self) -> usize {
        bytes(self).0
    }

    /// The same without the parts that guards stand for. Constant time.
    pub fn unguarded_bytes(&self) -> usize {
        bytes(self).1
    }

    /// Gives an array or object a guard for its unguarded bytes. Nothing happens to values
    /// that are shared or are no trees: they have owners elsewhere.
    pub fn guard_with<E>(&mut self, make: impl FnOnce(usize) -> Result<Guard, E>) -> Result<(), E> {
        let footprint = match self {
            Self::Array(array) => array.footprint_mut(),
            Self::Object(object) => object.footprint_mut(),
            _ => None,
        };
        footprint.map_or(Ok(()), |footprint| footprint.guard_with(make))
    }

    /// The value with a guard, whatever it is: for values that were just made and that nobody
    /// shares. Texts, binary data and packed values pass it on to their parts.
    pub fn guarded<E>(mut self, make: impl FnOnce(usize) -> Result<Guard, E>) -> Result<Self, E> {
        let storage = match &self {
            Self::String(text) => Some(text.clone().into_bytes()),
            Self::Binary(bytes) => Some(bytes.clone()),
            Self::Array(array) => array.packed().cloned(),
            Self::Object(object) => object.packed().cloned(),
            _ => None,
        };
        let Some(storage) = storage else {
            self.guard_with(make)?;
            return Ok(self);
        };
        let guard = make(storage.len())?;
        let storage = Bytes::from_owner(GuardedStorage { storage, _guard: guard });
        Ok(match self {
            Self::String(_) => Self::String(Text::from_utf8_lossy(storage)),
            Self::Array(_) => Self::Array(Array::from_packed(storage)),
            Self::Object(_) => Self::Object(Object::from_packed(storage)),
            _ => Self::Binary(storage),
        })
    }

    /// The value in packed storage of its own, which keeps nothing else alive: a part of a
    /// document otherwise holds the whole document, and that the page it was read from.
    #[must_use]
    pub fn detached(&self) -> Self {
        match self {
            Self::String(text) => Self::String(Text::from(text.as_str())),
            Self::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(bytes)),
            Self::Array(array) => Self::Array(Array::from_packed(match array.packed() {
                Some(bytes) => Bytes::copy_from_slice(bytes),
                None => packed::encode(self),
            })),
            Self::Object(object) => Self::Object(Object::from_packed(match object.packed() {
                Some(bytes) => Bytes::copy_from_slice(bytes),
                None => packed::encode(self),
            })),
            other => other.clone(),
        }
    }
}

/// Bytes that take a guard along.
struct GuardedStorage {
    storage: Bytes,
    _guard: Guard,
}

impl AsRef<[u8]> for GuardedStorage {
    fn as_ref(&self) -> &[u8] {
        &self.storage
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;

    fn counted(datum: &mut Datum, note: &Arc<()>) -> usize {
        let mut counted = 0;
        let made: Result<(), Infallible> = datum.guard_with(|bytes| {
            counted = bytes;
            Ok(Box::new(Arc::clone(note)))
        });
        assert_eq!(made, Ok(()));
        counted
    }

    #[test]
    fn bytes_are_counted_once() {
        let note = Arc::new(());
        let mut inner = Datum::array((0..100).map(Datum::from));
        let bytes = inner.memory_bytes();
        assert!(bytes >= 100 * size_of::<Datum>());
        assert_eq!(counted(&mut inner, &note), bytes);
        assert_eq!((inner.memory_bytes(), inner.unguarded_bytes()), (bytes, 0));

        let mut outer = Datum::array([inner.clone(), inner.clone()]);
        assert!(outer.memory_bytes() > 2 * bytes);
        assert!(outer.unguarded_bytes() < bytes);
        // Shared: whoever made it has counted it.
        assert_eq!(counted(&mut inner, &note), 0);
        drop(inner);
        assert_eq!(counted(&mut outer, &note), outer.memory_bytes() - 2 * bytes);
        assert_eq!(Arc::strong_count(&note), 3);
        drop(outer);
        assert_eq!(Arc::strong_count(&note), 1);
    }

    #[test]
    fn what_is_appended_is_not_guarded_yet() {
        let note = Arc::new(());
        let mut datum = Datum::array([Datum::from("a")]);
        counted(&mut datum, &note);
        let Datum::Array(mut array) = datum else { panic!("no array") };
        array.push(Datum::string("x".repeat(1000)));
        let mut datum = Datum::Array(array);
        assert!(datum.unguarded_bytes() >= 1000 && datum.unguarded_bytes() < datum.memory_bytes());
        counted(&mut datum, &note);
        assert_eq!((datum.unguarded_bytes(), Arc::strong_count(&note)), (0, 3));
    }

    #[test]
    fn parts_keep_the_guard_of_the_whole() {
        let note = Arc::new(());
        let document = || Datum::object([("a", Datum::string("x".repeat(100)))]);
        let packed = || packed::decode(packed::encode(&document())).unwrap();
        let values: [&dyn Fn() -> Datum; 4] =
            [&document, &packed, &|| Datum::string("text"), &|| Datum::Binary(Bytes::from_static(b"1"))];
        for value in values {
            let make = |bytes| if bytes > 0 { Ok(Box::new(Arc::clone(&note)) as Guard) } else { Err(()) };
            let guarded = value().guarded(make).unwrap();
            assert_eq!((guarded.clone(), Arc::strong_count(&note)), (value(), 2));
            drop(guarded);
            assert_eq!(Arc::strong_count(&note), 1);
            assert_eq!(value().guarded(|_| Err("full")), Err("full"));
        }
        let text =
            Datum::string("hello world").guarded(|_| Ok::<_, ()>(Box::new(Arc::clone(&note)))).unwrap();
        let part = text.as_text().unwrap().slice(0..5);
        drop(text);
        assert_eq!(Arc::strong_count(&note), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&note), 1);
    }

    #[test]
    fn nesting_the_same_value_saturates() {
        let mut datum = Datum::array([1.into()]);
        for _ in 0..200 {
            datum = Datum::array([datum.clone(), datum]);
        }
        assert_eq!(datum.memory_bytes(), usize::MAX);
    }

    #[test]
    fn detached_values_are_equal_and_alone() {
        let document =
            Datum::object([("a", Datum::from("text")), ("b", Datum::array([1.into(), Datum::Null]))]);
        let packed = packed::decode(packed::encode(&document)).unwrap();
        for part in [packed.clone(), packed.get("a").unwrap(), packed.get("b").unwrap(), document, 5.into()] {
            let detached = part.detached();
            assert_eq!(detached, part);
            if let (Datum::String(text), Datum::String(other)) = (&detached, &part) {
                assert_ne!(text.as_ptr(), other.as_ptr());
            }
            assert_eq!(detached.depth(), part.depth());
        }
    }
}
