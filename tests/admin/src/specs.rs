//! The browser's tests, run by Playwright.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{
    JavascriptClient, Script, ScriptOutput, SupportError, target_root, workspace_root,
};

use crate::browser::Browser;
use crate::workshop::copy;

const PACKAGES: [&str; 2] = ["@playwright/test@1.65.1", "@axe-core/playwright@4.14.0"];
/// Changes with the versions.
const FOLDER: &str = "playwright-1.65.1-axe-4.14.0";
/// Tells the specifications where pictures go.
const PICTURES_VARIABLE: &str = "PHOTONDB_SCREENSHOTS";

/// The specifications in `browser/`, beside the packages that run them.
#[derive(Debug)]
pub struct Specs {
    packages: JavascriptClient,
    folder: tempfile::TempDir,
    browser: Browser,
}

impl Specs {
    /// Fetches the packages unless they are there, and copies the specifications.
    pub fn open(browser: Browser) -> Result<Self, SupportError> {
        let doing = |action| move |source| SupportError::Io { action, source };
        let packages = JavascriptClient::fetch_packages(FOLDER, &PACKAGES)?;
        let folder = tempfile::tempdir_in(packages.folder()).map_err(doing("create a folder for specs"))?;
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        copy(&specs, &folder.path().join("browser")).map_err(doing("copy the specs"))?;
        Ok(Self { packages, folder, browser })
    }

    /// Where pictures are drawn: the folder that `PHOTONDB_SCREENSHOTS` names, or one beside
    /// what is built.
    pub fn pictures() -> PathBuf {
        match std::env::var_os(PICTURES_VARIABLE) {
            Some(folder) => workspace_root().join(folder),
            None => target_root().join("admin-pictures"),
        }
    }

    /// Runs one specification on a server.
    pub fn run(
        &self,
        spec: &str,
        url: &str,
        variables: &[(&str, &Path)],
        timeout: Duration,
    ) -> Result<ScriptOutput, SupportError> {
        let mut command = Command::new(self.packages.folder().join("node_modules/.bin/playwright"));
        command
            .current_dir(self.folder.path().join("browser"))
            .args(["test", spec])
            .env("PHOTONDB_URL", url)
            .env(PICTURES_VARIABLE, Self::pictures())
            // Colours and cursor movements are for terminals.
            .env("NO_COLOR", "1")
            .env("CI", "true")
            .envs(variables.iter().copied());
        self.browser.prepare(&mut command);
        Script::new(command, timeout).run()
    }
}
