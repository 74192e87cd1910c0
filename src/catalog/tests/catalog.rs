//! Commands, texts, reopening.

// In memory everything is durable at once.
#![allow(unused_must_use)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::{DatabaseId, IdentifierFormat, TableId};
use photondb_catalog::{
    CatalogError, CatalogOptions, ErrorClass, Password, Permission, Permissions, Replicas,
    SYSTEM_DATABASE_ID, Scope, State, StateObserver, TableEdit, TableOptions, WriteHookConfig,
};
use photondb_datum::{Datum, Text};
use photondb_storage::MemoryEngine;
use photondb_table::{Durability, Shards};

use support::{new_server, open};

fn check<T: std::fmt::Debug>(result: Result<T, CatalogError>, class: ErrorClass, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.class(), error.to_string().as_str()), (class, message));
}

/// Everything that a reopened catalog must have, as text.
fn summary(state: &State) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    all.insert("server".to_owned(), format!("{:?}", state.server()));
    for database in state.databases() {
        all.insert(format!("database {}", database.name), format!("{database:?}"));
    }
    for table in state.tables() {
        let described = state.describe_table(table, IdentifierFormat::Name).print();
        all.insert(format!("table {}", table.id), format!("{table:?} {described}"));
    }
    for user in state.users() {
        all.insert(format!("user {}", user.name), format!("{user:?}"));
    }
    all
}

#[test]
fn a_new_directory() {
    let server = new_server();
    let state = server.catalog.state();
    let names: Vec<String> = state.database_names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["rethinkdb", "test"]);
    assert_eq!(SYSTEM_DATABASE_ID.to_string(), "b99b9572-8e53-5fef-9a2b-5e6aba3edf1c");
    let admin = state.user("admin").unwrap();
    assert!(admin.credentials.verify("") && !admin.credentials.verify("x") && !admin.has_password);
    assert_eq!(admin.credentials.iterations, 1);
    let options =
        CatalogOptions { server_name: Some(Text::from("one")), initial_password: Some("secret".to_owned()) };
    let server = open(Arc::new(MemoryEngine::new()), 2, options);
    let state = server.catalog.state();
    assert_eq!(state.server().name, "one");
    assert!(state.user("admin").unwrap().credentials.verify("secret"));
}

#[test]
fn databases() {
    let server = new_server();
    let catalog = &server.catalog;
    let created = catalog.create_database("bar").unwrap().outcome;
    assert!(created.old.is_none());
    let bar = created.new.unwrap();
    assert_eq!(bar.describe().get("name"), Some(Datum::from("bar")));
    check(catalog.create_database("bar"), ErrorClass::OpFailed, "Database `bar` already exists.");
    check(catalog.create_database("rethinkdb"), ErrorClass::OpFailed, "Database `rethinkdb` already exists.");
    check(
        catalog.create_database("a b"),
        ErrorClass::Logic,
        "Database name `a b` invalid (Use A-Z, a-z, 0-9, _ and - only).",
    );
    check(
        catalog.drop_database("rethinkdb"),
        ErrorClass::OpFailed,
        "Database `rethinkdb` is special; you can't delete it.",
    );
    check(
        catalog.rename_database(bar.id, "test"),
        ErrorClass::OpFailed,
        "Cannot rename database `bar` to `test` because database `test` already exists.",
    );
    let renamed = catalog.rename_database(bar.id, "baz").unwrap().outcome;
    assert_eq!(renamed.old.unwrap().name, "bar");
    assert_eq!(renamed.new.unwrap().name, "baz");
    catalog.create_table("baz", "t", TableOptions::default()).unwrap();
    let dropped = catalog.drop_database("baz").unwrap().outcome;
    assert_eq!((dropped.database.id, dropped.tables.len()), (bar.id, 1));
    check(catalog.drop_database("baz"), ErrorClass::OpFailed, "Database `baz` does not exist.");
}

