//! Every input of the corpus, without a fuzzer.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::{fs, panic, thread};

use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_fuzz::{TARGETS, Target};

#[test]
fn the_corpus_holds() {
    for target in TARGETS {
        let inputs = inputs(&target);
        assert!(!inputs.is_empty(), "{} is empty", target.corpus().display());
        // As much stack as the server's own threads have.
        let run = move || inputs.into_iter().filter_map(|path| fault(&target, &path)).collect();
        let thread = thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(run);
        let faults: Vec<String> = thread.expect("a thread starts").join().expect("faults are caught");
        assert!(faults.is_empty(), "{}:\n{}", target.name, faults.join("\n"));
    }
}

#[test]
fn the_replay_notices_a_fault() {
    let decoy = photondb_fuzz::DECOY;
    assert!(panic::catch_unwind(|| (decoy.check)(b"photon")).is_err());
    (decoy.check)(b"phot");
}

fn inputs(target: &Target) -> Vec<PathBuf> {
    let folder = target.corpus();
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

/// What is wrong with an input.
fn fault(target: &Target, path: &Path) -> Option<String> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let message = panic::catch_unwind(|| (target.check)(&bytes)).err().map(words)?;
    Some(format!("{}: {message}", path.display()))
}

fn words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or_default().to_owned(),
    }
}
