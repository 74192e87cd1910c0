//! Typed ids. Each is a number on the inside and a type of its own on the outside.

use std::fmt;

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numeric_id! {
    /// One B-tree of a storage engine. A tree that was never written to is empty.
    TreeId
}

numeric_id! {
    /// A position in the write-ahead log: everything at or before it is contained in a
    /// state that has reached it. Positions grow and are never reused.
    LogPosition
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (v, h) = (self.0, |x: u128, w: usize| format!("{x:0w$x}"));
                write!(
                    f,
                    "{}-{}-{}-{}-{}",
                    h(v >> 96, 8),
                    h((v >> 80) & 0xffff, 4),
                    h((v >> 64) & 0xffff, 4),
                    h((v >> 48) & 0xffff, 4),
                    h(v & 0xffff_ffff_ffff, 12)
                )
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl $name {
            /// Reads the 8-4-4-4-12 hexadecimal form.
            pub fn parse(text: &str) -> Option<Self> {
                let dashes = text.len() == 36 && [8, 13, 18, 23].iter().all(|&i| text.as_bytes()[i] == b'-');
                if !dashes {
                    return None;
                }
                let digits: String = text.chars().filter(|c| *c != '-').collect();
                if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                u128::from_str_radix(&digits, 16).ok().map(Self)
            }
        }
    };
}

uuid_id! {
    /// A database, for as long as it exists; renaming keeps it.
    DatabaseId
}

uuid_id! {
    /// A table, for as long as it exists; renaming keeps it.
    TableId
}

uuid_id! {
    /// A secondary index, for as long as it exists; renaming keeps it.
    IndexId
}

/// Whether rows about the server name servers, databases and tables by name or by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IdentifierFormat {
    /// By name.
    #[default]
    Name,
    /// By id.
    Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_text_round_trips() {
        let id = TableId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(id.to_string(), "01234567-89ab-cdef-0011-223344556677");
        assert_eq!(TableId::parse(&id.to_string()), Some(id));
        assert_eq!(TableId::parse("01234567x89ab-cdef-0011-223344556677"), None);
        assert_eq!(TableId::parse("01234567-89ab-cdef-0011-22334455667-"), None);
    }
}