#[test]
fn tables() {
    let server = new_server();
    let catalog = &server.catalog;
    let soft = TableOptions { durability: Durability::Soft, shards: 2, ..TableOptions::default() };
    let created = catalog.create_table("test", "foo", soft).unwrap().outcome;
    let table = created.new.unwrap();
    let row = catalog.state().describe_table(&table, IdentifierFormat::Name);
    let field = |name: &str| row.get(name).unwrap();
    assert_eq!((field("db"), field("durability")), ("test".into(), "soft".into()));
    assert_eq!((field("indexes"), field("write_hook")), (Datum::array([]), Datum::Null));
    assert_eq!((field("write_acks"), field("primary_key")), ("majority".into(), "id".into()));
    assert_eq!(field("shards").as_array().unwrap().len(), 2);
    let shard = field("shards").as_array().unwrap().get(0).unwrap();
    assert_eq!(shard.get("primary_replica").unwrap().as_text(), Some(&catalog.state().server().name));

    let create = |database, name| catalog.create_table(database, name, TableOptions::default());
    check(create("test", "foo"), ErrorClass::OpFailed, "Table `test.foo` already exists.");
    check(create("nope", "foo"), ErrorClass::OpFailed, "Database `nope` does not exist.");
    check(
        create("rethinkdb", "foo"),
        ErrorClass::OpFailed,
        "Database `rethinkdb` is special; you can't create new tables in it.",
    );
    check(
        create("test", "foo!"),
        ErrorClass::Logic,
        "Table name `foo!` invalid (Use A-Z, a-z, 0-9, _ and - only).",
    );
    check(catalog.drop_table("test", "x"), ErrorClass::OpFailed, "Table `test.x` does not exist.");
    check(
        catalog.shards(0, &Replicas::count(1)),
        ErrorClass::Logic,
        "Every table must have at least one shard.",
    );
    let tagged = |tags: &[(&str, usize)]| {
        catalog.shards(
            1,
            &Replicas::by_tag(tags.iter().map(|(tag, count)| (Text::from(*tag), *count)).collect()),
        )
    };
    assert_eq!(tagged(&[("default", 1), ("x", 0)]).unwrap().len(), 1);
    check(
        tagged(&[("default", 1), ("x", 1)]),
        ErrorClass::OpFailed,
        "Can't put 1 replicas on servers with the tag `x` because there are only 0 servers with the tag \
         `x`. It's impossible to have more replicas of the data than there are servers.",
    );
    let name = catalog.state().server().name.clone();
    let tags = ["default", "x"].map(Text::from_static).into_iter().collect();
    catalog.configure_server(&name, Some(tags)).unwrap();
    assert_eq!(tagged(&[("x", 1)]).unwrap().len(), 1);
    check(
        tagged(&[("default", 1), ("x", 1)]),
        ErrorClass::OpFailed,
        &format!(
            "Server tags `default` and `x` overlap; both contain server `{name}`. The server tags used for \
             replication settings for a given table must be non-overlapping."
        ),
    );
    check(
        catalog.shards(1, &Replicas::count(2)),
        ErrorClass::OpFailed,
        "Can't put 2 replicas on servers with the tag `default` because there are only 1 servers with the tag \
         `default`. It's impossible to have more replicas of the data than there are servers.",
    );

    create("test", "other").unwrap();
    let rename = |name: &str| TableEdit { name: Some(Text::from(name)), ..TableEdit::default() };
    let refused = catalog.configure_table(table.id, rename("other"));
    check(
        refused,
        ErrorClass::OpFailed,
        "Can't rename table `test.foo` to `test.other` because table `test.other` already exists.",
    );
    catalog.configure_table(table.id, rename("foo2")).unwrap();
    assert!(catalog.state().table("test", "foo").is_err());
    assert_eq!(server.table("foo2"), table.id);
    server.insert(table.id, 0..10);
    assert_eq!(server.trees(), [0, table.tree.0]);
    catalog.drop_table("test", "foo2").unwrap();
    assert_eq!(server.trees(), [0]);
    assert!(server.shards.statistics(table.id).is_err());
    let gone = catalog.configure_table(table.id, TableEdit::default());
    assert!(matches!(gone, Err(CatalogError::TableGone)));
}

