//! Document tables on the storage engine.
