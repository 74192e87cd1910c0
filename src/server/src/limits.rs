//! The limits of sessions and doors.

use std::time::Duration;

use photondb_base::limits::{PROMPT_BYTES_MAX, PROMPT_ROWS_MAX};
use photondb_base::prompt::Allowance;

/// Queries of one connection that run at the same time; further ones wait in the socket.
pub const QUERIES_PER_CONNECTION_MAX: usize = 1024;
/// Cursors and feeds that one connection keeps open.
pub const CURSORS_PER_CONNECTION_MAX: usize = 100_000;
/// Requests for the next batch that may wait for one cursor.
pub const CONTINUES_PER_CURSOR_MAX: usize = 64;
/// Bytes of answers that wait for a slow client before its queries pause.
pub const OUTPUT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes that one read from a socket takes at most.
pub const READ_BYTES_MAX: usize = 64 * 1024;
/// Bytes that a read takes when the last one brought whole queries: allocators have memory of such
/// a size at hand.
pub const SHORT_READ_BYTES_MAX: usize = 16 * 1024;
/// Queries that run at the same time where blocking is allowed, over all connections. Far more than
/// cores, since some wait: for an index to be built, or for a server on the other side of the world.
pub const WORKERS_MAX: usize = 256;
/// How long a thread for such queries stays without work.
pub const WORKER_IDLE_MAX: Duration = Duration::from_secs(10);
/// Connections of all doors together.
pub const CONNECTIONS_MAX: usize = 65_536;
/// How long a client may take from connecting to being logged in.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long running queries may take to end when the server stops.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// Queries larger than this are decoded away from the connection's own task.
pub const INLINE_QUERY_BYTES_MAX: usize = 16 * 1024;
/// Plans of queries that each thread keeps.
pub const KNOWN_QUERIES_MAX: usize = 32;
/// Once there are so many, one in this number of queries that are not known takes the place of the
/// one that was met longest ago.
pub const QUERIES_PER_LESSON: usize = 8;
/// How much a query may read on the connection's own task.
pub const INLINE_ALLOWANCE: Allowance = Allowance { rows_max: PROMPT_ROWS_MAX, bytes_max: PROMPT_BYTES_MAX };
/// Rows of one batch of a feed.
pub const FEED_BATCH_ROWS_MAX: usize = 1024;
/// Feeds of one connection that are answered before the answers leave and others have a turn.
pub const FEEDS_PER_TURN_MAX: usize = 1024;
/// Bytes of one response; above it the rest of a batch waits for the next one.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;
