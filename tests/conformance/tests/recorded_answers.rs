//! Every recorded answer, against the server of this workspace.
//!
//! `PHOTONDB_CONFORMANCE_ONLY=datum/,joins` plays the files whose names contain one of the
//! words and shows every failure, `PHOTONDB_BLESS=1` writes the list of failures anew.

use std::io::Write;
use std::path::{Path, PathBuf};

use photondb_conformance::{ExpectedFailures, Report, VectorFile, run_all};

/// How many checks there are; a vector that gets lost must be noticed.
const CHECKS: usize = 1_719;
/// At least so many recorded backtraces are ours too; raise it when more are.
const BACKTRACES_MIN: usize = 331;

const ONLY_VARIABLE: &str = "PHOTONDB_CONFORMANCE_ONLY";
const BLESS_VARIABLE: &str = "PHOTONDB_BLESS";

#[test]
fn the_server_answers_as_recorded() {
    let mut files = VectorFile::load_all(&folder().join("vectors")).expect("the vectors can be read");
    assert_eq!(files.iter().map(VectorFile::checks).sum::<usize>(), CHECKS, "vectors were lost or added");
    let only = std::env::var(ONLY_VARIABLE).ok();
    if let Some(words) = &only {
        files.retain(|file| words.split(',').any(|word| file.name.contains(word.trim())));
    }
    let report = run_all(&files).expect("the servers can be started");
    show_counts(&report);
    if only.is_some() {
        return show_failures(&report, &ExpectedFailures::default());
    }
    let list = folder().join("expected_failures.txt");
    if std::env::var_os(BLESS_VARIABLE).is_some() {
        ExpectedFailures::of(&report).save(&list).expect("the list can be written");
    }
    judge(&report, &ExpectedFailures::load(&list).expect("the list can be read"));
}

fn judge(report: &Report, expected: &ExpectedFailures) {
    show_failures(report, expected);
    let checks = || report.files.iter().flat_map(|file| file.checks.iter().map(move |check| (file, check)));
    let unexpected = checks().filter(|(file, c)| c.failure.is_some() && !expected.contains(&file.name, c.n));
    let healed: Vec<_> = checks()
        .filter(|(file, c)| c.failure.is_none() && expected.contains(&file.name, c.n))
        .map(|(file, c)| format!("{}:{}", file.name, c.n))
        .collect();
    assert_eq!(unexpected.count(), 0, "checks failed that are not on the list, see above");
    assert!(healed.is_empty(), "these pass now, take them off the list (PHOTONDB_BLESS=1): {healed:?}");
    assert!(expected.is_empty(), "the list has been empty, and is to stay so");
    let (agree, _) = report.backtraces();
    assert!(agree >= BACKTRACES_MIN, "only {agree} backtraces agree, {BACKTRACES_MIN} did before");
}

/// Written past the capture of test output: these figures are worth seeing in every run.
fn show_counts(report: &Report) {
    let mut text = String::new();
    for file in &report.files {
        let (passes, checks) = (file.passes(), file.checks.len());
        let mark = if passes == checks { "" } else { "  -" };
        let seconds = file.elapsed.as_secs_f64();
        text.push_str(&format!("  {:<28} {passes:>4} of {checks:<4} {seconds:>5.1} s{mark}\n", file.name));
    }
    let (agree, backtraces) = report.backtraces();
    text.push_str(&format!(
        "conformance: {} of {} checks pass, {agree} of {backtraces} backtraces agree\n",
        report.passes(),
        report.checks()
    ));
    std::io::stderr().write_all(text.as_bytes()).expect("standard error is open");
}

fn show_failures(report: &Report, expected: &ExpectedFailures) {
    for file in &report.files {
        for check in file.checks.iter().filter(|check| !expected.contains(&file.name, check.n)) {
            if let Some(failure) = &check.failure {
                println!("{}:{}  {}\n    {failure}", file.name, check.n, check.reql);
            }
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
