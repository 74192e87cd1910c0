//! The limits of tables.

/// Documents that one storage batch of one write changes at most.
pub const WRITE_CHUNK_ROWS_MAX: usize = 512;
/// Bytes of documents after which a write starts another storage batch.
pub const WRITE_CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a stream holds its snapshot before it goes on in a newer one.
pub const CURSOR_SNAPSHOT_MS_MAX: u64 = 60_000;
/// How often streams are looked at that nobody reads.
pub const SNAPSHOT_SWEEP_MS: u64 = 5_000;
/// Documents that one call of `next_batch` looks at, so that a stream whose program drops
/// nearly everything can still be cancelled.
pub const SCAN_ROWS_MAX: usize = 8192;
/// Bytes of documents that one call of `next_batch` looks at.
pub const SCAN_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Documents that an index build covers in one storage batch.
pub const INDEX_BUILD_ROWS_MAX: usize = 256;
/// Bytes of documents after which an index build starts another storage batch.
pub const INDEX_BUILD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Indexes that are built at the same time.
pub const INDEX_BUILD_THREADS_MAX: usize = 2;
/// How often expired documents are looked for.
pub const EXPIRY_SWEEP_MS: u64 = 250;
/// Expired documents that are deleted in one storage batch.
pub const EXPIRY_BATCH_ROWS_MAX: usize = 128;
/// Index entries of one document.
pub const INDEX_ENTRIES_PER_ROW_MAX: usize = 100_000;
/// Primary keys that are collected from an index to read these documents instead of all.
pub const NARROWED_KEYS_MAX: u64 = 100_000;
/// Entries of an index with equal truncated keys that are put in order in memory.
pub const TRUNCATED_RUN_ROWS_MAX: usize = 100_000;
/// Bytes of one packed document.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Changes that one write hands back to its query.
pub const RETURN_CHANGES_ROWS_MAX: usize = 100_000;
/// Parts that one read is split into.
pub const READ_PARTS_MAX: usize = 256;
/// Subscribers of one table.
pub const SUBSCRIBERS_MAX: usize = 1_000_000;
/// Problems of one table that a check tells one by one.
pub const CHECK_PROBLEMS_MAX: usize = 100;
/// Documents after which a check tells how far it is.
pub const CHECK_PROGRESS_ROWS: u64 = 4096;
/// Latches that the keys of a table share.
pub(crate) const LATCHES: usize = 256;
