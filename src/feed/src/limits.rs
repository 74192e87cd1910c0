//! The limits of feeds.

/// Events that a channel keeps for readers on their way; who is further behind takes them to
/// a queue of its own.
pub const CHANNEL_EVENTS_MAX: usize = 1024;
/// Bytes of documents in those events.
pub const CHANNEL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of documents that may wait for one slow reader. More is treated as more rows than
/// `changefeedQueueSize` are: the reader is told how many it missed.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of documents that may wait for all readers together. Above it slow readers miss
/// what comes, and channels keep an eighth of what they may.
pub const TOTAL_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Feeds of one table.
pub const FEEDS_PER_TABLE_MAX: usize = 1_000_000;
/// Feeds of tables that one union may have.
pub const UNION_MEMBERS_MAX: usize = 1024;
