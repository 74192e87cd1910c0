//! Replays recorded answers of the reference server against this one.
//!
//! `vectors/` holds queries as they travel on the wire with the answers that RethinkDB
//! gave; `vectors/README.md` describes the format. [`run_all`] plays every file against
//! freshly started servers and says for each check whether the answer agrees.
//!
//! Invariants: the lines of a file run in order on one connection, on an emptied server; a
//! check that cannot run counts as failed; nothing here repairs an answer.
//!
//! Does not know about: the server's crates, the meaning of a query.

mod expected_failures;
mod judge;
mod replay;
mod suite;
mod template;
mod vector;

pub use expected_failures::{ExpectedFailures, ListError};
pub use replay::{Check, FileReport};
pub use suite::{Report, SuiteError, run_all};
pub use vector::{Vector, VectorError, VectorFile};
