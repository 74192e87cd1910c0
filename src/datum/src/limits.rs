//! The limits of values and what RethinkDB says when they are hit.

use photondb_base::limits::NESTING_DEPTH_MAX;

use crate::error::DatumError;

pub use photondb_base::limits::ARRAY_SIZE_DEFAULT_MAX;

/// Fails when an array of `len` items would be longer than `max`.
pub fn check_array_size(len: usize, max: usize) -> Result<(), DatumError> {
    if len > max { Err(DatumError::ArrayTooLarge { max }) } else { Ok(()) }
}

/// Fails when arrays and objects nested `depth` deep are nested too deep.
pub fn check_depth(depth: usize) -> Result<(), DatumError> {
    if depth > NESTING_DEPTH_MAX {
        Err(DatumError::NestingTooDeep { max: NESTING_DEPTH_MAX })
    } else {
        Ok(())
    }
}
