//! The rows that a feed delivers.

use std::sync::Arc;

use photondb_datum::{Datum, Object, Text};

/// What a row tells, as `includeTypes` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowType {
    Add,
    Remove,
    Change,
    Initial,
    State,
}

impl RowType {
    const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Change => "change",
            Self::Initial => "initial",
            Self::State => "state",
        }
    }
}

/// Builds rows; made once, so that field names are not made for each row.
#[derive(Clone, Debug)]
pub(crate) struct RowFormat {
    new_val: Text,
    old_val: Text,
    new_offset: Text,
    old_offset: Text,
    kind: Text,
    types: bool,
    offsets: bool,
}

/// A document and, in ordered feeds, its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'a> {
    pub(crate) document: &'a Datum,
    pub(crate) offset: Option<usize>,
}

/// The formats that there are, shared by all feeds.
pub(crate) struct RowFormats([Arc<RowFormat>; 4]);

impl Default for RowFormats {
    fn default() -> Self {
        let kinds = [(false, false), (false, true), (true, false), (true, true)];
        Self(kinds.map(|(types, offsets)| Arc::new(RowFormat::new(types, offsets))))
    }
}

impl RowFormats {
    pub(crate) fn get(&self, types: bool, offsets: bool) -> &Arc<RowFormat> {
        let [plain, with_offsets, with_types, with_both] = &self.0;
        match (types, offsets) {
            (false, false) => plain,
            (false, true) => with_offsets,
            (true, false) => with_types,
            (true, true) => with_both,
        }
    }
}

impl RowFormat {
    fn new(types: bool, offsets: bool) -> Self {
        Self {
            new_val: "new_val".into(),
            old_val: "old_val".into(),
            new_offset: "new_offset".into(),
            old_offset: "old_offset".into(),
            kind: "type".into(),
            types,
            offsets,
        }
    }

    /// Whether places are told.
    pub(crate) fn offsets(&self) -> bool {
        self.offsets
    }

    /// A change without places.
    pub(crate) fn change(&self, old: Option<&Datum>, new: Option<&Datum>) -> Datum {
        let side = |document| Side { document, offset: None };
        self.placed_change(old.map(side), new.map(side))
    }

    /// A change; both sides tell their place if the feed does.
    pub(crate) fn placed_change(&self, old: Option<Side<'_>>, new: Option<Side<'_>>) -> Datum {
        let kind = match (&old, &new) {
            (None, _) => RowType::Add,
            (_, None) => RowType::Remove,
            _ => RowType::Change,
        };
        let mut fields = Vec::with_capacity(5);
        self.push_side(&mut fields, &self.new_val, &self.new_offset, new);
        self.push_side(&mut fields, &self.old_val, &self.old_offset, old);
        self.finish(fields, kind)
    }

    /// An initial value; null where a watched document is absent.
    pub(crate) fn initial(&self, document: Datum, offset: Option<usize>) -> Datum {
        let mut fields = vec![(self.new_val.clone(), document)];
        if let (true, Some(offset)) = (self.offsets, offset) {
            fields.push((self.new_offset.clone(), number(offset)));
        }
        self.finish(fields, RowType::Initial)
    }

    /// A change of the feed's own state.
    pub(crate) fn state(&self, name: &'static str) -> Datum {
        self.finish(vec![("state".into(), name.into())], RowType::State)
    }

    /// What a reader is told who was too slow.
    pub(crate) fn skipped(&self, count: u64) -> Datum {
        let message = format!("Changefeed cache over array size limit, skipped {count} elements.");
        Datum::object([("error", message.into())])
    }

    fn push_side(&self, fields: &mut Vec<(Text, Datum)>, value: &Text, place: &Text, side: Option<Side<'_>>) {
        fields.push((value.clone(), side.map_or(Datum::Null, |side| side.document.clone())));
        if self.offsets {
            let offset = side.and_then(|side| side.offset);
            fields.push((place.clone(), offset.map_or(Datum::Null, number)));
        }
    }

    fn finish(&self, mut fields: Vec<(Text, Datum)>, kind: RowType) -> Datum {
        if self.types {
            fields.push((self.kind.clone(), kind.name().into()));
        }
        Datum::Object(fields.into_iter().collect::<Object>())
    }
}

fn number(offset: usize) -> Datum {
    Datum::Number(offset as f64)
}
