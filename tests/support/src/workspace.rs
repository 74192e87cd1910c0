//! Where things are: the workspace, the build output, the server binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a binary to test instead of the one built from this workspace.
const BINARY_VARIABLE: &str = "PHOTONDB_BIN";

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders below the workspace")
        .to_path_buf()
}

/// The build folder that the running test came from (`target`, or where it was redirected).
pub fn target_root() -> PathBuf {
    profile_folder().parent().expect("a profile folder has a parent").to_path_buf()
}

/// The server binary, built in the running test's own profile.
///
/// # Panics
/// When it does not compile: no test can say anything then.
pub fn server_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(BINARY_VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// Cargo itself decides whether the binary is stale; a build that is fresh costs a moment.
///
/// Asking for a test beside the binary makes Cargo choose the features of dependencies as
/// `cargo test --workspace` does; the server would be compiled a second time otherwise.
fn build() -> PathBuf {
    let profile_folder = profile_folder();
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace_root())
        .args(["build", "--quiet", "--workspace", "--bin", "photondb", "--test", "recorded_answers"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(target_root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "building the server:\n{}", String::from_utf8_lossy(&output.stderr));
    profile_folder.join("photondb")
}

/// `<target>/<profile>`: a test binary runs from `<target>/<profile>/deps`.
fn profile_folder() -> PathBuf {
    let binary = std::env::current_exe().expect("a running test has a path");
    let folder = binary.parent().expect("a file has a folder");
    let is_deps = folder.file_name().is_some_and(|name| name == "deps");
    if is_deps {
        folder.parent().expect("deps lies in a profile folder").to_path_buf()
    } else {
        folder.to_path_buf()
    }
}
