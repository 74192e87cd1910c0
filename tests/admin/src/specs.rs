//! The browser's tests, run by Playwright.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{JavascriptClient, Script, ScriptOutput, SupportError};

use crate::browser::Browser;
use crate::workshop::copy;

const PACKAGES: [&str; 2] = ["@playwright/test@1.65.1", "@axe-core/playwright@4.14.0"];
/// Changes with the versions.
const FOLDER: &str = "playwright-1.65.1-axe-4.14.0";

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

    /// Runs one specification on a server.
    pub fn run(&self, spec: &str, url: &str, timeout: Duration) -> Result<ScriptOutput, SupportError> {
        let mut command = Command::new(self.packages.folder().join("node_modules/.bin/playwright"));
        command
            .current_dir(self.folder.path().join("browser"))
            .args(["test", spec])
            .env("PHOTONDB_URL", url)
            // Colours and cursor movements are for terminals.
            .env("NO_COLOR", "1")
            .env("CI", "true");
        self.browser.prepare(&mut command);
        Script::new(command, timeout).run()
    }
}
