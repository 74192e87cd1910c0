//! Changefeeds.
