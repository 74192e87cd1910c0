//! The verbs that make, drop and watch what is in a database, as a shell runs them.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use photondb_client::{Connection, Options};
use support::{Fixture, Ran, binary, ran};

fn failed(fixture: &Fixture, words: &str, code: i32, said: &str) {
    let Ran { code: found, errors, .. } = fixture.command(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(found, Some(code), "{words}: {errors}");
    assert!(errors.contains(said), "{words}: {errors}");
}

#[test]
fn databases_and_tables_are_made_listed_and_dropped() {
    let fixture = Fixture::start();
    for (words, output) in [
        ("db create shop", "Created database shop\n"),
        ("db list -o ndjson", "\"rethinkdb\"\n\"shop\"\n\"test\"\n"),
        ("table create shop.people --primary-key mail", "Created table shop.people\n"),
        ("table list shop", "[\n\"people\"\n]\n"),
        ("table list shop -o csv", "name\npeople\n"),
        ("index create shop.people age", "Created index age of shop.people\n"),
        (
            "table info shop.people -o table",
            "table        shop.people\ndocuments    0\nprimary_key  mail\nindexes      [\"age\"]\n",
        ),
        (
            "table info shop.people",
            "{\"documents\":0,\"indexes\":[\"age\"],\"primary_key\":\"mail\",\"table\":\"shop.people\"}\n",
        ),
        ("table drop shop.people --yes", "Dropped table shop.people\n"),
        ("table list shop", "[]\n"),
        ("db drop shop -y -o json", "{\"dropped\":\"shop\"}\n"),
    ] {
        assert_eq!(fixture.did(words), output, "{words}");
    }
    failed(&fixture, "db drop shop --yes", 1, "Database `shop` does not exist.");
    failed(&fixture, "table create shop", 2, "is no DATABASE.TABLE");
    failed(&fixture, "db list -c 127.0.0.1:1", 3, "cannot connect to 127.0.0.1:1");
}

#[test]
fn what_is_for_good_is_asked_for() {
    let fixture = Fixture::start();
    fixture.did("table create test.t");
    fixture.did("index create test.t a");
    failed(&fixture, "table drop test.t", 2, "would drop table test.t with 0 documents; say --yes");
    failed(&fixture, "db drop test", 2, "would drop database test with 1 table; say --yes");
    failed(&fixture, "index drop test.t a", 2, "say --yes");
    assert_eq!(fixture.did("index list test.t -o ndjson"), "\"a\"\n");
}

#[test]
fn indexes_are_made_of_fields_and_functions() {
    let fixture = Fixture::start();
    fixture.did("table create test.t");
    let insert = "r.table('t').insert(r.range(2000).coerceTo('array').map(n => ({id: n, tags: [n.mod(2), n.mod(3)]})))";
    fixture.command(&["query", insert]);
    let create = ["index", "create", "test.t", "sum", "--function", "row => row('tags').sum()"];
    assert_eq!(fixture.command(&create).output, "Created index sum of test.t\n");
    assert_eq!(fixture.did("index create test.t tags --multi"), "Created index tags of test.t\n");
    fixture.did("index create test.t id2 --unique --no-wait");
    fixture.did("index wait test.t");
    let count = fixture.command(&["query", "r.table('t').getAll(1, {index: 'tags'}).count()"]).output;
    assert_eq!(count, "1667\n");
    let count = fixture.command(&["query", "r.table('t').getAll(3, {index: 'sum'}).count()"]).output;
    assert_eq!(count, "333\n");
    let status = fixture.did("index status test.t tags -o csv");
    let head = "index,ready,progress,multi,geo,unique,outdated,query\ntags,true,,true,false,false,false,\"";
    assert!(status.starts_with(head), "{status}");
    for (function, said) in [
        ("row => row('a').foo()", "1:17: There is no term `foo`"),
        ("row => row('a').add(r.now())", "1:17: Could not prove function deterministic."),
        ("5", "1:1: Expected type FUNCTION but found DATUM"),
    ] {
        let run = fixture.command(&["index", "create", "test.t", "bad", "-f", function]);
        assert_eq!(run.code, Some(1), "{function}");
        assert!(run.errors.contains(said), "{function}: {}", run.errors);
    }
    assert_eq!(fixture.did("index-rebuild"), "Rebuilt 0 indexes\n");
    let before = fixture.did("index status test.t");
    assert_eq!(fixture.did("index-rebuild -r test.t -n 2 --force -o json"), "{\"rebuilt\":3}\n");
    assert_eq!(fixture.did("index status test.t"), before);
    failed(&fixture, "index-rebuild -r test.none", 1, "no table that `--rebuild test.none` fits");
    fixture.did("index drop test.t tags --yes");
    assert_eq!(fixture.did("index list test.t -o csv"), "index\nid2\nsum\n");
}

#[test]
fn an_index_that_cannot_be_built_is_an_error() {
    let fixture = Fixture::start();
    fixture.did("table create test.t");
    fixture.command(&["query", "r.table('t').insert([{id: 1, n: 5}, {id: 2, n: 5}])"]);
    failed(&fixture, "index create test.t n --unique", 1, "Duplicate value `5` of unique index `n`");
}

#[test]
fn users_and_their_rights() {
    let fixture = Fixture::start();
    let log_in = |user: &str, password: &str| {
        let options = Options::new("127.0.0.1", fixture.port).with_user(user, password);
        Connection::open(&options).is_ok()
    };
    let folder = Path::new(".");
    let create = ["user", "create", "ann", "--new-password-stdin"];
    assert_eq!(fixture.command_with(folder, &create, "secret\n").output, "Created user ann\n");
    assert!(log_in("ann", "secret") && !log_in("ann", ""));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "other\nmore\n").expect("writes");
    let path = file.path().display().to_string();
    fixture.command(&["user", "passwd", "ann", "--new-password-file", &path]);
    assert!(log_in("ann", "other") && !log_in("ann", "secret"));
    // Her own password, with the one she has.
    let own = ["user", "passwd", "--user", "ann", "--password-file", &path, "--new-password", "third"];
    let denied = fixture.command(&own);
    assert!(denied.errors.contains("does not have the required"), "{}", denied.errors);
    assert_eq!(
        fixture.did("user grant ann read,write=no --on test"),
        "Rights of user ann on test: {\"read\":true,\"write\":false}\n"
    );
    assert_eq!(
        fixture.did("user grant ann write=unset --on test -o json"),
        "{\"on\":\"test\",\"rights\":{\"read\":true},\"user\":\"ann\"}\n"
    );
    let list = fixture.did("user list -o ndjson");
    let row = "{\"password\":true,\"rights\":{\"test\":{\"read\":true}},\"user\":\"ann\"}\n";
    assert!(list.ends_with(row), "{list}");
    failed(&fixture, "user create ann --no-password", 1, "ann");
    failed(&fixture, "user passwd bob --no-password", 1, "User `bob` not found.");
    failed(&fixture, "user drop bob --yes", 1, "User `bob` not found.");
    failed(&fixture, "user grant ann fly", 2, "`fly` is no right");
    failed(&fixture, "user create eve --new-password x --no-password", 2, "cannot be used with");
    let empty = fixture.command_with(folder, &["user", "create", "eve", "--new-password-stdin"], "\n");
    assert!(empty.errors.contains("--no-password says that this is what is wanted"), "{}", empty.errors);
    fixture.did("user drop ann --yes");
    assert!(!log_in("ann", "third"));
}