#[test]
fn indexes() {
    let server = new_server();
    let catalog = &server.catalog;
    let table = server.create_table("t");
    server.insert(table, 0..100);
    server.create_index(table, "a").unwrap();
    server.create_index(table, "b").unwrap();
    check(
        server.create_index(table, "a"),
        ErrorClass::OpFailed,
        "Index `a` already exists on table `test.t`.",
    );
    check(
        server.create_index(table, "id"),
        ErrorClass::Logic,
        "Index name conflict: `id` is the name of the primary key.",
    );
    let state = catalog.state();
    let found = state.index(state.table("test", "t").unwrap(), "fake").map(|_| ());
    check(found, ErrorClass::OpFailed, "Index `fake` was not found on table `test.t`.");
    let rename = |old, new, overwrite| catalog.rename_index(table, old, new, overwrite);
    check(
        rename("a", "b", false),
        ErrorClass::OpFailed,
        "Index `a` does not exist or index `b` already exists on table `test.t`.",
    );
    check(
        rename("x", "y", true),
        ErrorClass::OpFailed,
        "Index `x` does not exist or index `y` already exists on table `test.t`.",
    );
    check(
        rename("a", "id", false),
        ErrorClass::Logic,
        "Index name conflict: `id` is the name of the primary key.",
    );
    assert!(!rename("a", "a", false).unwrap().outcome);
    assert!(rename("a", "b", true).unwrap().outcome);
    server.wait_recorded_ready(table, "b");
    assert!(rename("b", "last", false).unwrap().outcome);
    check(
        catalog.drop_index(table, "b"),
        ErrorClass::OpFailed,
        "Index `b` does not exist on table `test.t`.",
    );
    let last = catalog.drop_index(table, "last").unwrap().outcome;
    assert_eq!(last.function, "a");
    assert!(!server.trees().contains(&last.tree.0));
    assert!(catalog.state().table("test", "t").unwrap().indexes.is_empty());
}

#[test]
fn users() {
    let server = new_server();
    let catalog = &server.catalog;
    let database = catalog.state().database("test").unwrap().id;
    let table = server.create_table("t");
    catalog.create_user("ann", "secret").unwrap();
    check(catalog.create_user("ann", ""), ErrorClass::OpFailed, "User `ann` already exists.");
    let ann = catalog.state().user("ann").unwrap().clone();
    assert!(ann.credentials.verify("secret") && ann.has_password);
    assert_eq!(ann.describe().get("password"), Some(Datum::Bool(true)));
    catalog.set_password("ann", "").unwrap();
    assert!(catalog.state().user("ann").unwrap().credentials.verify(""));

    let scope = Scope::Table(database, table);
    check(
        catalog.state().check_permission("ann", Permission::Read, scope),
        ErrorClass::Permission,
        "User `ann` does not have the required `read` permission",
    );
    let granted = catalog.grant("ann", scope, |now| now.read = Some(true)).unwrap().outcome;
    assert_eq!((granted.0, granted.1.read), (Permissions::default(), Some(true)));
    assert_eq!(granted.1.describe(), Datum::object([("read", Datum::Bool(true))]));
    assert!(catalog.state().allows("ann", Permission::Read, scope));
    assert!(!catalog.state().allows("ann", Permission::Write, scope));
    assert!(!catalog.state().allows("ann", Permission::Read, Scope::Database(database)));
    assert!(catalog.state().allows("admin", Permission::Config, Scope::Global));
    let refused = catalog.grant("admin", Scope::Global, |now| now.read = None);
    check(refused, ErrorClass::OpFailed, "The permissions of the user `admin` can't be modified.");
    check(catalog.grant("bob", scope, |_| {}), ErrorClass::OpFailed, "User `bob` not found.");
    check(catalog.drop_user("admin"), ErrorClass::OpFailed, "The user `admin` can't be deleted");

    catalog.drop_table("test", "t").unwrap();
    assert!(catalog.state().user("ann").unwrap().grants.tables.is_empty());
    catalog.drop_user("ann").unwrap();
    assert!(catalog.state().user("ann").is_none());
}

