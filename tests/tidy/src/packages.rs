//! The packages that Cargo resolved, and who needs whom.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::house::root;

/// One package, ours or another's.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SPDX expression of its licence.
    pub licence: Option<String>,
    /// Whether it is a member of this workspace.
    pub is_member: bool,
}

/// All packages by Cargo's id.
#[derive(Debug)]
pub struct Packages {
    packages: BTreeMap<String, Package>,
    /// What a package needs in order to run: neither to build nor to test it.
    needs: BTreeMap<String, Vec<String>>,
}

impl Packages {
    /// Asks Cargo.
    ///
    /// # Panics
    /// When Cargo does not answer.
    pub fn load() -> Self {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--filter-platform", &host()])
            .current_dir(root())
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
        let members: BTreeSet<&str> = texts(&metadata["workspace_members"]).collect();
        let nodes = metadata["resolve"]["nodes"].as_array().expect("cargo's resolution");
        let used: BTreeSet<String> = nodes.iter().map(|node| text(&node["id"])).collect();
        let packages = metadata["packages"].as_array().expect("cargo's packages").iter();
        let package = |package: &Value| {
            let id = text(&package["id"]);
            let is_member = members.contains(id.as_str());
            let licence = package["license"].as_str().map(str::to_owned);
            (
                id,
                Package {
                    name: text(&package["name"]),
                    version: text(&package["version"]),
                    licence,
                    is_member,
                },
            )
        };
        let packages = packages.map(package).filter(|(id, _)| used.contains(id)).collect();
        let needs = nodes.iter().map(|node| (text(&node["id"]), needed(node))).collect();
        Self { packages, needs }
    }

    /// Every package.
    pub fn all(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// The names of everything that `name` needs to run, directly or not.
    ///
    /// # Panics
    /// When there is no such member.
    pub fn needed_by(&self, name: &str) -> BTreeSet<&str> {
        let is_asked = |(_, package): &(&String, &Package)| package.is_member && package.name == name;
        let (start, _) = self.packages.iter().find(is_asked).unwrap_or_else(|| panic!("no member {name}"));
        let mut found = BTreeSet::new();
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            for needed in &self.needs[id] {
                if found.insert(self.packages[needed].name.as_str()) {
                    open.push(needed);
                }
            }
        }
        found
    }
}

fn needed(node: &Value) -> Vec<String> {
    let is_normal = |dependency: &&Value| {
        dependency["dep_kinds"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let dependencies = node["deps"].as_array().into_iter().flatten();
    dependencies.filter(is_normal).map(|dependency| text(&dependency["pkg"])).collect()
}

/// Packages of other systems need not even be downloaded.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}
