//! `stats`: how much is read and written, in total and per second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use photondb_base::{IdentifierFormat, TableId};
use photondb_catalog::{State, Table};
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::TableStatistics;

use super::{Sources, SystemTable, database_label, number, table_label};

/// Rates are taken over at least this long.
const RATE_WINDOW: Duration = Duration::from_secs(1);

pub(super) struct Stats {
    sources: Arc<Sources>,
    rates: Mutex<HashMap<RateKey, Rate>>,
}

/// What a rate is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum RateKey {
    Queries,
    Read(TableId),
    Written(TableId),
}

/// A count at an earlier time, and the rate that followed from the one before.
struct Rate {
    at: Instant,
    total: u64,
    per_second: f64,
}

/// Rows read and written.
#[derive(Clone, Copy, Default)]
struct Traffic {
    read_total: u64,
    written_total: u64,
    read_per_second: f64,
    written_per_second: f64,
}

impl Stats {
    pub(super) fn new(sources: Arc<Sources>) -> Self {
        Self { sources, rates: Mutex::new(HashMap::new()) }
    }

    fn per_second(&self, key: RateKey, total: u64) -> f64 {
        let mut rates = self.rates.lock();
        let now = Instant::now();
        // Before the first look, the rate is that since the start.
        let uptime = self.sources.activity.uptime_seconds().max(RATE_WINDOW.as_secs_f64());
        let rate =
            rates.entry(key).or_insert_with(|| Rate { at: now, total, per_second: total as f64 / uptime });
        let elapsed = now.duration_since(rate.at);
        if elapsed >= RATE_WINDOW {
            rate.per_second = total.saturating_sub(rate.total) as f64 / elapsed.as_secs_f64();
            rate.at = now;
            rate.total = total;
        }
        rate.per_second
    }

    fn traffic(&self, table: TableId, statistics: &TableStatistics) -> Traffic {
        Traffic {
            read_total: statistics.rows_read,
            written_total: statistics.rows_written,
            read_per_second: self.per_second(RateKey::Read(table), statistics.rows_read),
            written_per_second: self.per_second(RateKey::Written(table), statistics.rows_written),
        }
    }

    /// The numbers of all clients.
    fn client_fields(&self) -> Vec<(&'static str, Datum)> {
        let activity = &self.sources.activity;
        let queries = self.per_second(RateKey::Queries, activity.queries_total());
        vec![
            ("client_connections", number(activity.connections())),
            ("clients_active", number(self.sources.jobs.list().len() as u64)),
            ("queries_per_sec", Datum::Number(queries)),
        ]
    }

    fn server_rows(&self, traffic: Traffic, format: IdentifierFormat, rows: &mut Vec<Datum>) {
        let mut cluster = self.client_fields();
        cluster.extend(traffic.rates());
        let mut server = cluster.clone();
        server.push(("queries_total", number(self.sources.activity.queries_total())));
        server.push(("query_memory_bytes", number(self.sources.memory.used_bytes() as u64)));
        server.extend(traffic.totals());
        rows.push(Datum::object([
            ("id", Datum::array([Datum::from("cluster")])),
            ("query_engine", Datum::object(cluster)),
        ]));
        rows.push(Datum::object([
            ("id", Datum::array([Datum::from("server"), self.sources.server_id()])),
            ("query_engine", Datum::object(server)),
            ("server", self.sources.server_label(format)),
        ]));
    }

    fn table_rows(
        &self,
        state: &State,
        table: &Table,
        traffic: Traffic,
        format: IdentifierFormat,
        rows: &mut Vec<Datum>,
    ) {
        let names = [("db", database_label(state, table, format)), ("table", table_label(table, format))];
        let id = Datum::string(table.id.to_string());
        let mut fields = vec![
            ("id", Datum::array([Datum::from("table"), id.clone()])),
            ("query_engine", Datum::object(traffic.rates())),
        ];
        fields.extend(names.clone());
        rows.push(Datum::object(fields));
        let mut both = traffic.rates();
        both.extend(traffic.totals());
        let mut fields = vec![
            ("id", Datum::array([Datum::from("table_server"), id, self.sources.server_id()])),
            ("query_engine", Datum::object(both)),
            ("server", self.sources.server_label(format)),
            ("storage_engine", self.storage(table.id)),
        ];
        fields.extend(names);
        rows.push(Datum::object(fields));
    }

    /// The engine is shared by all tables, and so are its numbers. What a table has of it is
    /// estimated.
    fn storage(&self, table: TableId) -> Datum {
        // A table may be dropped meanwhile.
        let sizes = self.sources.shards.sizes(table).unwrap_or_default();
        let engine = self.sources.engine.statistics();
        let space = Datum::object([
            ("data_bytes", number(engine.slot_bytes_used)),
            ("garbage_bytes", number(engine.slot_bytes_pending)),
            ("metadata_bytes", number(engine.log_bytes)),
            ("preallocated_bytes", number(engine.data_bytes.saturating_sub(engine.slot_bytes_used))),
        ]);
        Datum::object([
            ("cache", Datum::object([("in_use_bytes", number(engine.cache_bytes))])),
            ("disk", Datum::object([("space_usage", space)])),
            (
                "table",
                Datum::object([
                    ("document_bytes_estimated", number(sizes.document_bytes)),
                    ("documents", number(sizes.rows)),
                    ("index_entries", number(sizes.index_entries)),
                ]),
            ),
        ])
    }
}

impl SystemTable for Stats {
    fn name(&self) -> &'static str {
        "stats"
    }

    fn changes_silently(&self) -> bool {
        true
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.sources.catalog.state();
        let mut sum = Traffic::default();
        let mut tables = Vec::new();
        for table in state.tables() {
            // A table may be dropped meanwhile.
            let Ok(statistics) = self.sources.shards.statistics(table.id) else { continue };
            let traffic = self.traffic(table.id, &statistics);
            sum.add(traffic);
            self.table_rows(&state, table, traffic, format, &mut tables);
        }
        let mut rows = Vec::new();
        self.server_rows(sum, format, &mut rows);
        rows.append(&mut tables);
        self.rates.lock().retain(|key, _| match key {
            RateKey::Queries => true,
            RateKey::Read(table) | RateKey::Written(table) => state.table_by_id(*table).is_some(),
        });
        Ok(rows)
    }
}

impl Traffic {
    fn add(&mut self, other: Self) {
        self.read_total += other.read_total;
        self.written_total += other.written_total;
        self.read_per_second += other.read_per_second;
        self.written_per_second += other.written_per_second;
    }

    fn rates(&self) -> Vec<(&'static str, Datum)> {
        vec![
            ("read_docs_per_sec", Datum::Number(self.read_per_second)),
            ("written_docs_per_sec", Datum::Number(self.written_per_second)),
        ]
    }

    fn totals(&self) -> Vec<(&'static str, Datum)> {
        vec![("read_docs_total", number(self.read_total)), ("written_docs_total", number(self.written_total))]
    }
}
