//! The Rust client of the driver protocol: one connection, synchronous, any number of
//! queries under way.
//!
//! Invariants: answers may arrive in any order and each goes to the query it belongs to;
//! a cursor that is dropped before its end tells the server; a connection that failed
//! once fails from then on.
//!
//! Does not know about: server internals, threads.
//!
//! ```no_run
//! use photondb_client::{Connection, Options, Term};
//!
//! # fn main() -> Result<(), photondb_client::ClientError> {
//! let mut connection = Connection::open(&Options::default())?;
//! let films = Term::table("films").filter(Term::function(|film| film.field("year").gt(1990)));
//! for film in connection.cursor(&films.start())? {
//!     println!("{}", film?.print());
//! }
//! # Ok(())
//! # }
//! ```

mod connection;
mod cursor;
mod error;
mod options;
mod response;
mod stream;
mod term;

pub use connection::Connection;
pub use cursor::Cursor;
pub use error::ClientError;
pub use options::{ClientCertificate, Options};
pub use photondb_wire::{ResponseNote, ResponseType, Token};
pub use response::Response;
pub use term::Term;
