//! Writing the tables of the `rethinkdb` database over the wire, as several users.

mod support;

use photondb_client::{ClientError, Connection, Options, Term};
use photondb_datum::{Datum, json};
use photondb_reql::ErrorKind;

use support::Fixture;

/// A connection and what a test wants to say on it.
struct Session(Connection);

impl Session {
    fn open(fixture: &Fixture, user: &str, password: &str) -> Result<Self, ClientError> {
        Connection::open(&Options::new("127.0.0.1", fixture.port).with_user(user, password)).map(Self)
    }

    fn admin(fixture: &Fixture) -> Self {
        Self::open(fixture, "admin", "").expect("admin may connect")
    }

    fn try_run(&mut self, term: &Term) -> Result<Datum, ClientError> {
        let mut rows = self.0.run(&term.start())?;
        Ok(if rows.len() == 1 { rows.remove(0) } else { Datum::array(rows) })
    }

    fn run(&mut self, term: &Term) -> Datum {
        self.try_run(term).unwrap_or_else(|error| panic!("{}: {error}", term.wire()))
    }

    /// The error of the only row that a write was about.
    fn row_error(&mut self, term: &Term) -> String {
        let summary = self.run(term);
        assert_eq!(summary.get("errors"), Some(Datum::from(1)), "{}", summary.print());
        summary.get("first_error").and_then(|error| error.as_str().map(str::to_owned)).expect("a text")
    }

    /// That a write did what it says, once and nothing else.
    fn did(&mut self, term: &Term, what: &str) -> Datum {
        let summary = self.run(term);
        for count in ["deleted", "errors", "inserted", "replaced", "skipped", "unchanged"] {
            let expected = u32::from(count == what);
            assert_eq!(
                summary.get(count),
                Some(Datum::from(expected)),
                "{}: {}",
                term.wire(),
                summary.print()
            );
        }
        summary
    }

    fn denied(&mut self, term: &Term) {
        let error = self.try_run(term).expect_err("a refusal");
        assert_eq!(
            error.query().map(|error| error.kind),
            Some(ErrorKind::Permission),
            "{}: {error}",
            term.wire()
        );
    }
}

fn system(table: &str) -> Term {
    Term::db("rethinkdb").table_of(table)
}

