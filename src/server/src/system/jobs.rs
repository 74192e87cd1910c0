//! `jobs`: queries and index builds that run. Deleting a query's row stops it.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_datum::Datum;
use photondb_exec::SystemWrite;
use photondb_reql::{Query, ReqlError, decode_query, print_term};
use uuid::Uuid;

use super::{Sources, SystemTable, database_label, number, table_label};
use crate::jobs::Job;

/// Characters of a query's text that are told.
const QUERY_TEXT_MAX: usize = 1000;

pub(super) struct JobsTable(pub(super) Arc<Sources>);

impl SystemTable for JobsTable {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn changes_silently(&self) -> bool {
        true
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let servers = Datum::array([self.0.server_label(format)]);
        let mut rows: Vec<Datum> =
            self.0.jobs.list().iter().map(|job| describe_query(job, servers.clone())).collect();
        let state = self.0.catalog.state();
        for table in state.unsettled_tables() {
            for index in table.indexes.values().filter(|index| !index.ready) {
                let Ok(progress) = self.0.shards.index_progress(table.id, index.id) else { continue };
                // One that cannot be built is nobody's job.
                if progress.ready || progress.error.is_some() {
                    continue;
                }
                let id = [Datum::from("index_construction"), Datum::string(index.id.to_string())];
                let info = Datum::object([
                    ("db", database_label(&state, table, format)),
                    ("index", Datum::String(index.name.clone())),
                    ("progress", Datum::Number(progress.fraction())),
                    ("table", table_label(table, format)),
                ]);
                rows.push(Datum::object([
                    ("duration_sec", Datum::Null),
                    ("id", Datum::array(id)),
                    ("info", info),
                    ("servers", servers.clone()),
                    ("type", Datum::from("index_construction")),
                ]));
            }
        }
        Ok(rows)
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        if !write.new.is_null() {
            return Err(ReqlError::op_failed(
                "The `rethinkdb.jobs` system table only allows deletions, not inserts or updates.",
            ));
        }
        let Datum::Array(id) = write.key else { return Ok(()) };
        let number = id.get(1).as_ref().and_then(Datum::as_str).and_then(|text| Uuid::parse_str(text).ok());
        match (id.get(0).as_ref().and_then(Datum::as_str), number) {
            (Some("query"), Some(number)) => {
                self.0.jobs.stop(number.as_u64_pair().1);
                Ok(())
            }
            (Some(kind), Some(_)) => {
                Err(ReqlError::op_failed(format!("Jobs of type `{kind}` cannot be interrupted.")))
            }
            _ => Ok(()),
        }
    }
}

fn describe_query(job: &Job, servers: Datum) -> Datum {
    let info = Datum::object([
        ("client_address", Datum::string(job.client.ip().to_string())),
        ("client_port", Datum::from(u32::from(job.client.port()))),
        ("memory_bytes", number(job.memory.used_bytes() as u64)),
        ("memory_peak_bytes", number(job.memory.peak_bytes() as u64)),
        ("query", Datum::string(query_text(job))),
        ("user", Datum::String(job.user.clone())),
    ]);
    let id = [Datum::from("query"), Datum::string(Uuid::from_u64_pair(0, job.number).to_string())];
    Datum::object([
        ("duration_sec", Datum::Number(job.started.elapsed().as_secs_f64())),
        ("id", Datum::array(id)),
        ("info", info),
        ("servers", servers),
        ("type", Datum::from("query")),
    ])
}

fn query_text(job: &Job) -> String {
    let text = match decode_query(&job.query) {
        Ok(Query::Start(query)) => print_term(&query.ast, query.ast.root()),
        Ok(Query::Backup(_)) => "backup".to_owned(),
        Ok(Query::Compact) => "compact".to_owned(),
        _ => String::new(),
    };
    match text.char_indices().nth(QUERY_TEXT_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
