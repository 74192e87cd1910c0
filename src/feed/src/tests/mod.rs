//! Feeds over real tables in memory.

mod deliver;
mod model;
mod shared;
mod support;
