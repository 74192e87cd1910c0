//! The work, row by row of the table.

use std::path::Path;
use std::time::Instant;

use photondb_base::{Random, SeededRandom};

use crate::Failure;
use crate::peers::Engine;

/// Bytes of an ordinary value, and of a large one.
const VALUE_BYTES: usize = 200;
const LARGE_VALUE_BYTES: usize = 64 * 1024;
/// Entries of a batch, and of a range that is read.
const BATCH: u64 = 1000;
const RANGE: usize = 100;
/// Keys of large values lie above all others.
const LARGE_KEYS: u64 = 1 << 40;

/// A row of the table.
pub struct Row {
    pub name: &'static str,
    pub unit: &'static str,
    run: fn(&mut Bench<'_>) -> Result<f64, Failure>,
}

/// In this order: later rows stand on what earlier ones wrote.
pub const ROWS: &[Row] = &[
    Row { name: "load, random keys, 1,000 a batch", unit: "µs an entry", run: load },
    Row { name: "get, random", unit: "µs", run: get },
    Row { name: "range of 100", unit: "µs", run: range },
    Row { name: "put, random", unit: "µs", run: |bench| puts(bench, 50_000, false) },
    Row { name: "put, random, durable", unit: "µs", run: |bench| puts(bench, 500, true) },
    Row { name: "half gets, half puts", unit: "µs", run: mixed },
    Row { name: "put of 64 kB", unit: "µs", run: put_large },
    Row { name: "get of 64 kB", unit: "µs", run: get_large },
    Row { name: "bytes on disk, of bytes stored", unit: "times", run: space },
];

struct Bench<'a> {
    engine: &'a dyn Engine,
    entries: u64,
    folder: &'a Path,
    random: SeededRandom,
}

/// All rows on one engine.
pub fn run(engine: &dyn Engine, entries: u64, folder: &Path) -> Result<Vec<f64>, Failure> {
    let mut bench = Bench { engine, entries, folder, random: SeededRandom::new(1) };
    ROWS.iter().map(|row| (row.run)(&mut bench)).collect()
}

fn key(number: u64) -> [u8; 16] {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(high) << 64 | u128::from(number)).to_be_bytes()
}

/// Letters, half as random as they could be: neither all the same nor incompressible.
fn value(random: &SeededRandom, bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(8))
        .flat_map(|_| (random.next_u64() & 0x0f0f_0f0f_0f0f_0f0f).to_le_bytes())
        .take(bytes)
        .collect()
}

impl Bench<'_> {
    fn timed(&self, count: u64, mut step: impl FnMut(u64) -> Result<(), Failure>) -> Result<f64, Failure> {
        let started = Instant::now();
        for number in 0..count {
            step(number)?;
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / count as f64)
    }

    fn get(&self, key: &[u8], bytes: usize) -> Result<(), Failure> {
        match self.engine.get(key)? {
            Some(found) if found == bytes => Ok(()),
            found => Err(format!("a value of {bytes} bytes was stored and {found:?} found").into()),
        }
    }
}

fn load(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    let value = value(&bench.random, VALUE_BYTES);
    let per_batch = bench.timed(bench.entries / BATCH, |batch| {
        let entries: Vec<_> =
            (batch * BATCH..(batch + 1) * BATCH).map(|number| (key(number), &value[..])).collect();
        bench.engine.put_batch(&entries)
    })?;
    bench.engine.sync()?;
    Ok(per_batch / BATCH as f64)
}

fn get(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    bench.timed(300_000, |_| bench.get(&key(bench.random.below(bench.entries)), VALUE_BYTES))
}

fn range(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    bench.timed(20_000, |_| {
        let bytes = bench.engine.range(&key(bench.random.below(bench.entries)), RANGE)?;
        // The last keys have fewer behind them.
        if bytes == 0 { Err("an empty range".into()) } else { Ok(()) }
    })
}

fn puts(bench: &mut Bench<'_>, count: u64, durable: bool) -> Result<f64, Failure> {
    let value = value(&bench.random, VALUE_BYTES);
    bench.timed(count, |_| bench.engine.put(&key(bench.random.below(bench.entries)), &value, durable))
}

fn mixed(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    let value = value(&bench.random, VALUE_BYTES);
    bench.timed(100_000, |number| {
        let key = key(bench.random.below(bench.entries));
        if number % 2 == 0 { bench.get(&key, VALUE_BYTES) } else { bench.engine.put(&key, &value, false) }
    })
}

fn put_large(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    let value = value(&bench.random, LARGE_VALUE_BYTES);
    bench.timed(2_000, |number| bench.engine.put(&key(LARGE_KEYS + number), &value, false))
}

fn get_large(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    bench.timed(20_000, |_| bench.get(&key(LARGE_KEYS + bench.random.below(2_000)), LARGE_VALUE_BYTES))
}

fn space(bench: &mut Bench<'_>) -> Result<f64, Failure> {
    bench.engine.settle()?;
    let stored = bench.entries * (VALUE_BYTES as u64 + 16) + 2_000 * (LARGE_VALUE_BYTES as u64 + 16);
    Ok(bytes_below(bench.folder)? as f64 / stored as f64)
}

/// What the files take on the disk; a file with holes takes less than its length.
fn bytes_below(folder: &Path) -> Result<u64, Failure> {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        total += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(total)
}
