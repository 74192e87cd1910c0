//! What needs somebody's attention, each with what it means and what helps.
//!
//! RethinkDB's issues are about servers that cannot reach each other; these are what a server
//! knows about itself. What keeps one from starting is none of them.

use photondb_datum::Datum;
use photondb_storage::{Health, StorageError};

use crate::backups::{Finished, Outcome};
use crate::system::Sources;

/// A disk with less than this free is nearly full, unless it is a small one.
const DISK_AVAILABLE_BYTES_MIN: u64 = 5 << 30;
/// A small disk is nearly full when less than one part of so many is free.
const DISK_AVAILABLE_PARTS: u64 = 20;

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// What kind it is, in words joined by `_`. There is one of a kind and a subject.
    pub kind: &'static str,
    /// Whether it keeps clients from working or puts documents at risk.
    pub is_critical: bool,
    /// What it means and what helps, in sentences.
    pub description: String,
    /// What it is about, as fields for programs.
    pub info: Vec<(&'static str, Datum)>,
}

/// How much of a disk is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskRoom {
    /// What this process may still write, in bytes.
    pub available_bytes: u64,
    /// All of the disk, in bytes.
    pub total_bytes: u64,
}

impl DiskRoom {
    fn is_nearly_full(self) -> bool {
        self.available_bytes < DISK_AVAILABLE_BYTES_MIN.min(self.total_bytes / DISK_AVAILABLE_PARTS)
    }
}

/// Everything that needs attention now, the worst first.
pub fn issues(sources: &Sources) -> Vec<Issue> {
    let mut issues = of_engine(sources.engine.health());
    issues.extend(open_admin(sources));
    issues.extend(sources.disk_room.as_ref().and_then(|room| of_disk(room()?)));
    issues.extend(of_memory(sources));
    issues.extend(failed_indexes(sources));
    issues.extend(sources.backups.as_ref().and_then(|backups| of_backups(&backups.last()?)));
    issues.sort_by_key(|issue| !issue.is_critical);
    issues
}

fn of_engine(health: Health) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut add = |kind, is_critical, reason: String, description: String| {
        let info = vec![("reason", Datum::string(reason))];
        issues.push(Issue { kind, is_critical, description, info });
    };
    if let Some(reason) = health.stopped {
        let description = format!(
            "Nothing can be written any more: {reason}. Everything acknowledged is safe and can be read. \
             Look at the disk, then restart the server."
        );
        add("writing_stopped", true, reason.to_string(), description);
    }
    if let Some(error) = health.damage {
        let description = format!(
            "The last check of what is stored failed: {error}. Documents in the damaged part cannot be read. \
             Stop the server, run `photondb check` on its data directory and restore a backup."
        );
        add("damaged_data", true, error.to_string(), description);
    }
    if let Some(error) = health.refused_write {
        let description = format!("The last write was refused: {error}. {}", cure(&error));
        add("refused_write", true, error.to_string(), description);
    }
    if let Some(error) = health.failed_checkpoint {
        let description = format!(
            "The last checkpoint failed: {error}. No write is lost, but the log grows until one succeeds. {}",
            cure(&error)
        );
        add("failed_checkpoint", false, error.to_string(), description);
    }
    issues
}

fn cure(error: &StorageError) -> &'static str {
    match error.is_full() {
        true => "Make room on the disk of the data directory; writing goes on by itself.",
        false => "Look at the disk of the data directory, and at what the system's own log says about it.",
    }
}

/// Whoever reaches a port may do everything.
fn open_admin(sources: &Sources) -> Option<Issue> {
    let is_open = sources.catalog.state().user("admin").is_some_and(|admin| !admin.has_password);
    let doors = sources.doors.read();
    let mut reachable = doors.addresses.iter().filter(|address| !address.ip().is_loopback()).peekable();
    reachable.peek().filter(|_| is_open)?;
    Some(Issue {
        kind: "admin_without_password",
        is_critical: true,
        description: "The user `admin` has no password, and this server listens on addresses that other \
                      machines reach: whoever reaches it may do everything. Set a password, with \
                      `photondb user password admin` or on the page Users."
            .to_owned(),
        info: vec![("addresses", Datum::array(reachable.map(|address| Datum::string(address.to_string()))))],
    })
}

fn of_disk(room: DiskRoom) -> Option<Issue> {
    let number = |bytes: u64| Datum::Number(bytes as f64);
    room.is_nearly_full().then(|| Issue {
        kind: "disk_nearly_full",
        is_critical: false,
        description: format!(
            "The disk of the data directory is nearly full: {} MB of {} MB are free. Writes are refused once \
             it is full. Make room, or give it a larger disk.",
            room.available_bytes >> 20,
            room.total_bytes >> 20
        ),
        info: vec![
            ("available_bytes", number(room.available_bytes)),
            ("total_bytes", number(room.total_bytes)),
        ],
    })
}

