//! The limits of the HTTP door.

use std::time::Duration;

use photondb_base::limits::QUERY_BYTES_MAX;

/// Bytes of the body of a request.
pub const BODY_BYTES_MAX: usize = QUERY_BYTES_MAX;
/// How long the body of a request may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the head of a request may take to arrive, the first or one of those that follow on
/// the same connection.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a request may take to be answered. What a feed or a long answer sends later is not
/// bound by it.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Requests that are worked on at the same time; above it clients are asked to come again.
pub const REQUESTS_MAX: usize = 1024;
/// Requests of one HTTP/2 connection at the same time.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 256;
/// How often a silent HTTP/2 connection is asked whether it is there, and how long it may think.
pub const PING_INTERVAL: Duration = Duration::from_secs(60);
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long connections may take to end when the server stops.
pub const GRACE: Duration = Duration::from_secs(5);
/// Cursors that are open at the same time.
pub const CURSORS_MAX: usize = 10_000;
/// How long a cursor is kept that nobody asks for rows.
pub const CURSOR_IDLE_MAX: Duration = Duration::from_secs(300);
/// People who are logged in at the same time.
pub const SESSIONS_MAX: usize = 10_000;
/// How long somebody stays logged in who asks for nothing.
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long somebody stays logged in at all.
pub const SESSION_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often what nobody asks for is looked for.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(15);
/// Answers with more bytes than this are written where that holds up nobody.
pub const INLINE_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Tables whose numbers are among the metrics.
pub const METRICS_TABLES_MAX: usize = 1000;
/// Queries of one WebSocket that are open at the same time.
pub const QUERIES_PER_SOCKET_MAX: usize = 1024;
/// Messages that wait for a slow WebSocket; above it queries pause, and changes wait in the
/// queues of their feeds.
pub const SOCKET_MESSAGES_MAX: usize = 16;
/// Requests of one query over a WebSocket that may wait.
pub const SOCKET_REQUESTS_MAX: usize = 64;
/// How often a WebSocket is asked whether it is there, and how long it may be silent.
pub const SOCKET_PING_INTERVAL: Duration = Duration::from_secs(30);
pub const SOCKET_SILENCE_MAX: Duration = Duration::from_secs(100);
/// How long one message may take to leave.
pub const SOCKET_SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// Parts of a stream of events or rows that wait for a slow client.
pub const STREAM_PARTS_MAX: usize = 8;
/// How often a stream of events says that it is there.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How long a feed is kept whose connection was lost.
pub const RESUME_TIME_MAX: Duration = Duration::from_secs(120);
/// Rows that a feed keeps in case they were lost on the way, and their bytes.
pub const RESUME_ROWS_MAX: usize = 1024;
pub const RESUME_BYTES_MAX: usize = 256 * 1024;
/// Feeds that are kept whose connections were lost.
pub const LOST_FEEDS_MAX: usize = 1024;
/// How long the handing over of a feed to a new connection may take.
pub const RESUME_HANDOVER_MAX: Duration = Duration::from_secs(5);
