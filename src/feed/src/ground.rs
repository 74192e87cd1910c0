//! What all feeds stand on.

use std::sync::Arc;

use photondb_base::Clock;
use photondb_table::Shards;

use crate::event::Gauge;

/// What all feeds stand on: one for all of them, since there may be very many.
pub(crate) struct Ground {
    pub(crate) shards: Arc<dyn Shards>,
    /// Times what is held back.
    pub(crate) clock: Arc<dyn Clock>,
    /// Counts what waits for readers.
    pub(crate) gauge: Arc<Gauge>,
}
