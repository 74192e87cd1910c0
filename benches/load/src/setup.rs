//! The database that the workloads expect.

use std::time::Instant;

use photondb_client::{ClientError, Connection, Options, Term};
use photondb_workload::{DATABASE, Documents, TABLE, TABLE_SMALL};

use crate::error::LoadError;
use crate::process::Process;
use crate::report::{Report, Watch, latencies};

const BATCH: u64 = 200;
const SEED: u64 = 88_172_645_463_325_252;

/// Drops the database, makes it anew and fills it.
pub fn load(options: &Options, documents: u64, process: Option<Process>) -> Result<Report, LoadError> {
    let mut connection = Connection::open(options)?;
    let mut run = |wire: &str| connection.run(format!("[1,{wire},{{}}]").as_bytes()).map(drop);
    // The database need not be there.
    let dropped: Result<(), ClientError> = run(&format!(r#"[58,["{DATABASE}"]]"#));
    if let Err(error) = dropped
        && !error.to_string().contains("does not exist")
    {
        return Err(error.into());
    }
    let database = Term::db(DATABASE);
    run(&format!(r#"[57,["{DATABASE}"]]"#))?;
    for name in [TABLE, TABLE_SMALL] {
        run(database.table_create(name).wire())?;
    }
    let table = database.table_of(TABLE);
    for field in ["n", "score"] {
        run(table.index_create(field).wire())?;
    }
    run(table.index_wait().wire())?;
    let maker = Documents::new(SEED);
    let mut latencies = latencies();
    let (watch, started, mut bytes) = (Watch::start(process), Instant::now(), 0);
    for first in (0..documents).step_by(BATCH as usize) {
        let rows: Vec<String> =
            (first..documents.min(first + BATCH)).map(|number| maker.large(number)).collect();
        let rows = rows.join(",");
        bytes += rows.len() as u64;
        let sent = Instant::now();
        run(&format!(r#"[56,[{},[2,[{rows}]]],{{"durability":"soft"}}]"#, table.wire()))?;
        latencies.saturating_record(sent.elapsed().as_micros() as u64);
    }
    let elapsed = started.elapsed();
    let (cpu_time, resident_bytes) = watch.stop();
    run(table.sync().wire())?;
    Ok(Report {
        name: "load".to_owned(),
        operations: documents,
        elapsed,
        bytes,
        latencies,
        cpu_time,
        resident_bytes,
    })
}