fn datum(text: &str) -> Datum {
    json::parse(text.as_bytes(), json::ParseLimits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn row(text: &str) -> Term {
    Term::from(datum(text))
}

fn field(datum: &Datum, path: &[&str]) -> Datum {
    path.iter().fold(datum.clone(), |datum, name| datum.get(name).unwrap_or(Datum::Null))
}

fn text(datum: &Datum) -> String {
    datum.as_str().unwrap_or_else(|| panic!("no text: {}", datum.print())).to_owned()
}

fn id_of(session: &mut Session, table: &str, name: &str) -> String {
    let found =
        session.run(&system(table).filter(row(&format!(r#"{{"name":"{name}"}}"#))).nth(0).field("id"));
    text(&found)
}

#[test]
fn users_come_and_go() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    let users = system("users");
    let ann = users.get("ann");
    let inserted = users.insert(row(r#"{"id":"ann","password":"secret"}"#)).option("return_changes", true);
    let inserted = admin.did(&inserted, "inserted");
    // The password itself is nowhere to be read.
    assert!(!inserted.print().contains("secret"));
    assert_eq!(admin.run(&ann), datum(r#"{"id":"ann","password":true}"#));
    assert!(Session::open(&fixture, "ann", "wrong").is_err());
    assert!(Session::open(&fixture, "ann", "secret").is_ok());
    // What was read may be written back.
    admin.did(&ann.update(row(r#"{"password":true}"#)), "unchanged");
    assert!(Session::open(&fixture, "ann", "secret").is_ok());
    admin.did(&ann.update(row(r#"{"password":{"password":"other","iterations":16}}"#)), "replaced");
    assert!(Session::open(&fixture, "ann", "other").is_ok());
    admin.did(&ann.update(row(r#"{"password":false}"#)), "replaced");
    assert_eq!(admin.run(&ann), datum(r#"{"id":"ann","password":false}"#));
    assert!(Session::open(&fixture, "ann", "").is_ok());

    let refusals = [
        (users.insert(row(r#"{"id":"bob"}"#)), "Expected a field named `password`."),
        (
            users.insert(row(r#"{"id":"bob","password":null}"#)),
            "Expected an object, string or boolean for `password`, got null.",
        ),
        (
            users.insert(row(r#"{"id":"bob","password":true}"#)),
            "Expected an object or string to set the password, or `false` to keep it unset, got true.",
        ),
        (
            users.insert(row(r#"{"id":"bob","password":{"password":"x","iterations":0}}"#)),
            "Expected a whole number from 1 to 1000000 for `iterations`, got 0.",
        ),
        (users.insert(row(r#"{"id":5,"password":false}"#)), "Expected a username as the primary key, got 5"),
        (ann.update(row(r#"{"mail":1,"age":2}"#)), "Unexpected key(s) `age`, `mail`."),
        (users.get("admin").delete(), "The user `admin` can't be deleted"),
        (users.get("bob").delete(), "User `bob` not found."),
        (
            ann.replace(row(r#"{"password":false}"#)),
            "Inserted object must have primary key `id`:\n{\n\t\"password\":\tfalse\n}",
        ),
    ];
    for (term, words) in refusals {
        assert_eq!(admin.row_error(&term), words);
    }
    let generated = admin.row_error(&users.insert(row(r#"{"password":false}"#)));
    assert!(generated.starts_with("Expected a username as the primary key, got \""), "{generated}");
    admin.did(&ann.delete(), "deleted");
    assert!(Session::open(&fixture, "ann", "").is_err());
}

#[test]
fn system_tables_are_for_those_who_may() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    admin.run(&Term::db("test").table_create("t"));
    let users = system("users");
    admin.did(&users.insert(row(r#"{"id":"ann","password":false}"#)), "inserted");
    let grant = |scope: &[Term], said: &str| {
        let mut arguments = scope.to_vec();
        arguments.extend([Term::from("ann"), row(said)]);
        Term::call(photondb_reql::TermType::Grant, &arguments, &[])
    };
    let mut ann = Session::open(&fixture, "ann", "").expect("ann may connect");
    let everything = r#"{"read":true,"write":true,"config":true}"#;
    // What is granted everywhere stops at the system database.
    admin.run(&grant(&[], everything));
    let table = Term::db("test").table_of("t");
    ann.did(&table.insert(row(r#"{"id":1}"#)), "inserted");
    for term in [
        users.clone(),
        users.get("admin"),
        users.changes(),
        users.insert(row(r#"{"id":"eve","password":false}"#)),
        system("permissions").insert(row(r#"{"id":["ann"],"permissions":{"connect":true}}"#)),
        system("_debug_scratch").insert(row(r#"{"id":1}"#)),
        grant(&[], r#"{"connect":true}"#),
    ] {
        ann.denied(&term);
    }
    // Who may configure a table may do so through `config`.
    let config = Term::call(photondb_reql::TermType::Config, std::slice::from_ref(&table), &[]);
    ann.did(&config.update(row(r#"{"durability":"soft"}"#)), "replaced");
    admin.run(&grant(std::slice::from_ref(&table), r#"{"config":false,"read":false}"#));
    ann.denied(&config);
    ann.denied(&config.update(row(r#"{"durability":"hard"}"#)));
    ann.denied(&table.changes());
    ann.denied(&table.get(1).changes());
    // Reading and writing are granted table by table.
    admin.run(&grant(std::slice::from_ref(&users), r#"{"read":true}"#));
    assert_eq!(ann.run(&users.count()), Datum::from(2));
    ann.denied(&users.get("ann").update(row(r#"{"password":"x"}"#)));
    admin.run(&grant(&[Term::db("rethinkdb")], r#"{"read":true,"write":true}"#));
    ann.did(&users.get("ann").update(row(r#"{"password":"x"}"#)), "replaced");
    let config_row = system("table_config").filter(row(r#"{"name":"t"}"#));
    ann.denied(&config_row.update(row(r#"{"durability":"hard"}"#)));
    ann.run(&grant(&[], r#"{"connect":true}"#));
}

#[test]
fn permissions_are_rows() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    admin.did(&system("users").insert(row(r#"{"id":"ann","password":false}"#)), "inserted");
    admin.run(&Term::db("test").table_create("t"));
    let database = id_of(&mut admin, "db_config", "test");
    let table = id_of(&mut admin, "table_config", "t");
    let permissions = system("permissions");
    let everywhere = permissions.get(row(r#"["ann"]"#));
    let in_table = permissions.get(row(&format!(r#"["ann","{database}","{table}"]"#)));

    let mut feed = Session::admin(&fixture);
    let changes = permissions.changes().start();
    let mut feed = feed.0.cursor(&changes).expect("a feed");
    admin.did(&permissions.insert(row(r#"{"id":["ann"],"permissions":{"read":true}}"#)), "inserted");
    let change = feed.next().expect("a change").expect("no error");
    assert_eq!(
        change,
        datum(r#"{"old_val":null,"new_val":{"id":["ann"],"permissions":{"read":true},"user":"ann"}}"#)
    );
    let inserted = format!(
        r#"{{"id":["ann","{database}","{table}"],"database":"test","table":"t","user":"ann","permissions":{{"write":true}}}}"#
    );
    admin.did(&permissions.insert(row(&inserted)), "inserted");
    assert_eq!(admin.run(&in_table), datum(&inserted));
    let by_id = format!(
        r#"{{"id":["ann","{database}","{table}"],"database":"{database}","table":"{table}","user":"ann","permissions":{{"write":true}}}}"#
    );
    let uuids = Term::db("rethinkdb").table_of("permissions").option("identifier_format", "uuid");
    let key = row(&format!(r#"["ann","{database}","{table}"]"#));
    assert_eq!(admin.run(&uuids.get(key.clone())), datum(&by_id));
    // Written back as it was read, in either format.
    admin.did(&uuids.insert(row(&by_id)).option("conflict", "replace"), "unchanged");
    let mismatch = admin.row_error(&uuids.get(key).update(row(r#"{"table":"t"}"#)));
    assert_eq!(mismatch, "The key `table` does not match the primary key.");

    let mut ann = Session::open(&fixture, "ann", "").expect("ann may connect");
    let documents = Term::db("test").table_of("t");
    ann.did(&documents.insert(row(r#"{"id":1}"#)), "inserted");
    admin.did(&in_table.update(row(r#"{"permissions":{"write":false,"read":false}}"#)), "replaced");
    ann.denied(&documents.insert(row(r#"{"id":2}"#)));
    ann.denied(&documents);
    // A row that says nothing is no row.
    admin.did(&in_table.update(row(r#"{"permissions":{"write":null,"read":null}}"#)), "deleted");
    assert_eq!(admin.run(&in_table), Datum::Null);
    admin.did(&in_table.update(row(r#"{"permissions":{"write":true}}"#)), "skipped");
    assert_eq!(ann.run(&documents.count()), Datum::from(1));
    admin.did(&everywhere.delete(), "deleted");
    ann.denied(&documents);
}

#[test]
fn permissions_are_refused_in_the_known_words() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    admin.did(&system("users").insert(row(r#"{"id":"ann","password":false}"#)), "inserted");
    let database = id_of(&mut admin, "db_config", "test");
    let zero = "00000000-0000-0000-0000-000000000000";
    let permissions = system("permissions");
    for (inserted, words) in [
        ("{}".to_owned(), "You must specify a primary key.".to_owned()),
        (
            r#"{"id":[]}"#.to_owned(),
            "Expected an array of one to three items in the primary key, got [].".to_owned(),
        ),
        (r#"{"id":[false]}"#.to_owned(), "Expected a string as the username, got false.".to_owned()),
        (r#"{"id":["bob"]}"#.to_owned(), "No user named `bob`.".to_owned()),
        (r#"{"id":["ann","x"]}"#.to_owned(), "Expected a UUID as the database, got \"x\".".to_owned()),
        (format!(r#"{{"id":["ann","{zero}"]}}"#), format!("No database with UUID `{zero}` exists.")),
        (
            format!(r#"{{"id":["ann","{database}","x"]}}"#),
            "Expected a UUID as the table, got \"x\".".to_owned(),
        ),
        (
            format!(r#"{{"id":["ann","{database}","{zero}"]}}"#),
            format!("No table with UUID `{zero}` exists."),
        ),
        (r#"{"id":["ann"]}"#.to_owned(), "Expected a field `permissions`.".to_owned()),
        (r#"{"id":["ann"],"permissions":{},"x":1}"#.to_owned(), "Unexpected key(s) `x`.".to_owned()),
        (
            format!(r#"{{"id":["ann","{database}"],"database":"x","permissions":{{}}}}"#),
            "The key `database` does not match the primary key.".to_owned(),
        ),
        (
            format!(r#"{{"id":["ann","{database}"],"permissions":{{"connect":true}}}}"#),
            "The `connect` permission is only valid at the global scope.".to_owned(),
        ),
        (
            r#"{"id":["ann"],"permissions":{"read":1}}"#.to_owned(),
            "Expected a boolean or null for `read`, got 1.".to_owned(),
        ),
    ] {
        assert_eq!(admin.row_error(&permissions.insert(row(&inserted))), words, "{inserted}");
    }
    let admins = permissions.get(row(r#"["admin"]"#));
    for term in [
        admins.update(row(r#"{"permissions":{"read":false}}"#)),
        admins.update(row(r#"{"x":1}"#)),
        admins.delete(),
    ] {
        assert_eq!(admin.row_error(&term), "The permissions of the user `admin` can't be modified.");
    }
}

#[test]
fn databases_are_rows() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    let databases = system("db_config");
    let inserted = admin.did(&databases.insert(row(r#"{"name":"baz"}"#)), "inserted");
    let id =
        text(&field(&inserted, &["generated_keys"]).as_array().and_then(|keys| keys.get(0)).expect("a key"));
    assert_eq!(id, id_of(&mut admin, "db_config", "baz"));
    admin.run(&Term::db("baz").table_create("t"));
    let baz = databases.get(id.as_str());
    admin.did(&baz.update(row(r#"{"name":"foo"}"#)), "replaced");
    assert_eq!(admin.run(&Term::db("foo").table_list()), datum(r#"["t"]"#));
    for (term, words) in [
        (
            baz.update(row(r#"{"name":"test"}"#)),
            "Cannot rename database `foo` to `test` because database `test` already exists.",
        ),
        (
            baz.update(row(r#"{"name":"rethinkdb"}"#)),
            "Cannot rename database `foo` to `rethinkdb` because database `rethinkdb` already exists.",
        ),
        (
            baz.update(row(r#"{"size":1}"#)),
            "The change you're trying to make to `rethinkdb.db_config` has the wrong format. Unexpected key(s): size",
        ),
        (
            baz.update(row(r#"{"name":5}"#)),
            "The change you're trying to make to `rethinkdb.db_config` has the wrong format. In `name`: Expected a db name; got 5",
        ),
        (databases.insert(row(r#"{"name":"test"}"#)), "Database `test` already exists."),
        (
            databases.insert(row(r#"{"id":"x","name":"y"}"#)),
            "If you want to create a new table by inserting into `rethinkdb.db_config`, you must use an auto-generated primary key.",
        ),
        (
            databases.insert(row("{}")),
            "The change you're trying to make to `rethinkdb.db_config` has the wrong format. Expected a field named `name`.",
        ),
    ] {
        assert_eq!(admin.row_error(&term), words);
    }
    admin.did(&baz.delete(), "deleted");
    admin.did(&baz.delete(), "skipped");
    assert_eq!(admin.run(&databases.count()), Datum::from(1));
}

#[test]
fn tables_are_rows() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    let tables = system("table_config");
    let server = text(&admin.run(&system("server_config").nth(0).field("name")));
    let shard = format!(r#"{{"replicas":["{server}"],"primary_replica":"{server}"}}"#);
    let inserted = format!(
        r#"{{"name":"baz","db":"test","primary_key":"frob","durability":"soft","write_acks":"single","shards":[{shard},{shard}]}}"#
    );
    let inserted = tables.insert(row(&inserted)).option("return_changes", true);
    let inserted = admin.did(&inserted, "inserted");
    let change =
        field(&inserted, &["changes"]).as_array().and_then(|changes| changes.get(0)).expect("a change");
    let created = field(&change, &["new_val"]);
    assert_eq!(admin.run(&tables.nth(0)), created);
    assert_eq!(field(&created, &["primary_key"]), Datum::from("frob"));
    assert_eq!(field(&created, &["shards"]).as_array().map(|shards| shards.len()), Some(2));
    let documents = Term::db("test").table_of("baz");
    admin.did(&documents.insert(row("{}")), "inserted");
    admin.did(&tables.insert(row(r#"{"name":"usual","db":"test"}"#)), "inserted");
    let usual = admin.run(&tables.filter(row(r#"{"name":"usual"}"#)).nth(0));
    for (name, value) in [("primary_key", "id"), ("durability", "hard"), ("write_acks", "majority")] {
        assert_eq!(field(&usual, &[name]), Datum::from(value));
    }

    let baz = tables.filter(row(r#"{"name":"baz"}"#));
    admin.did(
        &baz.update(row(r#"{"durability":"hard","flush_interval":"default","data":{"a":1}}"#)),
        "replaced",
    );
    let now = admin.run(&baz.nth(0));
    assert_eq!(
        (field(&now, &["durability"]), field(&now, &["data", "a"])),
        (Datum::from("hard"), Datum::from(1))
    );
    admin.did(&baz.update(row(&format!(r#"{{"shards":[{shard}]}}"#))), "replaced");
    let wrong = "The change you're trying to make to `rethinkdb.table_config` has the wrong format. ";
    let shards = |shard: &str| baz.update(row(&format!(r#"{{"shards":[{shard}]}}"#)));
    let other = |name: &str| baz.update(row(&format!(r#"{{"{name}":5}}"#)));
    let without = |name: &str| baz.replace(Term::function(|row| row.without(name)));
    let id = field(&usual, &["id"]).print();
    for (term, words) in [
        (shards(""), format!("{wrong}In `shards`: You must specify at least one shard.")),
        (other("shards"), format!("{wrong}In `shards`: Expected an array, got 5")),
        (shards(r#"{"replicas":[],"primary_replica":null}"#), format!("{wrong}In `shards`: You must specify at least one replica for each shard.")),
        (shards(r#"{"replicas":["b"],"primary_replica":"b"}"#), format!("{wrong}In `shards`: In `replicas`: Server `b` does not exist or is not connected.")),
        (shards(&format!(r#"{{"replicas":["{server}","{server}"],"primary_replica":"{server}"}}"#)), format!("{wrong}In `shards`: In `replicas`: Server `{server}` is listed more than once.")),
        (shards(&format!(r#"{{"replicas":["{server}"],"primary_replica":"{server}","nonvoting_replicas":["{server}"]}}"#)), format!("{wrong}In `shards`: The primary replica (`{server}`) must not be a nonvoting replica.")),
        (shards(&format!(r#"{{"replicas":["{server}"],"primary_replica":"{server}","more":1}}"#)), format!("{wrong}In `shards`: Unexpected key(s): more")),
        (other("durability"), format!("{wrong}In `durability`: Expected \"soft\" or \"hard\", got: 5")),
        (other("write_acks"), format!("{wrong}In `write_acks`: Expected \"single\" or \"majority\", got: 5")),
        (other("db"), format!("{wrong}Expected a database name; got 5")),
        (baz.update(row(r#"{"db":"nope"}"#)), format!("{wrong}Database `nope` does not exist.")),
        (baz.update(row(r#"{"indexes":["x"]}"#)), format!("{wrong}The `indexes` field is read-only and can't be used to create or drop indexes.")),
        (other("write_hook"), format!("{wrong}The `write_hook` field is read-only and can't be used to create or drop a write hook function.")),
        (baz.update(row(r#"{"flush_interval":-1}"#)), format!("{wrong}In `flush_interval`: Expected non-negative number, got: -1")),
        (baz.update(row(r#"{"primary_key":"x"}"#)), "It's illegal to change a table's primary key".to_owned()),
        (without("name"), format!("{wrong}Expected a field named `name`.")),
        (without("shards"), format!("{wrong}Expected a field named `shards`.")),
        (baz.update(row(r#"{"more":1}"#)), format!("{wrong}Unexpected key(s): more")),
        (baz.update(row(r#"{"name":"usual"}"#)), "Can't rename table `test.baz` to `test.usual` because table `test.usual` already exists.".to_owned()),
        (tables.insert(row(r#"{"name":"usual","db":"test"}"#)), "Table `test.usual` already exists.".to_owned()),
        (tables.insert(row(r#"{"id":"x","name":"y","db":"test"}"#)), "There is no existing table with the given ID. To create a new table by inserting into `rethinkdb.table_config`, you must let the database generate the primary key automatically.".to_owned()),
        (tables.insert(row(r#"{"name":"y","db":"test","indexes":["a"]}"#)), format!("{wrong}The `indexes` field is read-only and can't be used to create indexes.")),
        (baz.update(row(&format!(r#"{{"id":{id}}}"#))), String::new()),
    ] {
        let error = admin.row_error(&term);
        if words.is_empty() {
            assert!(error.starts_with("Primary key `id` cannot be changed ("), "{error}");
        } else {
            assert_eq!(error, words);
        }
    }
    assert_eq!(
        admin.row_error(&system("table_status").nth(0).update(row("{}"))),
        "It's illegal to write to the `rethinkdb.table_status` table."
    );
    admin.did(&baz.delete(), "deleted");
    assert_eq!(admin.run(&Term::db("test").table_list()), datum(r#"["usual"]"#));
}

#[test]
fn identifiers_may_be_ids_everywhere() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    let server = text(&admin.run(&system("server_config").nth(0).field("id")));
    let database = id_of(&mut admin, "db_config", "test");
    let tables = system("table_config").option("identifier_format", "uuid");
    let mut feed = Session::admin(&fixture);
    let changes = tables.changes().start();
    let mut feed = feed.0.cursor(&changes).expect("a feed");
    let shard = format!(r#"{{"replicas":["{server}"],"primary_replica":"{server}"}}"#);
    let inserted = format!(r#"{{"name":"t","db":"{database}","shards":[{shard}]}}"#);
    admin.did(&tables.insert(row(&inserted)), "inserted");
    let change = feed.next().expect("a change").expect("no error");
    let read = admin.run(&tables.nth(0));
    assert_eq!(field(&change, &["new_val"]), read);
    assert_eq!(field(&read, &["db"]), Datum::from(database.as_str()));
    let shards =
        format!(r#"[{{"nonvoting_replicas":[],"primary_replica":"{server}","replicas":["{server}"]}}]"#);
    assert_eq!(field(&read, &["shards"]), datum(&shards));
    assert_eq!(admin.run(&system("table_config").nth(0).field("db")), Datum::from("test"));
    // As an option of the whole query, too.
    let whole = system("table_config").nth(0).field("db");
    let answer = admin.0.run(&whole.start_with(&[("identifier_format", "uuid".into())])).expect("runs");
    assert_eq!(answer, [Datum::from(database.as_str())]);
    let name = admin.row_error(&tables.nth(0).update(row(r#"{"db":"test"}"#)));
    assert!(name.ends_with("Expected a UUID; got \"test\""), "{name}");
    admin.did(&tables.nth(0).update(row(r#"{"durability":"soft"}"#)), "replaced");
    let change = feed.next().expect("a change").expect("no error");
    assert_eq!(field(&change, &["new_val", "db"]), Datum::from(database.as_str()));
}

#[test]
fn servers_have_tags() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    let server = system("server_config").nth(0);
    assert_eq!(field(&admin.run(&server), &["tags"]), datum(r#"["default"]"#));
    admin.did(&server.update(row(r#"{"tags":["fast","default","fast"]}"#)), "replaced");
    assert_eq!(field(&admin.run(&server), &["tags"]), datum(r#"["default","fast"]"#));
    admin.run(&Term::db("test").table_create("t"));
    let table = Term::db("test").table_of("t");
    let on = |tag: &str| {
        let replicas = row(&format!(r#"{{"{tag}":1}}"#));
        let options = [("shards", 1.into()), ("replicas", replicas), ("primary_replica_tag", tag.into())];
        Term::call(photondb_reql::TermType::Reconfigure, std::slice::from_ref(&table), &options)
    };
    assert_eq!(field(&admin.run(&on("fast")), &["reconfigured"]), Datum::from(1));
    let error = admin.try_run(&on("slow")).expect_err("no such server");
    assert!(error.to_string().contains("there are only 0 servers with the tag `slow`"), "{error}");
    let wrong = "The change you're trying to make to `rethinkdb.server_config` has the wrong format. ";
    for (said, words) in [
        (r#"{"tags":5}"#, "In `tags`: Expected an array, got 5"),
        (
            r#"{"tags":["a b"]}"#,
            "In `tags`: \"a b\" is not a valid server tag; Use A-Z, a-z, 0-9, _ and - only",
        ),
        (r#"{"cache_size_mb":5}"#, "The field `cache_size_mb` is read-only."),
    ] {
        assert_eq!(admin.row_error(&server.update(row(said))), format!("{wrong}{words}"));
    }
}

#[test]
fn permissions_follow_a_table() {
    let fixture = Fixture::start();
    let mut admin = Session::admin(&fixture);
    admin.run(&Term::db("test").table_create("t"));
    admin.did(&system("db_config").insert(row(r#"{"name":"other"}"#)), "inserted");
    admin.did(&system("users").insert(row(r#"{"id":"ann","password":false}"#)), "inserted");
    let (database, table) = (id_of(&mut admin, "db_config", "test"), id_of(&mut admin, "table_config", "t"));
    let granted = format!(r#"{{"id":["ann","{database}","{table}"],"permissions":{{"read":true}}}}"#);
    admin.did(&system("permissions").insert(row(&granted)), "inserted");
    admin.did(&system("table_config").get(table.as_str()).update(row(r#"{"db":"other"}"#)), "replaced");
    let mut ann = Session::open(&fixture, "ann", "").expect("ann may connect");
    assert_eq!(ann.run(&Term::db("other").table_of("t").count()), Datum::from(0));
    let rows = admin.run(&system("permissions").filter(row(r#"{"user":"ann"}"#)).field("database"));
    assert_eq!(rows, Datum::from("other"));
}
