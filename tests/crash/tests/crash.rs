//! Runs rounds until enough cuts were judged.
//!
//! `PHOTONDB_CRASH_CUTS=100000` runs longer, `PHOTONDB_CRASH_SEED=n` runs one round.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use photondb_crash::{Round, Violation, run_round};

const CUTS: u64 = 5_000;
const THREADS: usize = 2;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Runs rounds on some threads until `cuts` were judged or one was wrong.
fn run(first_seed: u64, cuts: u64, ignore_syncs: bool) -> Result<u64, Violation> {
    let (done, next) = (AtomicU64::new(0), AtomicU64::new(first_seed));
    let work = || {
        while done.load(Ordering::Relaxed) < cuts {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            match run_round(Round { seed, ignore_syncs }) {
                Ok(cuts) => done.fetch_add(cuts, Ordering::Relaxed),
                Err(violation) => {
                    done.store(u64::MAX / 2, Ordering::Relaxed);
                    return Err(violation);
                }
            };
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a round panicked"))
    })?;
    Ok(done.load(Ordering::Relaxed))
}

#[test]
fn every_cut_recovers() {
    if let Some(seed) = number("PHOTONDB_CRASH_SEED") {
        match run_round(Round { seed, ignore_syncs: false }) {
            Ok(cuts) => println!("seed {seed}: {cuts} cuts"),
            Err(violation) => panic!("{violation}"),
        }
        return;
    }
    let cuts = number("PHOTONDB_CRASH_CUTS").unwrap_or(CUTS);
    let first_seed = number("PHOTONDB_CRASH_FIRST_SEED").unwrap_or(1);
    match run(first_seed, cuts, false) {
        Ok(cuts) => println!("{cuts} cuts"),
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn the_suite_notices_a_missing_sync() {
    assert!(run(1, CUTS, true).is_err(), "without any sync, acknowledged writes must get lost");
}

#[test]
fn a_seed_is_a_whole_round() {
    let cuts: Vec<u64> =
        (0..2).map(|_| run_round(Round { seed: 77, ignore_syncs: false }).expect("no violation")).collect();
    assert_eq!(cuts[0], cuts[1]);
}
