//! Other people's crates: few, named with a reason, under licences we may use.

use std::collections::BTreeSet;

use photondb_tidy::{Packages, dependencies, manifests, root};

/// Where `docs/dependencies.md` turns from crates to npm packages.
const NPM_HEADING: &str = "## In the admin interface";
/// Licences that only npm packages have: one that asks for nothing, and one of fonts.
const NPM_LICENCES: [&str; 2] = ["0BSD", "OFL-1.1"];

#[test]
fn every_npm_package_has_a_reason() {
    let document = read("docs/dependencies.md");
    let (_, section) = document.split_once(NPM_HEADING).expect("a section for npm packages");
    let section = section.split("\n## ").next().unwrap_or_default();
    let named = named(section);
    let project: serde_json::Value =
        serde_json::from_str(&read("static/package.json")).expect("package.json is JSON");
    let packages = project["devDependencies"].as_object().expect("package.json lists packages");
    for (name, version) in packages {
        assert!(named.contains(name.as_str()), "docs/dependencies.md gives no reason for {name}");
        let version = version.as_str().unwrap_or_default();
        let is_exact = version.split('.').all(|part| part.parse::<u32>().is_ok());
        assert!(is_exact, "static/package.json: {name} needs one exact version, so that builds agree");
    }
    for name in named {
        assert!(packages.contains_key(name), "docs/dependencies.md names {name}, which static/ does not use");
    }
}

#[test]
fn npm_licences_are_allowed() {
    let policy: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let allowed = policy["licenses"]["allow"].as_array().expect("deny.toml: [licenses] allow");
    let allowed: Vec<&str> = allowed.iter().filter_map(toml::Value::as_str).chain(NPM_LICENCES).collect();
    let lock: serde_json::Value =
        serde_json::from_str(&read("static/package-lock.json")).expect("package-lock.json is JSON");
    let packages = lock["packages"].as_object().expect("package-lock.json lists packages");
    let refused: Vec<String> = packages
        .iter()
        .map(|(path, package)| (path, package["license"].as_str().unwrap_or("none")))
        .filter(|(_, licence)| !satisfied(licence, &allowed))
        .map(|(path, licence)| format!("{path}: {licence}"))
        .collect();
    assert!(refused.is_empty(), "licences that are not allowed:\n{}", refused.join("\n"));
}

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
    let (crates, _) = document.split_once(NPM_HEADING).expect("crates stand before npm packages");
    let named = named(crates);
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

/// The names of a table's rows, which begin with them in backquotes.
fn named(section: &str) -> BTreeSet<&str> {
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
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
