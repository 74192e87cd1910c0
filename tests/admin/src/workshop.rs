//! A copy of the interface's sources beside the packages that build them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{JavascriptClient, Script, ScriptOutput, SupportError, workspace_root};

/// What the sources are: everything else in their folder was made from them.
const SOURCES: [&str; 7] =
    ["index.html", "package.json", "public", "src", "svelte.config.js", "tsconfig.json", "vite.config.ts"];

/// The interface's sources with the packages of its lock file.
///
/// Node looks for packages in the folders above a source, so the sources are copied below
/// the folder that holds the packages.
#[derive(Debug)]
pub struct Workshop {
    packages: JavascriptClient,
    folder: tempfile::TempDir,
}

/// How two folders differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only the first has the file.
    Missing(PathBuf),
    /// Only the second has it.
    Surplus(PathBuf),
    /// Its bytes differ.
    Changed(PathBuf),
}

impl Workshop {
    /// Fetches the packages unless they are there, and copies the sources.
    pub fn open() -> Result<Self, SupportError> {
        let project = workspace_root().join("static");
        let packages = JavascriptClient::fetch_locked("admin", &project)?;
        let doing = |action| move |source| SupportError::Io { action, source };
        let folder = tempfile::tempdir_in(packages.folder()).map_err(doing("create a folder for sources"))?;
        for name in SOURCES {
            copy(&project.join(name), &folder.path().join(name)).map_err(doing("copy the sources"))?;
        }
        Ok(Self { packages, folder })
    }

    /// Runs a program of the packages on the sources.
    pub fn run(
        &self,
        program: &str,
        arguments: &[&str],
        timeout: Duration,
    ) -> Result<ScriptOutput, SupportError> {
        let mut command = Command::new(self.packages.folder().join("node_modules/.bin").join(program));
        command.current_dir(self.folder.path()).args(arguments);
        Script::new(command, timeout).run()
    }

    /// Where a build leaves the bundle.
    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("dist")
    }
}

/// The differences between a folder as it should be and as it is.
pub fn compare(wanted: &Path, found: &Path) -> std::io::Result<Vec<Difference>> {
    let (wanted, mut found) = (files(wanted)?, files(found)?);
    let mut differences = Vec::new();
    for (path, bytes) in wanted {
        match found.remove(&path) {
            None => differences.push(Difference::Missing(path)),
            Some(other) if other != bytes => differences.push(Difference::Changed(path)),
            Some(_) => {}
        }
    }
    differences.extend(found.into_keys().map(Difference::Surplus));
    Ok(differences)
}

fn files(root: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in std::fs::read_dir(root.join(&below))? {
            let path = below.join(entry?.file_name());
            if root.join(&path).is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(root.join(&path))?;
                found.insert(path, bytes);
            }
        }
    }
    Ok(found)
}

/// Copies a file or a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop);
    }
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let name = entry?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_found() {
        let [wanted, found] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
        for (folder, file, text) in [
            (&wanted, "same", "1"),
            (&wanted, "changed", "1"),
            (&wanted, "missing", "1"),
            (&found, "same", "1"),
            (&found, "changed", "2"),
            (&found, "surplus", "1"),
        ] {
            std::fs::create_dir_all(folder.path().join("below")).expect("a folder");
            std::fs::write(folder.path().join("below").join(file), text).expect("a file");
        }
        let below = |name: &str| Path::new("below").join(name);
        assert_eq!(
            compare(wanted.path(), found.path()).expect("both can be read"),
            [
                Difference::Changed(below("changed")),
                Difference::Missing(below("missing")),
                Difference::Surplus(below("surplus")),
            ]
        );
    }
}