#[test]
fn status_and_stats_at_a_glance() {
    let fixture = Fixture::start();
    fixture.did("table create test.t");
    fixture.command(&["query", "r.table('t').insert([{}, {}])"]);
    fixture.did("index create test.t twin --function row=>row('id')");
    let status = fixture.did("status -o table");
    for part in [
        "server   ",
        "tables   1\n",
        "│ table  ┆ documents ┆ bytes_estimated ┆ primary_key ┆ indexes ┆ index_entries ┆ ready │",
        "│ test.t ┆         2 ┆",
        "┆ id          ┆       1 ┆             2 ┆ true  │",
        "No issues.\n",
    ] {
        assert!(status.contains(part), "{part}: {status}");
    }
    let status = fixture.did("status");
    assert!(status.starts_with("{\"issues\":[],\"servers\":[{"), "{status}");
    let stats = fixture.did("stats -o csv --interval 0.01 -n 2");
    assert_eq!(stats.matches("of,queries_per_sec,").count(), 2, "{stats}");
    assert_eq!(stats.matches("\ntest.t,").count(), 2, "{stats}");
    failed(&fixture, "stats --interval 0", 2, "should be above 0");
}

#[test]
fn jobs_are_listed_and_stopped() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    client.send(1, r#"[1,[39,[[173,[1e12]],[69,[[2,[1]],false]]]],{}]"#);
    let end = Instant::now() + Duration::from_secs(20);
    let id = loop {
        let jobs = fixture.did("jobs -o csv");
        let job = jobs.lines().find(|line| line.contains("1000000000000"));
        if let Some(job) = job {
            break job.split(',').next().expect("an id").to_owned();
        }
        assert!(Instant::now() < end, "{jobs}");
    };
    assert_eq!(fixture.did(&format!("jobs kill {id}")), format!("Stopped query {id}\n"));
    // A result that is not whole does not look as if it were.
    let (token, answer) = client.receive();
    assert_eq!(token, 1);
    assert!(
        answer.contains(r#""t":18"#) && answer.contains("terminated by the `rethinkdb.jobs` table"),
        "{answer}"
    );
    failed(&fixture, &format!("jobs kill {id}"), 1, "there is no query");
}

#[test]
fn a_directory_is_asked_without_a_server() {
    let place = tempfile::tempdir().expect("a place");
    let did = |words: &str| {
        let arguments: Vec<&str> = words.split(' ').chain(["--data-dir", "data"]).collect();
        let ran = ran(binary(place.path(), &arguments), "");
        assert_eq!(ran.code, Some(0), "{words}: {}", ran.errors);
        ran.output
    };
    let created = ran(binary(place.path(), &["create", "-d", "data", "-n", "first"]), "");
    assert_eq!(created.output, "Created data for server \"first\"\n", "{}", created.errors);
    let again = ran(binary(place.path(), &["create", "-d", "data"]), "");
    assert_eq!(again.code, Some(1));
    assert!(again.errors.contains("exists already and is not empty"), "{}", again.errors);
    did("table create test.t");
    did("query r.table('t').insert(r.range(3000).map(n=>({id:n})).coerceTo('array'))('inserted')");
    did("index create test.t id2");
    assert_eq!(did("query r.table('t').count()"), "3000\n");
    assert_eq!(did("query r.table('t').orderBy({index:'id'}) -o csv").lines().count(), 3001);
    let feed = ran(binary(place.path(), &["query", "r.table('t').changes()", "--data-dir", "data"]), "");
    assert!(feed.errors.contains("a changefeed cannot be run to its end"), "{}", feed.errors);
    let wrong = ran(binary(place.path(), &["query", "r.table('x')", "--data-dir", "data"]), "");
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.errors.contains("1:3: Table `test.x` does not exist."), "{}", wrong.errors);
    assert!(did("dump -f dump.tar.gz").starts_with("Dumped 1 table with 3000 documents and 1 index to"));
    assert!(did("table drop test.t --yes").starts_with("Dropped"));
    assert!(did("restore dump.tar.gz").starts_with("Restored 1 table with 3000 documents and 1 index"));
    assert_eq!(did("query r.table('t').count()"), "3000\n");
    let none = ran(binary(place.path(), &["db", "list", "--data-dir", "nowhere"]), "");
    assert_eq!(none.code, Some(1));
    assert!(none.errors.contains("nowhere is no data directory"), "{}", none.errors);
    // A server has it.
    let options = photondb::DatabaseOptions::directory(place.path().join("data"));
    let database = photondb::Database::open(&options).expect("opens");
    let locked = ran(binary(place.path(), &["db", "list", "--data-dir", "data"]), "");
    assert_eq!(locked.code, Some(3));
    assert!(locked.errors.contains("hint: a server has this directory open"), "{}", locked.errors);
    drop(database);
}

