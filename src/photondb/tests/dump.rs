//! `photondb dump` and `photondb restore`, from one server to another.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use photondb_client::{Connection, Options, Term};
use photondb_datum::Datum;
use photondb_reql::TermType;
use support::Fixture;

const DOCUMENTS: u32 = 3_000;
const LONG_ARRAY_SIZE: u32 = 100_001;
const DATABASE: &str = "shop";

/// A server in this process, and a connection to it.
struct Server {
    fixture: Fixture,
    connection: Connection,
}

impl Server {
    fn start() -> Self {
        let fixture = Fixture::start();
        let connection = Connection::open(&Options::new("127.0.0.1", fixture.port)).expect("connects");
        Self { fixture, connection }
    }

    fn run(&mut self, term: &Term) -> Datum {
        self.connection.run_value(&term.start()).unwrap_or_else(|error| panic!("{}: {error}", term.wire()))
    }

    /// Runs the binary against this server.
    fn command(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
        run(folder, &format!("127.0.0.1:{}", self.fixture.port), arguments)
    }

    /// The documents of a table in their order, its indexes and its hook, as text.
    fn fingerprint(&mut self, name: &str, primary_key: &str) -> String {
        let table = table(name);
        let in_order =
            Term::call(TermType::OrderBy, std::slice::from_ref(&table), &[("index", primary_key.into())]);
        let documents = self.connection.run(&in_order.start()).expect("reads");
        let mut lines: Vec<String> = documents.iter().map(Datum::print).collect();
        let indexes = self.run(&table.index_wait());
        for index in indexes.as_array().into_iter().flatten() {
            lines.push(index.print());
            if index.get("geo") == Some(Datum::Bool(false)) {
                let all = table.between(Term::minval(), Term::maxval());
                let name = index.get("index").expect("a name");
                lines.push(self.run(&all.option("index", name).count()).print());
            }
        }
        lines.push(self.run(&Term::call(TermType::GetWriteHook, std::slice::from_ref(&table), &[])).print());
        let info = self.run(&table.info());
        lines.push(format!("{:?} {:?}", info.get("primary_key"), info.get("ttl")));
        lines.join("\n")
    }
}

