//! Cache, log, checkpoints, slabs and tables.

use photondb_server::issues;
use photondb_server::{Context, EngineStatistics};

use super::families::Families;
use crate::limits::METRICS_TABLES_MAX;

/// What the engine counts.
pub(super) fn engine(statistics: &EngineStatistics, families: &mut Families) {
    let s = statistics;
    let gauges: [(&str, &str, u64); 12] = [
        ("photondb_cache_bytes", "Pages and values in the cache.", s.cache_bytes),
        ("photondb_cache_bytes_max", "The most that the cache takes.", s.cache_bytes_max),
        (
            "photondb_dirty_bytes",
            "Memory of changes that no checkpoint has written, estimated.",
            s.dirty_bytes,
        ),
        ("photondb_log_bytes", "Log that is kept on disk.", s.log_bytes),
        ("photondb_log_segments", "Files of the log.", s.log_segments),
        (
            "photondb_log_bytes_since_checkpoint",
            "Log since the last checkpoint began: what a recovery would read.",
            s.log_bytes_since_checkpoint,
        ),
        ("photondb_data_bytes", "Length of the data file.", s.data_bytes),
        ("photondb_slot_bytes_used", "Slots of the data file that are in use.", s.slot_bytes_used),
        (
            "photondb_slot_bytes_pending",
            "Slots that wait for a snapshot or a checkpoint to be reused.",
            s.slot_bytes_pending,
        ),
        ("photondb_slabs", "Slabs of the data file.", s.slabs),
        ("photondb_slabs_free", "Slabs of the data file with nothing in them.", s.slabs_free),
        ("photondb_snapshots", "Snapshots that somebody reads.", s.snapshots),
    ];
    for (name, help, value) in gauges {
        families.gauge(name, help, &[], value as f64);
    }
    let counters: [(&str, &str, u64); 7] = [
        ("photondb_cache_hits_total", "Reads that the cache answered.", s.cache_hits),
        ("photondb_cache_misses_total", "Reads that went to the disk.", s.cache_misses),
        ("photondb_log_syncs_total", "Syncs of the log.", s.log_syncs),
        ("photondb_commits_total", "Records that were committed to the log.", s.commits),
        ("photondb_checkpoints_total", "Checkpoints that were completed.", s.checkpoints),
        ("photondb_checkpoints_failed_total", "Checkpoints that failed.", s.checkpoints_failed),
        ("photondb_scrubs_total", "Scrubs that were completed.", s.scrubs),
    ];
    for (name, help, value) in counters {
        families.counter(name, help, &[], value as f64);
    }
}

/// What is known of the backups that the server keeps.
pub(super) fn backups(context: &Context, families: &mut Families) {
    let Some(backups) = &context.sources.backups else { return };
    let counts = backups.counts();
    families.counter("photondb_backups_total", "Backups that were taken.", &[], counts.taken as f64);
    families.counter("photondb_backups_failed_total", "Backups that failed.", &[], counts.failed as f64);
    let running = f64::from(u8::from(backups.running().is_some()));
    families.gauge("photondb_backup_running", "Whether a backup is taken or verified.", &[], running);
    let Some(last) = counts.last else { return };
    let gauges = [
        (
            "photondb_backup_last_timestamp_seconds",
            "When the last backup was taken, in seconds since 1970.",
            Some(last.at_ms as f64 / 1000.0),
        ),
        ("photondb_backup_last_bytes", "What the last backup has added.", Some(last.bytes as f64)),
        ("photondb_backup_last_duration_seconds", "How long the last backup took.", last.seconds),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            families.gauge(name, help, &[], value);
        }
    }
}

/// What needs attention, and how much room there is.
pub(super) fn issues(context: &Context, families: &mut Families) {
    let issues = issues::issues(&context.sources);
    let critical = issues.iter().filter(|issue| issue.is_critical).count();
    for (name, count) in [("true", critical), ("false", issues.len() - critical)] {
        let labels = [("critical", name)];
        families.gauge("photondb_issues", "What needs attention: see current_issues.", &labels, count as f64);
    }
    let room = context.sources.disk_room.as_ref().and_then(|measure| measure());
    if let Some(room) = room {
        let (available, total) = (room.available_bytes as f64, room.total_bytes as f64);
        families.gauge("photondb_disk_available_bytes", "Room on the disk of the data.", &[], available);
        families.gauge("photondb_disk_bytes", "Size of the disk of the data.", &[], total);
    }
}

/// How far the log is.
pub(super) fn log(context: &Context, families: &mut Families) {
    let (applied, durable) = (context.engine.applied().0, context.engine.durable().0);
    families.gauge("photondb_log_position", "Position of the last record of the log.", &[], applied as f64);
    families.gauge(
        "photondb_log_records_unsynced",
        "Records of the log that a power cut would lose.",
        &[],
        applied.saturating_sub(durable) as f64,
    );
}

/// What tables hold and what was read and written; of so many tables at most.
pub(super) fn tables(context: &Context, families: &mut Families) {
    let state = context.catalog.state();
    families.gauge("photondb_databases", "Databases.", &[], state.databases().len() as f64);
    families.gauge("photondb_tables", "Tables.", &[], state.table_count() as f64);
    for table in state.tables().take(METRICS_TABLES_MAX) {
        // A table that was dropped just now has no numbers.
        let Ok(statistics) = context.sources.shards.statistics(table.id) else { continue };
        let database = state.database_name(table);
        let labels = [("db", database.as_str()), ("table", table.name.as_str())];
        families.gauge("photondb_table_documents", "Documents of a table.", &labels, statistics.rows as f64);
        if let Ok(sizes) = context.sources.shards.sizes(table.id) {
            let (bytes, entries) = (sizes.document_bytes as f64, sizes.index_entries as f64);
            families.gauge(
                "photondb_table_document_bytes_estimated",
                "Bytes of the documents of a table, estimated by a sample of them.",
                &labels,
                bytes,
            );
            families.gauge(
                "photondb_table_index_entries",
                "Entries of all indexes of a table.",
                &labels,
                entries,
            );
        }
        families.counter(
            "photondb_table_documents_read_total",
            "Documents that reads of a table delivered.",
            &labels,
            statistics.rows_read as f64,
        );
        families.counter(
            "photondb_table_documents_written_total",
            "Documents that writes of a table changed.",
            &labels,
            statistics.rows_written as f64,
        );
    }
}
