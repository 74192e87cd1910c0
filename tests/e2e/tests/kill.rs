//! Writers, and a server that is killed under them: nothing acknowledged may be missing,
//! nothing half-written may appear, indexes and counts must agree.

mod kill {
    pub mod ledger;
    pub mod verify;
    pub mod writer;
}

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use photondb_base::{Random, SeededRandom, SystemRandom};
use photondb_test_support::{Server, ServerOptions};

use kill::ledger::Ledger;
use kill::{verify, writer};

const ROUNDS: usize = 24;
/// Asks for a longer run.
const ROUNDS_VARIABLE: &str = "PHOTONDB_KILL_ROUNDS";
/// Small, so that checkpoints under memory pressure are killed, too.
const CACHE_MEGABYTES: &str = "16";
const WRITERS: usize = 4;
const ROUND_MS_MIN: u64 = 20;
const ROUND_MS_MAX: u64 = 400;
/// Every so many rounds the server is killed while it starts, too.
const KILLED_START_EVERY: usize = 5;
const KILLED_START_MS_MAX: u64 = 150;
/// Repeats a failed run.
const SEED_VARIABLE: &str = "PHOTONDB_KILL_SEED";

#[test]
fn hard_writes_survive_kills() {
    survive("hard");
}

#[test]
fn soft_writes_survive_kills() {
    survive("soft");
}

fn survive(durability: &str) {
    let seed = number(SEED_VARIABLE).unwrap_or_else(|| SystemRandom::default().next_u64());
    let rounds = number(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds as usize);
    println!("{SEED_VARIABLE}={seed}");
    let options = ServerOptions {
        arguments: ["--cache-size", CACHE_MEGABYTES].map(String::from).to_vec(),
        ..ServerOptions::default()
    };
    let random = SeededRandom::new(seed);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let mut ledgers: Vec<Ledger> = (0..WRITERS).map(Ledger::new).collect();

    let server = Server::start_with(&data, &options).expect("the first start");
    verify::create_table(&server, durability);
    server.kill().expect("the server can be killed");
    for round in 0..rounds {
        if round % KILLED_START_EVERY == KILLED_START_EVERY - 1 {
            let starting = Server::spawn(&data, &options).expect("the server can be spawned");
            std::thread::sleep(Duration::from_millis(random.below(KILLED_START_MS_MAX)));
            starting.kill().expect("the server can be killed");
        }
        let server = Server::start_with(&data, &options)
            .unwrap_or_else(|error| panic!("round {round}: no start after a kill: {error}"));
        verify::verify(&server, &mut ledgers, round);
        let round_ms = ROUND_MS_MIN + random.below(ROUND_MS_MAX - ROUND_MS_MIN);
        write_until_killed(server, &mut ledgers, &random, durability, round_ms);
    }
    let server = Server::start_with(&data, &options).expect("the last start");
    verify::verify(&server, &mut ledgers, rounds);
    let acknowledged: u64 = ledgers.iter().map(Ledger::acknowledged).sum();
    assert!(acknowledged > rounds as u64, "only {acknowledged} writes: the test tests nothing");
    println!("{durability}: {acknowledged} acknowledged writes in {rounds} rounds");
}

fn write_until_killed(
    server: Server,
    ledgers: &mut [Ledger],
    random: &SeededRandom,
    durability: &str,
    round_ms: u64,
) {
    let port = server.port();
    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for ledger in ledgers.iter_mut() {
            let (random, killed) = (SeededRandom::new(random.next_u64()), &killed);
            scope.spawn(move || writer::write(port, ledger, &random, durability, killed));
        }
        std::thread::sleep(Duration::from_millis(round_ms));
        // Before the kill: a writer that fails afterwards fails for this reason.
        killed.store(true, Ordering::SeqCst);
        server.kill().expect("the server can be killed");
    });
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
