//! The files of the workspace.

use std::path::{Path, PathBuf};

/// What Git ignores or what is not ours to judge: a fuzzer's inputs may be any bytes, a bundle
/// (`dist`) is made from its sources. In a second worktree `.git` is a file.
const SKIPPED_NAMES: [&str; 8] =
    ["target", ".git", "node_modules", "photondb_data", "__pycache__", "corpus", "dist", "package-lock.json"];
/// Recorded data, not text of ours.
const SKIPPED_EXTENSIONS: [&str; 2] = ["jsonl", "lock"];

/// A text file of the workspace.
#[derive(Debug)]
pub struct Source {
    /// Its path below the workspace, with slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl Source {
    /// Whether the file's name ends so.
    pub fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// How many lines stand before the tests at the end of a Rust file.
    pub fn lines_without_tests(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests =
            lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
        // `mod tests;` only names a file; a module with a body lasts to the end.
        match tests {
            Some(start) if lines[start + 1].ends_with('{') => start,
            _ => lines.len(),
        }
    }
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two folders below the workspace").to_path_buf()
}

/// Every text file.
pub fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// The manifests of all members, parsed, with their folders (`src/base`). What is a workspace
/// of its own is no member.
pub fn manifests() -> Vec<(String, toml::Table)> {
    let is_manifest = |source: &Source| source.path.ends_with("/Cargo.toml");
    let elsewhere = |(_, manifest): &(String, toml::Table)| manifest.contains_key("workspace");
    sources().into_iter().filter(is_manifest).map(parsed).filter(|member| !elsewhere(member)).collect()
}

/// The names of everything that a manifest depends on, for itself, its tests and its build,
/// on any system, and how each is given.
pub fn dependencies(manifest: &toml::Table) -> Vec<(&str, &toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    std::iter::once(manifest).chain(tables).flat_map(dependencies_of).collect()
}

fn dependencies_of(holder: &toml::Table) -> impl Iterator<Item = (&str, &toml::Value)> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|kind| holder.get(kind)?.as_table())
        .flat_map(|table| table.iter().map(|(name, value)| (name.as_str(), value)))
}

fn parsed(source: Source) -> (String, toml::Table) {
    let table = source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path));
    (source.path.trim_end_matches("/Cargo.toml").to_owned(), table)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if SKIPPED_NAMES.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
        } else if !SKIPPED_EXTENSIONS.contains(&extension) {
            // What is no UTF-8 is no text.
            if let Ok(text) = std::fs::read_to_string(&path) {
                let below = path.strip_prefix(root).expect("it lies below the root");
                found.push(Source { path: below.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
}
