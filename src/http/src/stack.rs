//! Room on the stack for what is nested deeply.

use photondb_base::limits::THREAD_STACK_BYTES;

/// What deeply nested queries and values may take. The server's own threads have it; a host
/// that embeds the server may have smaller ones.
const STACK_LEFT_BYTES_MIN: usize = THREAD_STACK_BYTES / 2;

/// Runs `work` with room for nesting up to the limit.
pub(crate) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_LEFT_BYTES_MIN, THREAD_STACK_BYTES, work)
}
