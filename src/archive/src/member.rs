//! The paths of an archive's members: `DUMP/DATABASE/TABLE.json` and `DUMP/DATABASE/TABLE.info`.

use crate::error::ArchiveError;

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Documents,
    Description,
}

impl Content {
    fn extension(self) -> &'static str {
        match self {
            Self::Documents => "json",
            Self::Description => "info",
        }
    }
}

/// A member that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub database: String,
    pub table: String,
    pub content: Content,
}

impl Member {
    /// Reads a path. Members that no dump has are ignored, as RethinkDB's tools do; ours are
    /// two folders deep.
    pub(crate) fn parse(path: &str) -> Result<Option<Self>, ArchiveError> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Ok(None);
        }
        let Some((stem, extension)) = parts.last().and_then(|name| name.rsplit_once('.')) else {
            return Ok(None);
        };
        let content = match extension {
            "json" => Content::Documents,
            "info" => Content::Description,
            "csv" => return Err(ArchiveError::member(path, "CSV is no part of a dump; use `import`")),
            _ => return Ok(None),
        };
        let [_, database, _] = parts[..] else {
            return Err(ArchiveError::member(path, "a table lies two folders deep, as DUMP/DATABASE/TABLE"));
        };
        for name in [database, stem] {
            check_name(name).map_err(|detail| ArchiveError::member(path, detail))?;
        }
        Ok(Some(Self { database: database.to_owned(), table: stem.to_owned(), content }))
    }

    /// The path below a top folder.
    pub(crate) fn path(&self, top: &str) -> String {
        format!("{top}/{}/{}.{}", self.database, self.table, self.content.extension())
    }
}

/// What databases and tables can be called.
fn check_name(name: &str) -> Result<(), String> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_legal) {
        return Err(format!("`{name}` is no name of a database or a table (use A-Z, a-z, 0-9, _ and -)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_and_others_are_ignored_or_refused() {
        let member = Member { database: "test".into(), table: "a-b".into(), content: Content::Documents };
        assert_eq!(member.path("top"), "top/test/a-b.json");
        assert_eq!(Member::parse("./top//test/a-b.json").unwrap(), Some(member));
        for ignored in ["", "top", "top/test/", "top/test/readme.txt", "top/../test/a.json", "/"] {
            assert_eq!(Member::parse(ignored).unwrap(), None, "{ignored}");
        }
        for refused in
            ["a.json", "test/a.info", "x/y/z/a.json", "top/t est/a.json", "top/test/.json", "a/b/c.csv"]
        {
            assert!(Member::parse(refused).is_err(), "{refused}");
        }
    }
}
