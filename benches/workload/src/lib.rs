//! Documents and queries that the benches have in common: the rows of the table in
//! `docs/performance.md` and the six workloads of YCSB.
//!
//! Invariants: a seed decides every document and every query; what two runs sent is the same.
//!
//! Does not know about: how queries are sent, how anything is measured.

mod documents;
mod popularity;
mod queries;

pub use documents::{Documents, SMALL_DOCUMENT_BYTES};
pub use popularity::Zipf;
pub use queries::{DATABASE, Kind, QueryMaker, TABLE, TABLE_SMALL, WORKLOADS, Workload, workload};