fn run(folder: &Path, address: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_photondb"));
    command.current_dir(folder).args(arguments).env("PHOTONDB_CONNECT", address);
    let Output { status, stdout, stderr } = command.output().expect("runs");
    (status.code(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

fn table(name: &str) -> Term {
    Term::db(DATABASE).table_of(name)
}

fn pseudo(kind: &str, fields: &[(&str, Term)]) -> Term {
    let mut all = vec![("$reql_type$", kind.into())];
    all.extend_from_slice(fields);
    Term::object(&all)
}

fn order(number: u32) -> Term {
    let name = format!("order-{number}");
    let place = Term::array(&[f64::from(number % 360 - number % 180).into(), f64::from(number % 80).into()]);
    Term::object(&[
        // Keys of two types: their order is the server's.
        ("id", if number.is_multiple_of(3) { name.into() } else { number.into() }),
        ("customer", (number % 50).into()),
        ("tags", Term::array(&["red".into(), "ä\u{2028}\"\\".into(), (number % 7).into()])),
        (
            "at",
            pseudo(
                "TIME",
                &[("epoch_time", (f64::from(number) + 0.25).into()), ("timezone", "+02:00".into())],
            ),
        ),
        ("blob", pseudo("BINARY", &[("data", "AAEC/w==".into())])),
        ("place", pseudo("GEOMETRY", &[("type", "Point".into()), ("coordinates", place)])),
        ("large", (9_007_199_254_740_992.0 - f64::from(number)).into()),
    ])
}

/// A database with all that a dump has to carry.
fn fill(server: &mut Server) {
    server.run(&Term::call(TermType::DbCreate, &[DATABASE.into()], &[]));
    let database = Term::db(DATABASE);
    server.run(&database.table_create("empty"));
    server.run(&database.table_create("orders"));
    let orders = table("orders");
    server.run(&orders.index_create("customer"));
    server.run(
        &orders.index_create_with("tags", Term::function(|row| row.field("tags"))).option("multi", true),
    );
    server.run(&orders.index_create("place").option("geo", true));
    let compound = Term::function(|row| Term::array(&[row.field("customer"), row.field("large")]));
    server.run(&orders.index_create_with("customer_large", compound));
    for start in (0..DOCUMENTS).step_by(1_000) {
        let batch: Vec<Term> = (start..start + 1_000).map(order).collect();
        let summary = server.run(&orders.insert(Term::array(&batch)).option("durability", "soft"));
        assert_eq!(summary.get("inserted"), Some(Datum::Number(1_000.0)), "{}", summary.print());
    }
    let time_to_live = Term::object(&[("field", "until".into())]);
    let people = database.table_create("people").option("primary_key", "mail").option("ttl", time_to_live);
    server.run(&people);
    let people = table("people");
    server.run(&people.index_create("number").option("unique", true));
    let documents: Vec<Term> = (0..20_u32)
        .map(|number| Term::object(&[("mail", format!("p{number}@x").into()), ("number", number.into())]))
        .collect();
    server.run(&people.insert(Term::array(&documents)));
    // Longer than an array may be unless the query says so.
    let long =
        Term::object(&[("mail", "long".into()), ("list", (0..LONG_ARRAY_SIZE).collect::<Vec<_>>().into())]);
    let insert = people.insert(long).start_with(&[("array_limit", LONG_ARRAY_SIZE.into())]);
    let summary = server.connection.run_value(&insert).expect("is inserted");
    assert_eq!(summary.get("inserted"), Some(Datum::Number(1.0)));
    // Set after the documents: a restore that let it see them would change them.
    let hook = Term::function3(|_, _, new| new.merge(Term::object(&[("seen", true.into())])));
    server.run(&Term::call(TermType::SetWriteHook, &[people, hook], &[]));
}

#[test]
fn what_is_dumped_and_restored_is_equal() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Server::start();
    fill(&mut first);
    let tables = [("orders", "id"), ("people", "mail"), ("empty", "id")];
    let before = tables.map(|(table, key)| first.fingerprint(table, key));
    let (code, output, errors) = first.command(folder.path(), &["dump", "-f", "a.tar.gz"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("Dumped 3 tables with 3021 documents and 5 indexes to a.tar.gz"), "{output}");
    assert_eq!(errors, "", "nobody watches");
    let files = std::fs::read_dir(folder.path()).expect("reads").count();
    assert_eq!(files, 1, "nothing but the archive is left");

    let mut second = Server::start();
    let (code, output, errors) = second.command(folder.path(), &["restore", "a.tar.gz"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("Restored 3 tables with 3021 documents and 5 indexes"), "{output}");
    let after = tables.map(|(table, key)| second.fingerprint(table, key));
    assert!(before == after, "{before:?}\n{after:?}");

    // Tables that exist are refused, or replaced when that is wished.
    second.run(&table("orders").get(1).update(Term::object(&[("customer", "other".into())])));
    second.run(&table("orders").index_drop("tags"));
    // The hook cannot merge into what is gone.
    second.run(&table("people").delete().option("ignore_write_hook", true));
    let (code, _, errors) = second.command(folder.path(), &["restore", "a.tar.gz"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("exist already: shop.empty, shop.orders, shop.people"), "{errors}");
    assert_eq!(second.run(&table("people").count()), Datum::Number(0.0), "nothing was written");
    let (code, _, errors) = second.command(folder.path(), &["restore", "a.tar.gz", "--force"]);
    assert_eq!(code, Some(0), "{errors}");
    let after = tables.map(|(table, key)| second.fingerprint(table, key));
    assert!(before == after, "{before:?}\n{after:?}");
}

#[test]
fn a_part_is_dumped_and_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Server::start();
    fill(&mut first);
    let (code, output, errors) =
        first.command(folder.path(), &["dump", "-f", "b.tar.gz", "-e", "shop.people", "-e", "shop.orders"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("Dumped 2 tables"), "{output}");
    let mut second = Server::start();
    let restore = ["restore", "b.tar.gz", "-i", "shop.people", "--no-secondary-indexes"];
    let (code, output, errors) = second.command(folder.path(), &restore);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("Restored 1 table with 21 documents and 0 indexes"), "{output}");
    assert_eq!(second.run(&Term::db(DATABASE).table_list()), Datum::array(["people"].map(Datum::string)));
    assert_eq!(second.run(&table("people").index_list()), Datum::array([]));

    // Another primary key is found out before anything is written.
    second.run(&Term::db(DATABASE).table_create("orders").option("primary_key", "number"));
    let (code, _, errors) = second.command(folder.path(), &["restore", "b.tar.gz", "--force"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("table shop.orders exists with another primary key than `id`"), "{errors}");
}

#[test]
fn failures_are_explained_and_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start();
    let failed = |server: &Server, arguments: &[&str], code: i32, words: &str| {
        let (found, _, errors) = server.command(folder.path(), arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    };
    failed(&server, &["dump"], 1, "there are no tables");
    server.run(&Term::db("test").table_create("t"));
    failed(&server, &["dump", "-e", "test.missing"], 1, "no table that `--export test.missing` fits");
    failed(&server, &["dump", "-e", "test/t"], 2, "neither a DATABASE nor a DATABASE.TABLE");
    failed(&server, &["dump", "-c", "here:port"], 2, "no HOST:PORT");
    failed(&server, &["dump", "--user", "nobody"], 3, "cannot connect");
    failed(&server, &["dump", "--password-file", "missing.txt"], 1, "cannot read missing.txt");
    failed(&server, &["restore", "missing.tar.gz"], 1, "missing.tar.gz");
    std::fs::write(folder.path().join("there.tar.gz"), "precious").expect("writes");
    failed(&server, &["dump", "-f", "there.tar.gz"], 1, "--overwrite-file replaces it");
    failed(&server, &["restore", "there.tar.gz"], 1, "there.tar.gz");
    assert_eq!(std::fs::read(folder.path().join("there.tar.gz")).expect("reads"), b"precious");
    let (code, _, errors) =
        server.command(folder.path(), &["dump", "-f", "there.tar.gz", "--overwrite-file"]);
    assert_eq!(code, Some(0), "{errors}");
    let (code, output, errors) = server.command(folder.path(), &["dump"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains(" to photondb_dump_20"), "called after its moment: {output}");
    failed(&server, &["restore", "there.tar.gz", "-i", "other"], 1, "no table that `--import other` fits");
    assert!(server.fixture.stop());
    failed(&server, &["dump", "-f", "none.tar.gz"], 3, "cannot connect to 127.0.0.1:");
}

#[test]
fn a_dump_that_is_killed_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start();
    fill(&mut server);
    let address = format!("127.0.0.1:{}", server.fixture.port);
    let mut cut_short = 0;
    for pause_ms in (0..400).step_by(20) {
        let mut dump = support::binary(folder.path(), &["dump", "-f", "a.tar.gz", "-c", &address])
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        dump.kill().expect("kills");
        cut_short += u32::from(!dump.wait().expect("ends").success());
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .expect("reads")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert!(names.iter().all(|name| name == "a.tar.gz"), "{names:?}");
        // What has the name is whole.
        if !names.is_empty() {
            photondb_archive::Archive::open(&folder.path().join("a.tar.gz")).expect("is an archive");
            std::fs::remove_file(folder.path().join("a.tar.gz")).expect("removes");
        }
    }
    assert!(cut_short > 0, "the first one at least ends before it has begun");
}

#[test]
fn a_dump_goes_to_the_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start();
    fill(&mut server);
    let address = format!("127.0.0.1:{}", server.fixture.port);
    let output = support::binary(folder.path(), &["dump", "-f", "-", "-c", &address]).output().expect("runs");
    assert!(output.status.success());
    std::fs::write(folder.path().join("a.tar.gz"), output.stdout).expect("writes");
    let archive = photondb_archive::Archive::open(&folder.path().join("a.tar.gz")).expect("is an archive");
    assert_eq!(archive.tables().len(), 3);
}