#[test]
fn a_password_comes_from_a_file_or_the_input() {
    let place = tempfile::tempdir().expect("a place");
    let options = photondb::DatabaseOptions {
        initial_password: Some("secret".to_owned()),
        ..photondb::DatabaseOptions::in_memory()
    };
    let fixture = Fixture::start_with(&options);
    failed(&fixture, "db list", 3, "cannot connect");
    let run = fixture.command_with(place.path(), &["db", "list", "--password-file", "-"], "secret\n");
    assert_eq!(run.code, Some(0), "{}", run.errors);
    // The variables of RethinkDB's tools say where the server is.
    let mut command = binary(place.path(), &["db", "list", "--password-file", "-"]);
    command.env("RETHINKDB_HOSTNAME", "127.0.0.1").env("RETHINKDB_DRIVER_PORT", fixture.port.to_string());
    assert_eq!(ran(command, "secret\n").code, Some(0));
    let port = fixture.port.to_string();
    let flags = ["db", "list", "--password-file", "-", "--host-name", "127.0.0.1", "--driver-port", &port];
    assert_eq!(ran(binary(place.path(), &flags), "secret\n").code, Some(0));
    // A flag counts for more than any variable, for as much as it says.
    for flags in [&flags[..], &flags[..4], &["db", "list", "--password-file", "-", "--driver-port", &port]] {
        let mut command = binary(place.path(), flags);
        command.env("PHOTONDB_CONNECT", "127.0.0.1:1");
        let says_port = flags.contains(&"--driver-port");
        assert_eq!(ran(command, "secret\n").code, Some(if says_port { 0 } else { 3 }), "{flags:?}");
    }
}
