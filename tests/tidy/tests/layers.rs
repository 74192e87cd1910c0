//! Crates depend downwards only, and the core stays synchronous.

use std::collections::{BTreeMap, BTreeSet};

use photondb_tidy::{Packages, manifests};

/// Crates that must compile without a runtime or a network.
const SYNCHRONOUS: [&str; 9] =
    ["base", "datum", "storage", "reql", "table", "catalog", "plan", "exec", "feed"];
/// The words by which a runtime or a network crate is known.
const ASYNCHRONOUS: [&str; 17] = [
    "tokio",
    "async-std",
    "smol",
    "futures",
    "futures-util",
    "futures-core",
    "mio",
    "socket2",
    "hyper",
    "axum",
    "quinn",
    "rustls",
    "reqwest",
    "tower",
    "async-trait",
    "h2",
    "tonic",
];

#[test]
fn every_crate_names_its_layer() {
    for (folder, manifest) in manifests() {
        let layer = layer(&manifest);
        if folder.starts_with("src/") {
            assert!(layer.is_some(), "{folder}/Cargo.toml: add [package.metadata] layer = N");
        } else {
            assert!(layer.is_none(), "{folder}/Cargo.toml: test and bench crates stand above all layers");
        }
    }
}

#[test]
fn the_name_of_a_crate_is_its_folder() {
    for (folder, manifest) in manifests() {
        let noun = folder.rsplit('/').next().unwrap_or_default();
        let name = manifest["package"]["name"].as_str().unwrap_or_default();
        let expected =
            if noun == "support" { "photondb-test-support".into() } else { format!("photondb-{noun}") };
        assert!(name == expected || name == noun, "{folder}: the package is called {name}");
    }
}

#[test]
fn dependencies_point_to_lower_layers() {
    let manifests = manifests();
    let layers: BTreeMap<&str, Option<i64>> = manifests
        .iter()
        .map(|(_, manifest)| (manifest["package"]["name"].as_str().unwrap_or_default(), layer(manifest)))
        .collect();
    let mut wrong = Vec::new();
    for (folder, manifest) in &manifests {
        let Some(own) = layer(manifest) else { continue };
        for dependency in ["dependencies", "build-dependencies"].iter().flat_map(|kind| names(manifest, kind))
        {
            match layers.get(dependency.as_str()) {
                Some(Some(other)) if *other < own => {}
                Some(other) => {
                    wrong.push(format!("{folder} (layer {own}) needs {dependency} (layer {other:?})"))
                }
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "edges that do not point downwards:\n{}", wrong.join("\n"));
}

#[test]
fn the_core_knows_no_runtime_and_no_network() {
    let packages = Packages::load();
    for noun in SYNCHRONOUS {
        let needed = packages.needed_by(&format!("photondb-{noun}"));
        let forbidden: BTreeSet<_> = ASYNCHRONOUS.iter().filter(|name| needed.contains(**name)).collect();
        assert!(forbidden.is_empty(), "photondb-{noun} brings in {forbidden:?}");
    }
}

#[test]
fn the_core_has_no_async_functions() {
    for source in photondb_tidy::sources() {
        let is_core = SYNCHRONOUS.iter().any(|noun| source.path.starts_with(&format!("src/{noun}/")));
        if is_core && source.has_extension("rs") {
            let found = source.text.lines().position(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains("async fn") || code.contains(".await")
            });
            assert!(found.is_none(), "{}:{} is asynchronous", source.path, found.unwrap_or_default() + 1);
        }
    }
}

fn layer(manifest: &toml::Table) -> Option<i64> {
    manifest["package"].get("metadata")?.get("layer")?.as_integer()
}

fn names(manifest: &toml::Table, kind: &str) -> Vec<String> {
    let table = manifest.get(kind).and_then(toml::Value::as_table);
    table.into_iter().flat_map(toml::Table::keys).cloned().collect()
}
