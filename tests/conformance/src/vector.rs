//! One line of a vector file, and the files themselves.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What to do with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Prepare something; the answer does not matter.
    Setup,
    /// Send, read all batches, compare.
    Query,
    /// Send without waiting for an answer.
    Noreply,
    /// Wait for everything sent without waiting.
    NoreplyWait,
    /// Send and keep the cursor.
    Open,
    /// Take rows of a kept cursor.
    Fetch,
    /// Read a kept cursor to its end.
    Drain,
    /// Stop a kept cursor.
    Close,
    /// Wait.
    Sleep,
}

/// How to compare an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Match {
    /// A value, compared as the word says.
    Value(ValueMatch),
    /// An error.
    Error(ErrorMatch),
}

/// The ways of comparing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueMatch {
    /// Equal.
    Exact,
    /// Equal, the outermost array in any order.
    Bag,
    /// Equal, arrays at every second depth in any order.
    BagDeep,
    /// `expect` is part of it.
    Partial,
    /// A value of the same JSON type.
    TypeOnly,
    /// Anything.
    Skip,
}

/// An expected error.
#[derive(Debug, Clone, Deserialize)]
pub struct ErrorMatch {
    /// Its class, for people.
    pub error: String,
    /// Its response type.
    #[serde(rename = "t")]
    pub kind: u64,
    /// Its error number.
    #[serde(rename = "e")]
    pub number: Option<u64>,
    /// What the message is compared with.
    pub message: Option<String>,
    /// How the message is compared.
    pub how: MessageMatch,
}

/// The ways of comparing messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageMatch {
    /// Equal, slots for UUIDs aside.
    Exact,
    /// The squeezed message is equal.
    Norm,
    /// The squeezed message matches, anchored at its start.
    Regex,
    /// Any message.
    Any,
}

/// The reference server's answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    /// The response type; rows of a feed have none.
    #[serde(rename = "t")]
    pub kind: Option<u64>,
    /// Rows, or a template standing for all of them.
    #[serde(rename = "r", default)]
    pub rows: Value,
    /// The error number.
    #[serde(rename = "e")]
    pub error: Option<u64>,
}

/// One line.
#[derive(Debug, Clone, Deserialize)]
pub struct Vector {
    /// Its number within the file.
    pub n: usize,
    /// What to do.
    #[serde(rename = "op")]
    pub operation: Operation,
    /// The query for people.
    pub reql: Option<String>,
    /// The query as sent, byte for byte.
    pub query: Option<Box<RawValue>>,
    /// Who asks; `admin` when missing.
    pub user: Option<String>,
    /// The line that opened the cursor.
    pub cursor: Option<usize>,
    /// How many rows to fetch.
    pub limit: Option<usize>,
    /// How long to sleep.
    pub seconds: Option<f64>,
    /// The recorded answer.
    pub response: Option<Recorded>,
    /// How to compare.
    #[serde(rename = "match")]
    pub compare: Option<Match>,
    /// The template of a partial match.
    pub expect: Option<Value>,
    /// Tolerance of numbers.
    pub precision: Option<f64>,
    /// The backtrace of an error answer.
    #[serde(rename = "b")]
    pub backtrace: Option<Value>,
    /// Whether this line is a check that counts.
    #[serde(default)]
    pub ok: bool,
}

/// A file of vectors.
#[derive(Debug)]
pub struct VectorFile {
    /// Its path below the vectors' folder, without the extension.
    pub name: String,
    /// Its lines.
    pub vectors: Vec<Vector>,
    /// Whether it writes to the server's scratch table, which must then be emptied before.
    pub uses_scratch_table: bool,
}

/// A vector file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A line does not follow the format.
    #[error("{path}:{line}: {source}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl VectorFile {
    /// All files below `folder`, by name.
    pub fn load_all(folder: &Path) -> Result<Vec<Self>, VectorError> {
        let mut paths = Vec::new();
        collect(folder, &mut paths)?;
        paths.sort();
        paths.iter().map(|path| Self::load(folder, path)).collect()
    }

    fn load(folder: &Path, path: &Path) -> Result<Self, VectorError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| VectorError::Io { path: path.to_path_buf(), source })?;
        let parse = |(index, line)| {
            serde_json::from_str(line).map_err(|source| VectorError::Line {
                path: path.to_path_buf(),
                line: index + 1,
                source,
            })
        };
        let vectors = text.lines().enumerate().map(parse).collect::<Result<_, _>>()?;
        let relative = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        Ok(Self {
            name: relative.to_string_lossy().into_owned(),
            vectors,
            uses_scratch_table: text.contains("_debug_scratch"),
        })
    }

    /// How many lines are checks.
    pub fn checks(&self) -> usize {
        self.vectors.iter().filter(|vector| vector.ok).count()
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), VectorError> {
    let at_folder = |source| VectorError::Io { path: folder.to_path_buf(), source };
    for entry in std::fs::read_dir(folder).map_err(at_folder)? {
        let path = entry.map_err(at_folder)?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            into.push(path);
        }
    }
    Ok(())
}
