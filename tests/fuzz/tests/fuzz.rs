//! Builds the targets with instrumentation and lets libFuzzer search.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::{env, fs, thread};

use photondb_fuzz::{DECOY, SECONDS_DEFAULT, TARGETS, Target};
use photondb_test_support::{target_root, workspace_root};

/// Targets that run side by side.
const PARALLEL: usize = 2;
/// An input that takes longer is a fault: nothing may cost so much for so few bytes. Generous,
/// since the machine may be busy.
const INPUT_SECONDS_MAX: u64 = 60;
/// More memory for one input is a fault.
const MEMORY_MEGABYTES_MAX: u64 = 1024;
/// The decoy takes some seconds when the search is guided, and centuries when it is not.
const DECOY_SECONDS_MAX: u64 = 600;
/// When the fuzzer names no fault.
const LINES_SHOWN: usize = 20;
/// What makes the compiler count which branches are taken and show the fuzzer what is compared.
const INSTRUMENTATION: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

#[test]
fn hostile_bytes_do_no_harm() {
    let seconds = number("PHOTONDB_FUZZ_SECONDS").unwrap_or(SECONDS_DEFAULT);
    let only = env::var("PHOTONDB_FUZZ_TARGET").ok();
    let mut targets: Vec<Target> =
        TARGETS.into_iter().filter(|target| only.as_deref().is_none_or(|name| name == target.name)).collect();
    assert!(!targets.is_empty(), "PHOTONDB_FUZZ_TARGET names no target");
    if seconds == 0 {
        return;
    }
    if !has_compiler() {
        assert!(env::var("CI").as_deref() != Ok("true"), "in CI the search needs a C++ compiler");
        eprintln!("no C++ compiler (CXX or c++): the corpus was replayed, and nothing is searched");
        return;
    }
    let fuzzer = Fuzzer::build();
    if number("PHOTONDB_FUZZ_MERGE").is_some() {
        targets.iter().for_each(|target| fuzzer.merge(target));
        return;
    }
    fuzzer.finds_the_decoy();
    targets.reverse();
    let (queue, faults) = (Mutex::new(targets), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some(target) = take(&queue) {
                    if let Err(fault) = fuzzer.search(&target, seconds) {
                        faults.lock().expect("no thread panics").push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("no thread panics");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn has_compiler() -> bool {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn take(queue: &Mutex<Vec<Target>>) -> Option<Target> {
    queue.lock().expect("no thread panics").pop()
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// The instrumented binary, and the folder where it works.
struct Fuzzer {
    binary: PathBuf,
    folder: PathBuf,
}

impl Fuzzer {
    fn build() -> Self {
        let folder = target_root().join("fuzz");
        // With a target named, what runs at build time is not instrumented.
        let host = host();
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(workspace_root())
            .args(["build", "--quiet", "--package", "photondb-fuzz", "--bin", "photondb-fuzz"])
            .args(["--profile", "fuzz", "--target", &host, "--target-dir"])
            .arg(&folder)
            .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\x1f"))
            .output()
            .expect("cargo can be started");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "building the fuzzer, which needs a C++ compiler:\n{text}");
        Self { binary: folder.join(host).join("fuzz/photondb-fuzz"), folder }
    }

    fn command(&self, target: &Target) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("PHOTONDB_FUZZ_TARGET", target.name);
        command.arg(format!("-max_len={}", target.input_bytes_max));
        command.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
        command.arg(format!("-rss_limit_mb={MEMORY_MEGABYTES_MAX}"));
        let dictionary = target.corpus().with_file_name(format!("{}.dict", target.name));
        if dictionary.is_file() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command
    }

    /// The inputs that earlier searches have found.
    fn found(&self, target: &Target) -> PathBuf {
        made(self.folder.join("corpus").join(target.name))
    }

    fn search(&self, target: &Target, seconds: u64) -> Result<(), String> {
        let faults = made(self.folder.join("faults").join(target.name));
        let output = self
            .command(target)
            .arg(self.found(target))
            .args(Some(target.corpus()).filter(|corpus| corpus.is_dir()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", faults.display()))
            .arg("-print_final_stats=1")
            .output()
            .expect("the fuzzer can be started");
        if output.status.success() {
            println!("{}: {}", target.name, summary(&output));
            return Ok(());
        }
        let words = words(&output);
        Err(format!("{}: what was found is kept in {}\n{words}", target.name, faults.display()))
    }

    /// Proves that the search is guided: no blind search finds six bytes.
    fn finds_the_decoy(&self) {
        for input in files(&self.found(&DECOY)) {
            fs::remove_file(input).expect("an old input can be removed");
        }
        let fault = self.search(&DECOY, DECOY_SECONDS_MAX).expect_err("the search is not guided");
        assert!(fault.contains("the decoy was found"), "{fault}");
    }

    /// Rewrites the corpus: inputs with names of their own stay, and the fewest others that
    /// reach all that is reached.
    fn merge(&self, target: &Target) {
        let merged = self.folder.join("merged").join(target.name);
        if merged.exists() {
            fs::remove_dir_all(&merged).expect("an old merge can be removed");
        }
        let corpus = target.corpus();
        let sources = [made(merged.clone()), self.found(target)];
        for input in files(&corpus) {
            let folder = &sources[usize::from(is_generated(&input))];
            fs::rename(&input, folder.join(file_name(&input))).expect("an input can be moved");
        }
        let mut command = self.command(target);
        // How often a branch is taken is for the search; here it counts that it is taken.
        let output = command.args(["-set_cover_merge=1", "-use_counters=0"]).args(&sources).output();
        let output = output.expect("the fuzzer can be started");
        for input in files(&merged) {
            fs::copy(&input, corpus.join(file_name(&input))).expect("an input can be copied");
        }
        assert!(output.status.success(), "{}", words(&output));
        println!("{}: {} inputs", target.name, files(&corpus).len());
    }
}

/// Whether the fuzzer has named an input, by its digest.
fn is_generated(input: &Path) -> bool {
    let name = file_name(input);
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a file has a name")
}

/// What the fuzzer said, from the fault on.
fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let is_fault = |line: &&str| line.contains(" panicked at ") || line.contains("ERROR: libFuzzer");
    let last = lines.len().saturating_sub(LINES_SHOWN);
    lines[lines.iter().position(is_fault).unwrap_or(last)..].join("\n")
}

/// How far the search came.
fn summary(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().rfind(|line| line.contains("\tDONE ")).unwrap_or("done").to_owned()
}

fn made(folder: PathBuf) -> PathBuf {
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder can be listed").path()).collect()
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}
