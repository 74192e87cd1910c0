//! Metadata: databases, tables, indexes, users.
