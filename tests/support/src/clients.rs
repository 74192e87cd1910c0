//! The official drivers, fetched once into the build folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::{SupportError, target_root, while_doing};

const PYTHON_DRIVER: &str = "rethinkdb==2.4.10.post1";
const JAVASCRIPT_PACKAGES: [&str; 2] = ["rethinkdb@2.4.2", "vega-datasets@3.2.1"];
/// Changes whenever the lists above change, so that an old download is not taken for a new one.
const PYTHON_FOLDER: &str = "python-2.4.10.post1";
const JAVASCRIPT_FOLDER: &str = "javascript-2.4.2-3.2.1";

/// One download at a time within a process.
static FETCHING: Mutex<()> = Mutex::new(());

/// Packages from PyPI: the Python driver, or others.
#[derive(Debug, Clone)]
pub struct PythonClient {
    folder: PathBuf,
}

impl PythonClient {
    /// Fetches it with pip unless it is there.
    pub fn fetch() -> Result<Self, SupportError> {
        Self::fetch_packages(PYTHON_FOLDER, &[PYTHON_DRIVER])
    }

    /// Other packages (`name==version`) in a folder of their own, whose name must change with
    /// the versions.
    pub fn fetch_packages(folder: &str, packages: &[&str]) -> Result<Self, SupportError> {
        let folder = fetched(folder, |folder| {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
            pip.arg("--target").arg(folder).args(packages);
            run("pip (python3 -m pip)", pip)
        })?;
        Ok(Self { folder })
    }

    /// A `python3` that finds the driver.
    pub fn command(&self) -> Command {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &self.folder).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Packages from npm: the JavaScript driver and data sets, or others.
#[derive(Debug, Clone)]
pub struct JavascriptClient {
    folder: PathBuf,
}

impl JavascriptClient {
    /// Fetches them with npm unless they are there.
    pub fn fetch() -> Result<Self, SupportError> {
        Self::fetch_packages(JAVASCRIPT_FOLDER, &JAVASCRIPT_PACKAGES)
    }

    /// Other packages (`name@version`) in a folder of their own, whose name must change with
    /// the versions.
    pub fn fetch_packages(folder: &str, packages: &[&str]) -> Result<Self, SupportError> {
        let folder = fetched(folder, |folder| {
            std::fs::write(folder.join("package.json"), "{\"private\":true}")
                .map_err(while_doing("write package.json"))?;
            let mut npm = Command::new("npm");
            npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
            npm.args(packages);
            run("npm", npm)
        })?;
        Ok(Self { folder })
    }

    /// The packages that a project's `package-lock.json` names, in a folder whose name changes
    /// with it.
    pub fn fetch_locked(name: &str, project: &Path) -> Result<Self, SupportError> {
        let lock =
            std::fs::read(project.join("package-lock.json")).map_err(while_doing("read a lock file"))?;
        let folder = fetched(&format!("{name}-{:016x}", fingerprint(&lock)), |folder| {
            for file in ["package.json", "package-lock.json"] {
                std::fs::copy(project.join(file), folder.join(file))
                    .map_err(while_doing("copy a project's packages"))?;
            }
            let mut npm = Command::new("npm");
            npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
            run("npm", npm)
        })?;
        Ok(Self { folder })
    }

    /// A `node` that finds the packages.
    pub fn command(&self) -> Command {
        let mut command = Command::new("node");
        command.env("NODE_PATH", self.folder.join("node_modules"));
        command
    }

    /// The folder that holds `node_modules`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the data sets.
    pub fn dataset(&self, name: &str) -> PathBuf {
        self.folder.join("node_modules/vega-datasets/data").join(name)
    }
}

/// FNV-1a: other bytes, another name.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The folder `name` below the downloads; `fill` is asked for its content when it is missing.
///
/// The content is made in a folder of its own and moved into place, so that neither an
/// interrupted download nor a test that runs at the same time leaves half of one.
fn fetched(
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), SupportError>,
) -> Result<PathBuf, SupportError> {
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let downloads = target_root().join("clients");
    let folder = downloads.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&downloads).map_err(while_doing("create the downloads' folder"))?;
    let draft = tempfile::tempdir_in(&downloads).map_err(while_doing("create a temporary folder"))?;
    fill(draft.path())?;
    match std::fs::rename(draft.path(), &folder) {
        Err(error) if !folder.is_dir() => Err(while_doing("move a download into place")(error)),
        _ => Ok(folder),
    }
}

fn run(program: &'static str, mut command: Command) -> Result<(), SupportError> {
    let output = command.output().map_err(while_doing(program))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(SupportError::Program { program, output: String::from_utf8_lossy(&text).into_owned() })
}
