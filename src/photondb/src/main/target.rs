//! Tables that a restore, an import or a migration writes into: looked at, created, finished.

use std::collections::BTreeSet;

use clap::Args;
use photondb_archive::TableDescription;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::CommandError;
use crate::progress::Progress;
use crate::session::Session;
use crate::table_choice::TableName;

/// What a table is identified by when nothing says it.
pub const PRIMARY_KEY_DEFAULT: &str = "id";

/// How created tables are spread over servers.
#[derive(Debug, Args)]
pub struct Placement {
    /// Shards of created tables
    #[arg(long, value_name = "NUM")]
    shards: Option<u32>,

    /// Replicas of created tables
    #[arg(long, value_name = "NUM")]
    replicas: Option<u32>,
}

impl Placement {
    /// The same for `tableCreate`.
    pub fn apply(&self, create: Term) -> Term {
        let with = |create: Term, name: &str, count: Option<u32>| match count {
            Some(count) => create.option(name, count),
            None => create,
        };
        with(with(create, "shards", self.shards), "replicas", self.replicas)
    }
}

/// A table that is written into.
pub struct Target {
    /// Its name.
    pub name: TableName,
    /// What is known of it besides its documents.
    pub description: Option<TableDescription>,
    /// The field that identifies a document.
    pub primary_key: String,
    /// The table itself.
    pub term: Term,
    /// Whether it was there before.
    pub existed: bool,
}

impl Target {
    /// A table as it is described.
    pub fn described(name: TableName, description: Option<TableDescription>) -> Self {
        let primary_key = description.as_ref().map_or(PRIMARY_KEY_DEFAULT, |known| &known.primary_key);
        Self { term: name.term(), primary_key: primary_key.to_owned(), name, description, existed: false }
    }
}

/// Finds out which tables there are already.
pub fn look(session: &mut Session, targets: &mut [Target]) -> Result<(), CommandError> {
    let databases: BTreeSet<String> = session.databases()?.into_iter().collect();
    let mut existing = BTreeSet::new();
    let wanted: BTreeSet<&String> = targets.iter().map(|target| &target.name.database).collect();
    for database in wanted.into_iter().filter(|database| databases.contains(*database)) {
        let tables = session.names(&Term::db(database).table_list())?;
        existing.extend(tables.into_iter().map(|table| (database.clone(), table)));
    }
    for target in targets {
        target.existed = existing.contains(&(target.name.database.clone(), target.name.table.clone()));
    }
    Ok(())
}

/// Refuses what would not end well while nothing is written.
pub fn check(session: &mut Session, targets: &[Target], may_exist: bool) -> Result<(), CommandError> {
    let existing: Vec<&Target> = targets.iter().filter(|target| target.existed).collect();
    if !may_exist && !existing.is_empty() {
        let names: Vec<String> = existing.iter().map(|target| target.name.to_string()).collect();
        return Err(CommandError::Refused(format!(
            "these tables exist already: {}; --force writes into them, replacing documents that have the \
             same key",
            names.join(", ")
        )));
    }
    for target in existing {
        let info = session.run(&target.term.info())?;
        let primary_key = info.get("primary_key");
        if primary_key.as_ref().and_then(Datum::as_str) != Some(&target.primary_key) {
            return Err(CommandError::Refused(format!(
                "table {} exists with another primary key than `{}`",
                target.name, target.primary_key
            )));
        }
    }
    Ok(())
}

/// Creates the databases and tables that are missing.
pub fn create(session: &mut Session, targets: &[Target], placement: &Placement) -> Result<(), CommandError> {
    let mut databases: BTreeSet<String> = session.databases()?.into_iter().collect();
    for target in targets.iter().filter(|target| !target.existed) {
        let database = &target.name.database;
        if databases.insert(database.clone()) {
            session.run(&Term::call(TermType::DbCreate, &[database.as_str().into()], &[]))?;
        }
        let create = Term::db(database).table_create(target.name.table.as_str());
        let mut create = placement.apply(create.option("primary_key", target.primary_key.as_str()));
        if let Some(time_to_live) = target.description.as_ref().and_then(TableDescription::time_to_live) {
            create = create.option("ttl", time_to_live);
        }
        session.run(&create)?;
    }
    Ok(())
}

/// What follows when the documents are there: indexes, if they are wanted, and write hooks, which
/// have seen the documents when they were written first. Gives the number of indexes.
pub fn finish(
    session: &mut Session,
    targets: &[Target],
    with_indexes: bool,
    progress: &Progress,
) -> Result<u64, CommandError> {
    let mut indexes = 0;
    if with_indexes {
        progress.say("building indexes");
        for target in targets {
            indexes += create_indexes(session, target)?;
        }
        for target in targets {
            session.run(&target.term.index_wait())?;
        }
    }
    for target in targets {
        set_write_hook(session, target)?;
    }
    Ok(indexes)
}

/// Starts building the indexes of a table; those that are there and the same are left alone.
/// Gives how many the table should have.
fn create_indexes(session: &mut Session, target: &Target) -> Result<u64, CommandError> {
    let Some(description) = &target.description else { return Ok(0) };
    let there = match target.existed {
        true => session.run(&target.term.index_status())?,
        false => Datum::array([]),
    };
    for index in &description.indexes {
        let mut statuses = there.as_array().into_iter().flatten();
        let there = statuses
            .find(|status| status.get("index").as_ref().and_then(Datum::as_str) == Some(index.name.as_str()));
        match there {
            Some(status) if status.get("function").as_ref() == Some(&index.function) => continue,
            Some(_) => {
                session.run(&target.term.index_drop(index.name.as_str()))?;
            }
            None => {}
        }
        session.run(&target.term.index_create_with(index.name.as_str(), index.function.clone()))?;
    }
    Ok(description.indexes.len() as u64)
}

fn set_write_hook(session: &mut Session, target: &Target) -> Result<(), CommandError> {
    if let Some(hook) = target.description.as_ref().and_then(|description| description.write_hook.clone()) {
        session.run(&Term::call(TermType::SetWriteHook, &[target.term.clone(), hook.into()], &[]))?;
    }
    Ok(())
}
