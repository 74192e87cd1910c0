//! A stored record while it is read.

use std::cell::Cell;

use bytes::Bytes;
use photondb_datum::{Datum, DatumRef, ObjectRef, Text, packed};

use crate::error::CatalogError;

type Result<T> = std::result::Result<T, CatalogError>;

pub(crate) fn decode(value: Bytes) -> Result<Datum> {
    packed::decode(value).map_err(|_| not_packed())
}

pub(crate) fn view(record: &[u8]) -> Result<DatumRef<'_>> {
    packed::view(record).map_err(|_| not_packed())
}

fn not_packed() -> CatalogError {
    CatalogError::Damaged("not a packed document")
}

/// A record while it is read, best in the order of names. What is taken from it is copied: a name
/// that was a part of the record would keep the whole page in memory.
pub(crate) struct Fields<'a> {
    record: Option<ObjectRef<'a>>,
    /// Behind the field that was read last.
    next: Cell<usize>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(record: DatumRef<'a>) -> Self {
        Self { record: record.as_object(), next: Cell::new(0) }
    }

    /// Passes over fields: the next one that is asked for is behind them.
    pub(crate) fn pass(&self, count: usize) -> &Self {
        self.next.set(self.next.get() + count);
        self
    }

    pub(crate) fn find(&self, name: &str) -> Option<DatumRef<'a>> {
        let (record, next) = (self.record?, self.next.get());
        let (position, value) = match record.field(next) {
            Some((found, value)) if found == name.as_bytes() => (next, value),
            _ => {
                let position = record.position(name.as_bytes()).ok()?;
                (position, record.field(position)?.1)
            }
        };
        self.next.set(position + 1);
        Some(value)
    }

    pub(crate) fn field(&self, name: &'static str) -> Result<DatumRef<'a>> {
        self.find(name).ok_or_else(|| CatalogError::Damaged(name))
    }

    /// A field as `read` takes it.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(DatumRef<'a>) -> Option<T>,
    ) -> Result<T> {
        self.find(name).and_then(read).ok_or_else(|| CatalogError::Damaged(name))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Text> {
        self.read(name, |value| value.as_str().map(Text::from))
    }

    pub(crate) fn binary(&self, name: &'static str) -> Result<Bytes> {
        self.read(name, |value| read_binary(value).map(Bytes::copy_from_slice))
    }

    pub(crate) fn exact<const N: usize>(&self, name: &'static str) -> Result<[u8; N]> {
        self.read(name, |value| read_binary(value)?.try_into().ok())
    }

    pub(crate) fn bool(&self, name: &'static str) -> Result<bool> {
        self.read(name, DatumRef::as_bool)
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<f64> {
        self.read(name, DatumRef::as_number)
    }

    pub(crate) fn whole(&self, name: &'static str) -> Result<u64> {
        self.read(name, |value| {
            let number = value.as_number()?;
            let is_whole = number >= 0.0 && number.fract() == 0.0 && number <= (1u64 << 53) as f64;
            is_whole.then_some(number as u64)
        })
    }

    pub(crate) fn uuid(&self, name: &'static str) -> Result<u128> {
        self.read(name, read_uuid)
    }

    pub(crate) fn items(&self, name: &'static str) -> Result<impl Iterator<Item = DatumRef<'a>> + use<'a>> {
        self.read(name, |value| value.as_array().map(|items| items.iter()))
    }
}

fn read_binary(value: DatumRef<'_>) -> Option<&[u8]> {
    match value {
        DatumRef::Binary(bytes) => Some(bytes),
        _ => None,
    }
}

pub(crate) fn read_uuid(value: DatumRef<'_>) -> Option<u128> {
    Some(u128::from_be_bytes(read_binary(value)?.try_into().ok()?))
}
