//! Documents as JSON.

use std::fmt::Write;

use photondb_base::{Random, SeededRandom};

/// About what a small document takes as JSON.
pub const SMALL_DOCUMENT_BYTES: usize = 90;

/// Text fields of a large document, as in YCSB, and their letters.
const FIELDS: u64 = 10;
const FIELD_LETTERS: usize = 90;

/// Makes documents out of letters drawn by a seed.
pub struct Documents {
    random: SeededRandom,
}

impl Documents {
    /// The same seed makes the same documents in the same order.
    pub fn new(seed: u64) -> Self {
        Self { random: SeededRandom::new(seed) }
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.random.below(end)
    }

    /// So many small letters.
    pub fn text(&self, letters: usize) -> String {
        (0..letters).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// The primary key of large document number `number`.
    pub fn key(number: u64) -> String {
        format!("user{number:09}")
    }

    /// About 1.1 kB: ten fields of text and five of other types.
    pub fn large(&self, number: u64) -> String {
        let mut json = format!(
            r#"{{"id":"{}","n":{number},"k":{},"score":{},"flag":{},"tag":"t{}""#,
            Self::key(number),
            self.below(1000),
            self.below(1_000_000) as f64 / 100.0,
            self.below(2) == 0,
            self.below(50),
        );
        for field in 0..FIELDS {
            let text = self.text(FIELD_LETTERS);
            write!(json, r#","field{field}":"{text}""#).expect("strings take everything");
        }
        json.push('}');
        json
    }

    /// About 90 bytes.
    pub fn small(&self, number: u64) -> String {
        let (k, name) = (self.below(1000), self.text(20));
        format!(r#"{{"id":"s{number:012}","n":{number},"k":{k},"name":"{name}"}}"#)
    }

    /// What an update puts into a field.
    pub fn field(&self) -> String {
        self.text(FIELD_LETTERS)
    }
}
