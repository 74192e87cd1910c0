//! A load generator for servers that speak the driver protocol, PhotonDB or RethinkDB.
//!
//! Each connection has a thread of its own and keeps a number of queries in flight. Told with
//! latency percentiles is what an operation costs the server in CPU time, if its process id is
//! given: that is the figure which survives a noisy machine.
//!
//! Does not know about: the server's inside.

mod error;
mod feeds;
mod floor;
mod picture;
mod process;
mod report;
mod run;
mod setup;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use photondb_client::Options;
use photondb_workload::{WORKLOADS, Workload, workload};

use crate::error::LoadError;
use crate::process::Process;
use crate::report::Report;

/// Measure a server that speaks the driver protocol.
///
/// `--load` drops and refills the database `bench` first. Without --run, every workload is run;
/// `feeds_100` stands for 100 changefeeds on one table.
#[derive(Parser, Debug)]
#[command(name = "photondb-load", version)]
struct Arguments {
    /// Host of the server
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Its driver port
    #[arg(long, default_value_t = 28015)]
    port: u16,
    /// Its process, to tell CPU time and memory (on this machine)
    #[arg(long)]
    pid: Option<u32>,
    /// Fill the database `bench` anew before anything else
    #[arg(long)]
    load: bool,
    /// Documents to load, or that were loaded
    #[arg(long, default_value_t = 100_000)]
    documents: u64,
    /// Connections; scans use two of them
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Queries in flight on each connection
    #[arg(long, default_value_t = 1)]
    depth: usize,
    /// Seconds for each workload
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Workloads, separated by commas
    #[arg(long, value_delimiter = ',')]
    run: Vec<String>,
    /// Print a line of JSON for each workload instead of a table
    #[arg(long)]
    json: bool,
    /// Draw the latencies into this SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Serve a constant answer on this port until killed: what a query costs at the least
    #[arg(long, value_name = "PORT")]
    floor: Option<u16>,
    /// List the workloads and stop
    #[arg(long)]
    list: bool,
}

/// One thing to run.
enum Task {
    Queries(&'static Workload),
    Feeds(usize),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for workload in WORKLOADS {
            println!("{:<24}{}", workload.name, workload.about);
        }
        println!("{:<24}that many changefeeds on one table", "feeds_NUMBER");
        return ExitCode::SUCCESS;
    }
    let outcome = match arguments.floor {
        Some(port) => floor::serve(port).map_err(LoadError::from),
        None => measure(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("photondb-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), LoadError> {
    let tasks = tasks(&arguments.run)?;
    let options = Options::new(arguments.host.clone(), arguments.port);
    let process = arguments.pid.map(Process::new);
    let mut reports = Vec::new();
    let mut tell = |report: Report| {
        if arguments.json {
            println!("{}", report.json());
        } else {
            if reports.is_empty() {
                println!("{}", Report::heading());
            }
            println!("{}", report.line());
        }
        reports.push(report);
    };
    if arguments.load {
        tell(setup::load(&options, arguments.documents, process)?);
    }
    let plan = run::Plan {
        options: options.clone(),
        process,
        documents: arguments.documents,
        connections: arguments.connections.max(1),
        depth: arguments.depth.max(1),
        duration: Duration::from_secs_f64(arguments.seconds.max(0.1)),
    };
    let shared = run::Shared::new(arguments.documents);
    for task in tasks {
        tell(match task {
            Task::Queries(workload) => run::run(&plan, &shared, workload)?,
            Task::Feeds(count) => feeds::run(&options, count, plan.duration, process)?,
        });
    }
    if let Some(file) = &arguments.picture {
        std::fs::write(file, picture::draw(&reports))?;
    }
    Ok(())
}

fn tasks(names: &[String]) -> Result<Vec<Task>, LoadError> {
    if names.is_empty() {
        return Ok(WORKLOADS.iter().map(Task::Queries).collect());
    }
    let task = |name: &String| {
        let feeds = name.strip_prefix("feeds_").and_then(|count| count.parse().ok()).map(Task::Feeds);
        let known = feeds.or_else(|| workload(name).map(Task::Queries));
        known.ok_or_else(|| LoadError::UnknownWorkload(name.clone()))
    };
    names.iter().filter(|name| !name.is_empty()).map(task).collect()
}
