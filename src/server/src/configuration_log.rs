//! Messages of the log about what has become of databases, tables, indexes and users.

use std::cmp::Ordering;
use std::sync::Arc;

use photondb_catalog::{Index, State, StateObserver, Table, User};

/// Tells the log about every change of the metadata.
#[derive(Debug)]
pub struct ConfigurationLog;

impl StateObserver for ConfigurationLog {
    fn changed(&self, old: &Arc<State>, new: &Arc<State>) {
        for message in messages(old, new) {
            tracing::info!("{message}");
        }
    }
}

/// One sentence for each change from one state to the next.
fn messages(old: &State, new: &State) -> Vec<String> {
    let mut messages = Vec::new();
    if old.server().name != new.server().name {
        messages.push(format!("Server `{}` is now `{}`.", old.server().name, new.server().name));
    }
    databases(old, new, &mut messages);
    for (before, after) in old.changed_tables(new) {
        match (before, after) {
            (Some(before), Some(after)) => table(&place(old, before), before, new, after, &mut messages),
            (None, Some(after)) => messages.push(format!("Table {} was created.", place(new, after))),
            (Some(before), None) => messages.push(format!("Table {} was dropped.", place(old, before))),
            (None, None) => {}
        }
    }
    for (before, after) in differences(old.users(), new.users(), |user| user.name.clone()) {
        user(before.map(Arc::as_ref), after.map(Arc::as_ref), &mut messages);
    }
    messages
}

fn databases(old: &State, new: &State, messages: &mut Vec<String>) {
    for database in new.databases() {
        match old.database_by_id(database.id) {
            None => messages.push(format!("Database `{}` was created.", database.name)),
            Some(before) if before.name != database.name => {
                messages.push(format!("Database `{}` is now `{}`.", before.name, database.name));
            }
            Some(_) => {}
        }
    }
    for database in old.databases().filter(|database| new.database_by_id(database.id).is_none()) {
        messages.push(format!("Database `{}` was dropped.", database.name));
    }
}

fn table(name: &str, before: &Table, new: &State, after: &Table, messages: &mut Vec<String>) {
    if (before.database, &before.name) != (after.database, &after.name) {
        messages.push(format!("Table {name} is now {}.", place(new, after)));
    }
    let name = place(new, after);
    if before.write_hook != after.write_hook {
        let done = if after.write_hook.is_some() { "set" } else { "removed" };
        messages.push(format!("The write hook of table {name} was {done}."));
    }
    if settings(before) != settings(after) {
        messages.push(format!("The settings of table {name} were changed."));
    }
    for index in after.indexes.values() {
        match before.indexes.values().find(|other| other.id == index.id) {
            None => messages.push(format!("Index `{}` of table {name} was created.", index.name)),
            Some(other) => changed_index(&name, other, index, messages),
        }
    }
    let is_gone = |index: &&Arc<Index>| after.indexes.values().all(|other| other.id != index.id);
    for index in before.indexes.values().filter(is_gone) {
        messages.push(format!("Index `{}` of table {name} was dropped.", index.name));
    }
}

fn changed_index(table: &str, before: &Index, after: &Index, messages: &mut Vec<String>) {
    if before.name != after.name {
        messages.push(format!("Index `{}` of table {table} is now `{}`.", before.name, after.name));
    }
    if !before.ready && after.ready {
        messages.push(format!("Index `{}` of table {table} is ready.", after.name));
    }
}

/// What there is to a table besides its names, indexes and write hook.
fn settings(table: &Table) -> impl PartialEq + '_ {
    (table.durability, table.write_acks, &table.shards, &table.expiry, &table.data)
}

fn user(before: Option<&User>, after: Option<&User>, messages: &mut Vec<String>) {
    match (before, after) {
        (None, Some(user)) => messages.push(format!("User `{}` was created.", user.name)),
        (Some(user), None) => messages.push(format!("User `{}` was dropped.", user.name)),
        (Some(before), Some(after)) => {
            if before.credentials != after.credentials {
                messages.push(format!("The password of user `{}` was changed.", after.name));
            }
            if before.grants != after.grants {
                messages.push(format!("The permissions of user `{}` were changed.", after.name));
            }
        }
        (None, None) => {}
    }
}

fn place(state: &State, table: &Table) -> String {
    format!("`{}.{}`", state.database_name(table), table.name)
}

/// Something before and after; absent before it was made and after it was dropped.
type Difference<'a, T> = (Option<&'a Arc<T>>, Option<&'a Arc<T>>);

/// What is in one of two sequences alone, or is not the same in both. Both are in the order of
/// their keys; what was not touched is shared, so that no value is compared.
fn differences<'a, T, K: Ord>(
    old: impl Iterator<Item = &'a Arc<T>>,
    new: impl Iterator<Item = &'a Arc<T>>,
    key: impl Fn(&T) -> K,
) -> Vec<Difference<'a, T>> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    let mut different = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return different,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) if Arc::ptr_eq(a, b) => {
                old.next();
                new.next();
                continue;
            }
            (Some(a), Some(b)) => key(a).cmp(&key(b)),
        };
        let before = old.next_if(|_| order.is_le());
        let after = new.next_if(|_| order.is_ge());
        different.push((before, after));
    }
}
