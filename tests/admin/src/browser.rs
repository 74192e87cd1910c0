//! The browser that the tests drive.

use std::path::{Path, PathBuf};
use std::process::Command;

use photondb_test_support::{JavascriptClient, SupportError};

/// Names under which systems have Chromium.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// Where somebody has it elsewhere.
const VARIABLE: &str = "PHOTONDB_CHROMIUM";
/// Where Playwright's configuration finds the libraries that the browser is to load.
const LIBRARIES_VARIABLE: &str = "PHOTONDB_CHROMIUM_LIBRARIES";
/// Chromium as an npm package, for machines that have none; the last version for Node 20.
const PACKAGE: &str = "@sparticuz/chromium@147.0.0";
const PACKAGE_FOLDER: &str = "chromium-147.0.0";

/// Chromium, and what it needs to be started with.
#[derive(Debug)]
pub struct Browser {
    path: PathBuf,
    libraries: Option<PathBuf>,
}

/// There is no browser.
#[derive(Debug, thiserror::Error)]
#[error(
    "the admin interface is tested in Chromium, and there is none: install it (Debian and Ubuntu: \
     `apt-get install chromium`), or name it in {VARIABLE}. Fetching one from npm failed: {0}"
)]
pub struct BrowserError(String);

impl Browser {
    /// The machine's own Chromium; else one from npm, kept in the build folder.
    pub fn find() -> Result<Self, BrowserError> {
        let named = std::env::var_os(VARIABLE).map(PathBuf::from);
        if let Some(path) = named.or_else(|| NAMES.iter().find_map(|name| on_path(name))) {
            return Ok(Self { path, libraries: None });
        }
        Self::fetch().map_err(|error| BrowserError(error.to_string()))
    }

    /// Tells a command of Playwright which browser to start.
    pub fn prepare(&self, command: &mut Command) {
        command.env(VARIABLE, &self.path);
        if let Some(libraries) = &self.libraries {
            command.env(LIBRARIES_VARIABLE, libraries);
        }
    }

    fn fetch() -> Result<Self, SupportError> {
        let client = JavascriptClient::fetch_packages(PACKAGE_FOLDER, &[PACKAGE])?;
        let unpacked = client.folder().join("unpacked");
        let browser = Self { path: unpacked.join("chromium"), libraries: Some(unpacked.join("al2023/lib")) };
        if unpacked.is_dir() {
            return Ok(browser);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/unpack.mjs");
        let output = client
            .command()
            .arg(script)
            .args([client.folder(), &unpacked])
            .output()
            .map_err(|source| SupportError::Io { action: "unpack Chromium", source })?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(SupportError::Program { program: "node", output: text });
        }
        Ok(browser)
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
