//! Other people's crates: few, named with a reason, under licences we may use.

use std::collections::BTreeSet;

use photondb_tidy::{Packages, dependencies, manifests, root};

#[test]
fn licences_are_allowed() {
    let policy = read("deny.toml");
    let policy: toml::Table = policy.parse().expect("deny.toml is TOML");
    let allowed: Vec<&str> = policy["licenses"]["allow"]
        .as_array()
        .expect("deny.toml: [licenses] allow")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let mut refused = Vec::new();
    for package in Packages::load().all() {
        let licence = package.licence.as_deref().unwrap_or("none");
        if !satisfied(licence, &allowed) {
            refused.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(refused.is_empty(), "licences that deny.toml does not allow:\n{}", refused.join("\n"));
}

#[test]
fn every_dependency_has_a_reason() {
    let document = read("docs/dependencies.md");
    // The table's rows begin with the crate's name in backquotes.
    let named: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let manifests = manifests();
    let used: BTreeSet<&str> = manifests
        .iter()
        .flat_map(|(_, manifest)| dependencies(manifest))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("photondb"))
        .collect();
    let unnamed: Vec<_> = used.iter().filter(|name| !named.contains(**name)).collect();
    let unused: Vec<_> = named.iter().filter(|name| !used.contains(**name)).collect();
    assert!(unnamed.is_empty(), "docs/dependencies.md gives no reason for {unnamed:?}");
    assert!(unused.is_empty(), "docs/dependencies.md names {unused:?}, which nothing uses");
}

#[test]
fn versions_are_chosen_in_one_place() {
    for (folder, manifest) in manifests() {
        for (name, value) in dependencies(&manifest) {
            let inherits = value.get("workspace").and_then(toml::Value::as_bool);
            assert_eq!(inherits, Some(true), "{folder}: {name} must say `workspace = true`");
        }
    }
}

#[test]
fn nothing_in_the_workspaces_list_is_unused() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let listed = workspace["workspace"]["dependencies"].as_table().expect("[workspace.dependencies]");
    let manifests = manifests();
    let used: BTreeSet<&str> =
        manifests.iter().flat_map(|(_, manifest)| dependencies(manifest)).map(|(name, _)| name).collect();
    let is_ours = |name: &str| name.starts_with("photondb");
    let unused: Vec<_> =
        listed.keys().filter(|name| !used.contains(name.as_str()) && !is_ours(name)).collect();
    assert!(unused.is_empty(), "Cargo.toml lists {unused:?}, which no crate uses");
}

/// Whether an SPDX expression can be met with allowed licences: alternatives by `OR`, sums
/// by `AND`, parentheses around either. Old manifests write a slash for `OR`.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = any(&tokens, &mut at, allowed);
    verdict && at == tokens.len()
}

fn any(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut verdict = all(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        verdict |= all(tokens, at, allowed);
    }
    verdict
}

fn all(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut verdict = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        verdict &= one(tokens, at, allowed);
    }
    verdict
}

fn one(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let verdict = any(tokens, at, allowed);
        *at += 1;
        return verdict;
    }
    if tokens.get(*at) != Some(&"WITH") {
        return allowed.contains(token);
    }
    let with_exception = format!("{token} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
    *at += 2;
    // An exception only ever permits more than the licence itself.
    allowed.contains(token) || allowed.contains(&with_exception.as_str())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "Apache-2.0"];
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(satisfied(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "none", "", "GPL-2.0 WITH Classpath-exception-2.0"] {
        assert!(!satisfied(bad, &allowed), "{bad}");
    }
}
