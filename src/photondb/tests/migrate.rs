//! `photondb migrate`: from one live server into another, or into a directory.

mod support;

use std::process::Stdio;
use std::time::Duration;

use photondb_client::{Connection, Options};
use support::{Fixture, Ran, binary, ran};

const DOCUMENTS: u32 = 20_000;

fn query(fixture: &Fixture, text: &str) -> String {
    let Ran { code, output, errors } = fixture.command(&["query", text, "-d", "shop"]);
    assert_eq!(code, Some(0), "{text}: {errors}");
    output
}

fn fill(fixture: &Fixture) {
    fixture.did("db create shop");
    fixture.did("table create shop.people --primary-key mail");
    fixture.did("table create shop.empty");
    let insert = format!(
        "r.table('people').insert(r.range({DOCUMENTS}).map(n => ({{mail: n, born: r.epochTime(n), \
         tags: [n.mod(3), n.coerceTo('string')]}})).coerceTo('array'))('inserted')"
    );
    assert_eq!(query(fixture, &insert), format!("{DOCUMENTS}\n"));
    fixture.did("index create shop.people tags --multi");
    fixture.command(&["index", "create", "shop.people", "both", "-f", "row => [row('born'), row('mail')]"]);
    query(fixture, "r.table('people').setWriteHook((c, o, n) => n.merge({seen: true}))");
}

fn fingerprint(fixture: &Fixture) -> String {
    query(fixture, "r.table('people').orderBy({index: 'mail'})")
        + &query(fixture, "r.table('people').indexWait()")
        + &query(fixture, "r.table('people').getWriteHook()('query')")
}

#[test]
fn what_is_migrated_is_equal_and_goes_on_after_an_end() {
    let (source, target) = (Fixture::start(), Fixture::start());
    fill(&source);
    let before = fingerprint(&source);
    let from = format!("127.0.0.1:{}", source.port);
    // Ended in the middle, whenever that is.
    let mut first = binary(std::path::Path::new("."), &["migrate", "--from", &from, "--clients", "1"])
        .env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", target.port))
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    std::thread::sleep(Duration::from_millis(400));
    first.kill().expect("kills");
    first.wait().expect("ends");
    let migrate = format!("migrate --from {from}");
    let said = target.did(&format!("{migrate} --resume"));
    assert!(said.starts_with("Migrated 2 tables with "), "{said}");
    assert!(fingerprint(&target) == before);

    let refused = target.command(&migrate.split(' ').collect::<Vec<_>>());
    assert_eq!(refused.code, Some(1));
    assert!(refused.errors.contains("exist already: shop.empty, shop.people"), "{}", refused.errors);
    query(&target, "r.table('people').between(15000, r.maxval).delete({ignoreWriteHook: true})");
    // Little is read twice.
    let said = target.did(&format!("{migrate} --resume -i shop.people --clients 2 -o json"));
    assert!(said.starts_with("{\"documents\":7001,"), "{said}");
    assert!(fingerprint(&target) == before);
    query(&target, "r.table('people').get(3).update({more: 1}, {ignoreWriteHook: true})");
    target.did(&format!("{migrate} --force -q"));
    assert!(fingerprint(&target) == before);
    let wrong = target.command(&["migrate", "--from", &from, "-i", "shop.none"]);
    assert!(wrong.errors.contains("no table that `--import shop.none` fits"), "{}", wrong.errors);
    let nobody = target.command(&["migrate", "--from", "127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.errors);
}

#[test]
fn users_come_with_their_rights_and_new_passwords() {
    let (source, target) = (Fixture::start(), Fixture::start());
    source.did("db create shop");
    source.did("table create shop.people");
    source.did("user create ann --new-password old");
    source.did("user grant ann read --on shop");
    source.did("user grant ann write=no --on shop.people");
    source.did("user grant ann read=no");
    let said = target.did(&format!("migrate --from 127.0.0.1:{} --users", source.port));
    let password = said.lines().find_map(|line| line.strip_prefix("Password of user \"ann\": "));
    let options = Options::new("127.0.0.1", target.port).with_user("ann", password.expect("a password"));
    assert!(Connection::open(&options).is_ok());
    assert_eq!(target.did("user list"), source.did("user list"));
}

#[test]
fn a_directory_is_filled_without_a_server() {
    let place = tempfile::tempdir().expect("a place");
    let source = Fixture::start();
    source.did("table create test.t");
    query(&source, "r.db('test').table('t').insert([{id: 1}, {id: 2}])");
    ran(binary(place.path(), &["create", "-d", "data"]), "");
    let from = format!("127.0.0.1:{}", source.port);
    let run = ran(binary(place.path(), &["migrate", "--from", &from, "--data-dir", "data"]), "");
    assert!(run.output.starts_with("Migrated 1 table with 2 documents and 0 indexes"), "{}", run.errors);
    let count = ran(binary(place.path(), &["query", "r.table('t').count()", "--data-dir", "data"]), "");
    assert_eq!(count.output, "2\n");
}
