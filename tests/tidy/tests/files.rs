//! Sizes, headers and words of the files.

use photondb_tidy::{Source, root, sources};

/// No file of code is longer.
const LINES_MAX: usize = 1_000;
/// A file whose code without its tests is longer needs a reason here.
const CODE_LINES_MAX: usize = 600;
/// Path and reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Spelled in pieces, so that this file passes its own test.
const LEFT_OVERS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];
/// Paths that exist on somebody's machine alone.
const FOREIGN_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("../sh", "ared"), concat!("/Us", "ers/")];

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for source in code() {
        let (all, without_tests) = (source.lines(), source.lines_without_tests());
        let excused = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if all > LINES_MAX {
            long.push(format!("{}: {all} lines, {LINES_MAX} is the ceiling", source.path));
        } else if without_tests > CODE_LINES_MAX && !excused {
            long.push(format!("{}: {without_tests} lines of code, aim at 500", source.path));
        }
    }
    assert!(long.is_empty(), "split these by responsibility:\n{}", long.join("\n"));
    for (path, _) in LONG_FILES {
        assert!(root().join(path).is_file(), "{path} is excused and does not exist");
    }
}

#[test]
fn every_crate_says_what_it_is_for() {
    let mut silent = Vec::new();
    for source in code().iter().filter(|source| source.path.ends_with("src/lib.rs")) {
        let header: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let header = header.join(" ");
        for part in ["Invariants:", "Does not know about:"] {
            if !header.contains(part) {
                silent.push(format!("{}: the header lacks `{part}`", source.path));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    refuse("left-overs", &LEFT_OVERS, |source| !source.path.ends_with("LICENSE"));
}

#[test]
fn no_path_of_one_machine() {
    refuse("paths of one machine", &FOREIGN_PATHS, |_| true);
}

#[test]
fn no_test_is_switched_off() {
    refuse("ignored tests", &[concat!("#[ign", "ore")], |source| source.has_extension("rs"));
}

#[test]
fn crates_use_the_workspaces_lints() {
    for (folder, manifest) in photondb_tidy::manifests() {
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(
            inherits.and_then(toml::Value::as_bool),
            Some(true),
            "{folder}: add [lints] workspace = true"
        );
    }
}

#[test]
fn the_gate_runs_the_command_of_the_readme() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("the file can be read");
    let command = "cargo test --workspace";
    let gate = read(".ci/run");
    assert!(read("README.md").lines().any(|line| line == command), "README.md lacks the line `{command}`");
    assert!(gate.lines().any(|line| line.trim() == command), ".ci/run lacks the line `{command}`");
}

fn code() -> Vec<Source> {
    let extensions = ["rs", "py", "js", "ts", "svelte"];
    sources().into_iter().filter(|source| extensions.iter().any(|e| source.has_extension(e))).collect()
}

fn refuse(what: &str, words: &[&str], applies: impl Fn(&Source) -> bool) {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| applies(source)) {
        for (index, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| contains_word(line, word)) {
                found.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// Whether `word` stands in `line` with no letter around it.
fn contains_word(line: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        !word.starts_with(char::is_alphabetic) || (!is_letter(before) && !is_letter(after))
    })
}
