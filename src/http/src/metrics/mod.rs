//! `/_metrics`: what the server counts, in the text format of Prometheus.

mod families;
mod process;
mod storage;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use photondb_server::Context;
use photondb_server::metrics::{DoorMetrics, LATENCY_BOUNDS_US, QueryKind};
use prometheus::{TEXT_FORMAT, TextEncoder};

use crate::caller::Caller;
use crate::door::{HttpDoor, Shared};
use crate::error::HttpError;
use families::Families;

/// Everything that is counted.
pub(crate) async fn metrics(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Response, HttpError> {
    let collector = Arc::clone(&shared);
    // The numbers of tables are read from their trees.
    let text = shared.context.workers.run(move || collect(&collector)).await??;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

fn collect(shared: &Shared) -> Result<String, HttpError> {
    let context = &shared.context;
    let mut families = Families::default();
    doors(context, &mut families);
    live(&shared.door, context, &mut families);
    storage::engine(&context.engine.statistics(), &mut families);
    storage::log(context, &mut families);
    storage::tables(context, &mut families);
    storage::backups(context, &mut families);
    storage::issues(context, &mut families);
    process::collect(context, &mut families);
    TextEncoder::new().encode_to_string(&families.finish()).map_err(|error| {
        HttpError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "Internal",
            format!("The metrics cannot be written: {error}."),
        )
    })
}

/// What every door counts.
fn doors(context: &Context, families: &mut Families) {
    let metrics = &context.metrics;
    let doors: [(&str, &DoorMetrics); 2] = [("driver", &metrics.driver), ("http", &metrics.http)];
    for (door, counts) in doors {
        for kind in QueryKind::ALL {
            let latencies = counts.latencies(kind);
            let labels = [("door", door), ("kind", kind.name())];
            let classes = latencies.classes();
            families.counter(
                "photondb_queries_total",
                "Queries that were answered, by door and by what they came to.",
                &labels,
                classes.iter().sum::<u64>() as f64,
            );
            families.histogram(
                "photondb_query_duration_seconds",
                "Time from the arrival of a query to its first answer.",
                &labels,
                &LATENCY_BOUNDS_US.map(|bound| bound as f64 / 1e6),
                &classes,
                latencies.total_seconds(),
            );
        }
        let labels = [("door", door)];
        let rows = counts.rows.get() as f64;
        families.counter("photondb_rows_sent_total", "Rows that were sent to clients.", &labels, rows);
        families.gauge(
            "photondb_queries_open",
            "Queries that run or can be continued, feeds not counted.",
            &labels,
            counts.queries.now() as f64,
        );
        families.gauge(
            "photondb_feeds_open",
            "Changefeeds that are open.",
            &labels,
            counts.feeds.now() as f64,
        );
        let (now, total) = match door {
            "driver" => (context.activity.connections(), context.activity.connections_total()),
            _ => (counts.connections.now(), counts.connections.total()),
        };
        families.gauge("photondb_connections", "Connections that are open.", &labels, now as f64);
        families.counter(
            "photondb_connections_total",
            "Connections that were opened.",
            &labels,
            total as f64,
        );
    }
}

/// What waits, and for whom.
fn live(door: &HttpDoor, context: &Context, families: &mut Families) {
    for (class, count) in door.answers.all() {
        families.counter(
            "photondb_http_requests_total",
            "Requests that were answered, by the class of the status.",
            &[("status", &class)],
            count as f64,
        );
    }
    let mut gauge = |name, help, value: usize| families.gauge(name, help, &[], value as f64);
    gauge("photondb_http_cursors", "Cursors that HTTP clients can go on with.", door.cursors.len());
    gauge("photondb_http_sessions", "People who are logged in with a cookie.", door.sessions.len());
    gauge("photondb_http_feeds_lost", "Feeds kept for clients that lost their connection.", door.live.lost());
    gauge(
        "photondb_feed_queue_bytes",
        "Bytes of changes that wait for slow readers of feeds.",
        context.feeds.queued_bytes(),
    );
    let jobs = context.jobs.list().len();
    gauge("photondb_queries_running", "Queries that run where they may block.", jobs);
    gauge("photondb_workers_idle", "Threads for such queries that are free.", context.workers.idle());
    gauge(
        "photondb_query_memory_bytes",
        "Memory that running queries take for rows.",
        context.sources.memory.used_bytes(),
    );
}
