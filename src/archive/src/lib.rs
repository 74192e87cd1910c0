//! Dumps in RethinkDB's archive format, both ways, and rows in text files.
//!
//! * [`Archive`] reads a dump: which tables there are, then the documents of those that are
//!   wanted, one by one.
//! * [`ArchiveWriter`] writes one that RethinkDB's own tools restore.
//! * [`Documents`] reads rows out of JSON, whether they are an array or one behind the other.
//! * [`TableDescription`] is what a dump says of a table besides its documents.
//!
//! Invariants: an archive may come from anywhere. Memory is bounded by one document and the
//! descriptions of the tables, whatever it says of itself, and an error names the member, the
//! row and the byte where it stops making sense.
//!
//! Does not know about: servers, how a table is created or filled.

mod description;
mod documents;
mod error;
mod member;
mod reader;
mod writer;

pub use description::{IndexDescription, TableDescription};
pub use documents::Documents;
pub use error::ArchiveError;
pub use reader::{Archive, ArchivedTable};
pub use writer::{ArchiveWriter, TableSpool};
