//! A file that has no name until it is whole, so that none is left behind by whoever is killed.

use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};
use tempfile::NamedTempFile;

use crate::command_error::CommandError;

/// A file without a name in the folder of the one that it will have. Only its owner may read it.
pub struct NamelessFile {
    file: File,
    path: PathBuf,
}

impl NamelessFile {
    /// Makes one that is to be called `path`.
    pub fn create(path: &Path) -> Result<Self, CommandError> {
        let folder = folder_of(path);
        let file = tempfile::tempfile_in(folder).map_err(CommandError::file("create a file in", folder))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// What to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the whole file its name, once it is on disk. Gives its length, too. A file that has
    /// the name already is replaced only when that is wished.
    pub fn keep(self, overwrite: bool) -> Result<u64, CommandError> {
        let fail = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => exists_already(&self.path),
            _ => CommandError::file("write", &self.path)(error),
        };
        self.file.sync_all().map_err(fail)?;
        let length = self.file.metadata().map_err(fail)?.len();
        match self.link(overwrite) {
            Ok(()) => Ok(length),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(fail(error)),
            // Some file systems give no name to what never had one.
            Err(_) => self.copy(overwrite).map(|()| length).map_err(fail),
        }
    }

    fn link(&self, overwrite: bool) -> io::Result<()> {
        let source = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let link = |path: &Path| linkat(CWD, source.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW);
        match link(&self.path) {
            Err(rustix::io::Errno::EXIST) if overwrite => {
                // A link replaces nothing, a change of names does.
                let mut draft = self.path.clone().into_os_string();
                draft.push(format!(".{}", std::process::id()));
                let draft = PathBuf::from(draft);
                link(&draft)?;
                std::fs::rename(&draft, &self.path)
            }
            other => Ok(other?),
        }
    }

    fn copy(&self, overwrite: bool) -> io::Result<()> {
        let mut copy = NamedTempFile::new_in(folder_of(&self.path))?;
        let mut source = &self.file;
        source.rewind()?;
        io::copy(&mut source, &mut copy)?;
        copy.as_file().sync_all()?;
        let kept = if overwrite { copy.persist(&self.path) } else { copy.persist_noclobber(&self.path) };
        kept.map(drop).map_err(|error| error.error)
    }
}

/// The complaint about a file that is there.
pub fn exists_already(path: &Path) -> CommandError {
    CommandError::Refused(format!("{} exists already; --overwrite-file replaces it", path.display()))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("reads")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let with = |text: &str| {
            let mut file = NamelessFile::create(&path).expect("creates");
            file.file().write_all(text.as_bytes()).expect("writes");
            file
        };
        let first = with("first");
        assert!(files(folder.path()).is_empty());
        assert_eq!(first.keep(false).expect("keeps"), 5);
        let error = with("second").keep(false).expect_err("is there").to_string();
        assert!(error.contains("--overwrite-file replaces it"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "first");
        with("second").keep(true).expect("replaces");
        let third = with("third");
        third.copy(true).expect("replaces");
        assert_eq!(third.copy(false).expect_err("is there").kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "third");
        assert_eq!(files(folder.path()), ["a"]);
    }
}
