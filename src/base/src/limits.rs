//! Limits that hold across crates. A limit of one crate alone lives in that crate.

/// Bytes of an encoded primary key, as in RethinkDB.
pub const PRIMARY_KEY_BYTES_MAX: usize = 127;
/// Bytes of a secondary index key before it is truncated.
pub const SECONDARY_KEY_BYTES_MAX: usize = 256;
/// Nesting of arrays and objects in a value or a query.
pub const NESTING_DEPTH_MAX: usize = 500;
/// Bytes of one value: a document, a text, an answer that is one value.
pub const VALUE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Stack of a thread that evaluates, decodes or writes values: nesting up to the limit has to
/// fit. It is only reserved; memory is taken as the stack grows.
pub const THREAD_STACK_BYTES: usize = 16 * 1024 * 1024;
/// Elements of an array unless the query sets `arrayLimit`.
pub const ARRAY_SIZE_DEFAULT_MAX: usize = 100_000;
/// Rows that a query reads on the thread that serves its connection.
pub const PROMPT_ROWS_MAX: usize = 256;
/// Bytes of those rows.
pub const PROMPT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one query as it arrives.
pub const QUERY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows of one batch.
pub const BATCH_ROWS_MAX: usize = 4096;
/// Bytes of one batch.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
