//! What names may look like.

use std::fmt;

use crate::error::CatalogError;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A database.
    Database,
    /// A table.
    Table,
    /// A server.
    Server,
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "Database",
            Self::Table => "Table",
            Self::Server => "Server",
        })
    }
}

/// Whether a database, table or server can have this name.
pub fn check_name(kind: NameKind, name: &str) -> Result<(), CatalogError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(fits) {
        return Ok(());
    }
    Err(CatalogError::InvalidName { kind, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(check_name(NameKind::Table, "a-Z_09").is_ok());
        for bad in ["", "a b", "a.b", "ä"] {
            let error = check_name(NameKind::Database, bad).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Database name `{bad}` invalid (Use A-Z, a-z, 0-9, _ and - only).")
            );
        }
    }
}