#[test]
fn reopening_gives_the_same_state() {
    let server = new_server();
    let catalog = &server.catalog;
    catalog.create_database("other").unwrap();
    catalog.create_user("ann", "secret").unwrap();
    let database = catalog.state().database("other").unwrap().id;
    catalog.grant("ann", Scope::Global, |now| now.read = Some(false)).unwrap();
    catalog.grant("ann", Scope::Database(database), |now| now.write = Some(true)).unwrap();
    let table = server.create_table("t");
    server.insert(table, 0..50);
    server.create_index(table, "a").unwrap();
    server.wait_recorded_ready(table, "a");
    let data = Datum::object([("note", Datum::from("kept"))]);
    catalog.configure_table(table, TableEdit { data: Some(data), ..TableEdit::default() }).unwrap();
    let hook = WriteHookConfig { function: Bytes::from_static(b"hook"), query: Text::from("setWriteHook") };
    let set = catalog.set_write_hook(table, Some(hook.clone())).unwrap().outcome;
    assert_eq!((set.old, set.new), (None, Some(hook)));
    catalog.rename_server("renamed").unwrap();
    let before = summary(&catalog.state());
    let (version, trees) = (catalog.state().version(), server.trees());

    let server = server.reopened(77);
    assert_eq!(summary(&server.catalog.state()), before);
    assert_eq!((server.catalog.state().version(), server.trees()), (version, trees));
    assert_eq!(server.shards.statistics(table).unwrap().rows, 50);
    // Trees are not given out again.
    let highest = server.trees().into_iter().max().unwrap();
    let next = server.create_table("next");
    let next = server.catalog.state().table_by_id(next).unwrap().tree;
    assert!(next.0 > highest);
}

#[derive(Default)]
struct Versions(Mutex<Vec<(u64, u64)>>);

impl StateObserver for Versions {
    fn changed(&self, old: &Arc<State>, new: &Arc<State>) {
        self.0.lock().push((old.version(), new.version()));
    }
}

#[test]
fn observers_see_every_state() {
    let server = new_server();
    let versions = Arc::new(Versions::default());
    server.catalog.observe(versions.clone());
    server.create_table("a");
    assert!(server.catalog.create_database("test").is_err());
    server.create_table("b");
    assert_eq!(*versions.0.lock(), [(1, 2), (2, 3)]);
}

#[test]
fn many_tables() {
    const TABLES: usize = 2000;
    let server = new_server();
    for number in 0..TABLES {
        server.create_table(&format!("table_{number}"));
    }
    let start = Instant::now();
    let server = server.reopened(5);
    assert!(start.elapsed() < Duration::from_secs(5), "opening took {:?}", start.elapsed());
    let before = server.engine.applied();
    let dropped = server.catalog.drop_database("test").unwrap();
    assert_eq!(dropped.outcome.tables.len(), TABLES);
    assert_eq!(dropped.position, server.engine.applied());
    assert!(dropped.position > before);
    assert_eq!(server.trees(), [0]);
}

#[test]
fn ids_may_be_chosen_before() {
    let server = new_server();
    let catalog = &server.catalog;
    let (database, table) = (DatabaseId(7), TableId(8));
    assert_eq!(catalog.create_database_as(database, "d").unwrap().outcome.new.unwrap().id, database);
    let options = TableOptions { id: Some(table), ..TableOptions::default() };
    assert_eq!(catalog.create_table("d", "t", options).unwrap().outcome.new.unwrap().id, table);
    assert_eq!(catalog.drop_table_by_id(table).unwrap().outcome.database_name, "d");
    check(catalog.drop_table_by_id(table), ErrorClass::OpFailed, "The table was dropped.");
    assert_eq!(catalog.drop_database_by_id(database).unwrap().outcome.database.name, "d");
    check(catalog.drop_database_by_id(database), ErrorClass::OpFailed, "The database was dropped.");
}

#[test]
fn passwords_may_say_how_often_they_are_hashed() {
    let server = new_server();
    let password = Password { text: "secret", iterations: Some(64) };
    server.catalog.create_user("ann", password).unwrap();
    let ann = server.catalog.state().user("ann").unwrap().clone();
    assert_eq!((ann.credentials.iterations, ann.has_password), (64, true));
    assert!(ann.credentials.verify("secret"));
}
