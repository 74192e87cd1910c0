//! The HTTP door: queries as JSON, live queries, documents as resources, sessions and passwords, health, metrics, the
//! admin bundle.
//!
//! A request becomes a query of [`photondb_server::door`] and its answer JSON again; what a
//! query means, who may ask it and what it may cost is decided there, the same for all doors.
//!
//! Invariants: nobody is served under a name that a foreign page could have made up (see
//! [`HttpOptions::host_names`]); a browser's credentials are of no use to pages of others; a
//! body, a wait and a number of anything has a named limit; a request that its client gave up
//! is cancelled; every answer carries the request's id and every error is JSON of one shape.
//!
//! Does not know about: how a query is evaluated, the driver protocol, certificates
//! (a connection is any stream, see [`serve_connection`]).

mod access_log;
mod answer;
mod backups;
mod body;
mod bundle;
mod caller;
mod connection;
mod cursors;
mod door;
mod error;
mod extract;
mod health;
pub mod limits;
mod lines;
mod live;
mod login;
mod metrics;
mod openapi;
mod options;
mod origin;
mod query;
mod query_request;
mod resources;
mod router;
mod sessions;
mod stack;
mod terms;

pub use connection::{HTTPS, Peer, serve, serve_connection};
pub use door::HttpDoor;
pub use options::HttpOptions;