/// The system ends a process that takes more memory than there is.
fn of_memory(sources: &Sources) -> Option<Issue> {
    let machine = sources.process.memory_megabytes?;
    let cache = sources.process.cache_megabytes;
    let queries = (sources.memory.limits().total_bytes_max >> 20) as f64;
    (cache + queries > machine).then(|| Issue {
        kind: "too_little_memory",
        is_critical: false,
        description: format!(
            "The cache ({cache} MB) and the queries ({queries} MB) may together take more than the {machine} MB \
             of memory that there are; the system may then end the server. Choose less with --cache-size or \
             --total-query-memory-max."
        ),
        info: vec![
            ("cache_size_mb", Datum::Number(cache)),
            ("total_query_memory_mb", Datum::Number(queries)),
            ("memory_mb", Datum::Number(machine)),
        ],
    })
}

/// What became of the last backup, or of the last look at one.
fn of_backups(last: &Finished) -> Option<Issue> {
    let set = last.set.as_deref().unwrap_or_default();
    let reason = match last.outcome {
        Outcome::Done | Outcome::Cancelled => return None,
        Outcome::Damaged => last.problems.join("; "),
        Outcome::Failed => last.message.clone().unwrap_or_default(),
    };
    let (kind, description) = match last.outcome {
        Outcome::Damaged => {
            let advice = "Take a full one, and look at the disk that it is on.";
            ("damaged_backup", format!("Backup {set} is damaged: {reason}. {advice}"))
        }
        _ => ("failed_backup", format!("The last backup or its verification failed: {reason}.")),
    };
    let info = vec![("reason", Datum::string(reason)), ("set", Datum::from(set))];
    Some(Issue { kind, is_critical: false, description, info })
}

/// Indexes that no waiting makes ready.
fn failed_indexes(sources: &Sources) -> Vec<Issue> {
    let state = sources.catalog.state();
    let unready = state.unsettled_tables().flat_map(|table| {
        let indexes = table.indexes.values().filter(|index| !index.ready);
        indexes.map(move |index| (table, index))
    });
    let failed = unready.filter_map(|(table, index)| {
        let error = sources.shards.index_progress(table.id, index.id).ok()?.error?;
        let database = state.database_name(table);
        let description = format!(
            "The index `{}` of table `{database}.{}` cannot be built: {error}. Drop it, or create it anew.",
            index.name, table.name
        );
        let info = vec![
            ("db", Datum::String(database)),
            ("index", Datum::String(index.name.clone())),
            ("reason", Datum::string(error)),
            ("table", Datum::String(table.name.clone())),
        ];
        Some(Issue { kind: "failed_index", is_critical: false, description, info })
    });
    failed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_by_its_size() {
        let gigabyte = 1 << 30;
        for (available, total, nearly_full) in [
            (100 * gigabyte, 4000 * gigabyte, false),
            (4 * gigabyte, 4000 * gigabyte, true),
            (gigabyte / 2, 20 * gigabyte, true),
            (2 * gigabyte, 20 * gigabyte, false),
            (0, gigabyte, true),
        ] {
            let issue = of_disk(DiskRoom { available_bytes: available, total_bytes: total });
            assert_eq!(issue.map(|issue| issue.kind), nearly_full.then_some("disk_nearly_full"));
        }
    }

    #[test]
    fn what_ails_an_engine_is_told_with_what_helps() {
        let full = StorageError::Full { file: "log-1".to_owned(), operation: "write" };
        let damage =
            StorageError::Corrupt { file: "data".to_owned(), offset: 7, detail: "a checksum is wrong" };
        assert_eq!(of_engine(Health::default()), []);
        let issues = of_engine(Health {
            stopped: Some("could not sync log-1".into()),
            refused_write: Some(full.clone()),
            failed_checkpoint: Some(full),
            damage: Some(damage),
        });
        let told: Vec<(&str, bool)> = issues.iter().map(|issue| (issue.kind, issue.is_critical)).collect();
        let expected = [
            ("writing_stopped", true),
            ("damaged_data", true),
            ("refused_write", true),
            ("failed_checkpoint", false),
        ];
        assert_eq!(told, expected);
        assert!(issues[0].description.contains("could not sync log-1"), "{:?}", issues[0]);
        assert!(issues[1].description.contains("data is damaged at offset 7"), "{:?}", issues[1]);
        assert!(issues[2].description.contains("Make room on the disk"), "{:?}", issues[2]);
    }
}
