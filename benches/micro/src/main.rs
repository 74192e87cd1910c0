//! Counts the instructions of the key paths and compares them with the baseline.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use photondb_micro::{KeyPath, key_paths, measured};

/// Steps before counting begins: caches are filled, buffers have grown.
const WARM_UP_STEPS: u32 = 3;
/// Steps that are counted.
const STEPS: u32 = 10;
/// A count this much above its baseline, in per cent, is a regression.
const TOLERANCE_PERCENT: f64 = 3.0;

/// Count the instructions of key paths under Callgrind and compare them with the baseline.
///
/// Needs valgrind. Ends with 1 when a path takes more than 3 % more than it did; after a change
/// that is meant, write the new counts down with --accept. Counts are those of one processor
/// family and one compiler: compare on one machine before and after a change.
#[derive(Parser)]
struct Arguments {
    /// Only paths whose names contain this
    #[arg(default_value = "")]
    filter: String,
    /// Make the counts the new baseline
    #[arg(long)]
    accept: bool,
    /// Run one path without counting; this is what runs under Callgrind
    #[arg(long, hide = true)]
    run: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.run {
        return run(name);
    }
    match compare(&arguments) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str) -> ExitCode {
    let Some(path) = key_paths().find(|path| path.name == name) else {
        eprintln!("there is no key path {name}");
        return ExitCode::from(2);
    };
    let mut step = (path.prepare)();
    for _ in 0..WARM_UP_STEPS {
        step();
    }
    measured(&mut step, STEPS);
    ExitCode::SUCCESS
}

fn compare(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut baseline = read_baseline()?;
    let mut regressions = 0;
    println!("{:<28}{:>14}{:>14}{:>10}", "path", "baseline", "now", "change");
    for path in key_paths().filter(|path| path.name.contains(&arguments.filter)) {
        let now = instructions(path)?;
        let before = baseline.get(path.name).copied();
        let change = before.map(|before| (now as f64 / before as f64 - 1.0) * 100.0);
        let shown_before = before.map_or_else(|| "new".to_owned(), |before| before.to_string());
        let shown_change = change.map_or_else(String::new, |change| format!("{change:+.1} %"));
        println!("{:<28}{shown_before:>14}{now:>14}{shown_change:>10}", path.name);
        regressions += u32::from(change.is_some_and(|change| change > TOLERANCE_PERCENT));
        baseline.insert(path.name.to_owned(), now);
    }
    if arguments.accept {
        write_baseline(&baseline)?;
        return Ok(ExitCode::SUCCESS);
    }
    if regressions > 0 {
        println!("{regressions} of them take more than {TOLERANCE_PERCENT} % more instructions than before");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Instructions of one step of a path.
fn instructions(path: &KeyPath) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let counts = folder.path().join("counts");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=photondb_micro::measured*"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(program)
        .args(["--run", path.name])
        .output()
        .map_err(|error| format!("valgrind cannot be run ({error}): install it to count instructions"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", path.name, String::from_utf8_lossy(&output.stderr)));
    }
    let text = std::fs::read_to_string(&counts).map_err(|error| error.to_string())?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let total: u64 = total
        .and_then(|total| total.trim().parse().ok())
        .ok_or_else(|| format!("{}: no count in what Callgrind wrote", path.name))?;
    if total == 0 {
        return Err(format!("{}: Callgrind has counted nothing", path.name));
    }
    Ok(total / u64::from(STEPS))
}

fn baseline_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.txt")
}

/// Lines of a name and a count.
fn read_baseline() -> Result<BTreeMap<String, u64>, String> {
    let file = baseline_file();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    let entry = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    let entries = text.lines().map(|line| entry(line).ok_or_else(|| format!("not a count: {line}")));
    entries.collect()
}

fn write_baseline(baseline: &BTreeMap<String, u64>) -> Result<(), String> {
    let mut text = String::new();
    for (name, count) in baseline {
        writeln!(text, "{name:<28}{count}").map_err(|error| error.to_string())?;
    }
    let file = baseline_file();
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}
