//! `photondb export` and `photondb import`: files that go to and come from other programs.

mod support;

use std::path::Path;

use support::{Fixture, Ran, binary, ran};

/// Documents of every type, in a table with indexes and a hook.
fn fill(fixture: &Fixture) {
    fixture.did("db create shop");
    fixture.did("table create shop.people --primary-key mail");
    fixture.did("table create shop.empty");
    let insert = "r.table('people').insert(r.range(2500).map(n => ({mail: n.coerceTo('string'), age: n, \
        born: r.epochTime(n.add(0.25)), blob: r.binary('ab'), place: r.point(n.mod(180), 0), \
        tags: [n, {x: null}], ok: n.mod(2).eq(0), note: 'a,\"b\"\\nc'})).coerceTo('array'))('inserted')";
    assert_eq!(query(fixture, insert), "2500\n");
    fixture.did("index create shop.people age");
    fixture.did("index create shop.people place --geo");
    query(fixture, "r.table('people').setWriteHook((c, o, n) => n.merge({seen: true}))");
}

fn query(fixture: &Fixture, text: &str) -> String {
    let Ran { code, output, errors } = fixture.command(&["query", text, "-d", "shop"]);
    assert_eq!(code, Some(0), "{text}: {errors}");
    output
}

fn fingerprint(fixture: &Fixture) -> String {
    query(fixture, "r.table('people').orderBy({index: 'mail'})")
        + &query(fixture, "r.table('people').indexWait()")
        + &query(fixture, "r.table('people').getWriteHook()('query')")
}

fn did(fixture: &Fixture, folder: &Path, words: &str) -> String {
    let Ran { code, output, errors } =
        fixture.command_with(folder, &words.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(code, Some(0), "{words}: {errors}");
    output
}

fn failed(fixture: &Fixture, folder: &Path, words: &str, code: i32, said: &str) {
    let ran = fixture.command_with(folder, &words.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(ran.code, Some(code), "{words}: {}", ran.errors);
    assert!(ran.errors.contains(said), "{words}: {}", ran.errors);
}

#[test]
fn what_is_exported_and_imported_is_equal() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Fixture::start();
    fill(&first);
    let before = fingerprint(&first);
    for format in ["json", "ndjson"] {
        let said = did(&first, folder.path(), &format!("export -d {format} --format {format} --clients 2"));
        let start = format!("Exported 2 tables with 2500 documents to {format} in ");
        assert!(said.starts_with(&start), "{said}");
        let mut names: Vec<_> = std::fs::read_dir(folder.path().join(format).join("shop"))
            .expect("reads")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        let expected = ["empty", "people"].map(|name| [format!("{name}.info"), format!("{name}.{format}")]);
        assert_eq!(names, expected.concat());
        let second = Fixture::start();
        let said = did(&second, folder.path(), &format!("import -d {format}"));
        assert!(said.starts_with("Imported 2500 documents into 2 tables with 2 indexes in "), "{said}");
        assert!(fingerprint(&second) == before, "{format}");
        failed(
            &second,
            folder.path(),
            &format!("import -d {format}"),
            1,
            "exist already: shop.empty, shop.people",
        );
        did(&second, folder.path(), &format!("import -d {format} -i shop.people --force -q"));
        assert!(fingerprint(&second) == before, "{format}, over itself");
    }
    failed(&first, folder.path(), "export -d json", 1, "json is there and not empty");
}

#[test]
fn cells_come_back_with_their_types() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Fixture::start();
    fill(&first);
    let before = query(&first, "r.table('people').orderBy({index: 'mail'})");
    did(&first, folder.path(), "export -d csv -e shop.people --format csv --delimiter ;");
    let second = Fixture::start();
    let types = "age:number,born:time,blob:json,place:json,tags:json,ok:bool";
    let import = format!(
        "import -f csv/shop/people.csv --table shop.people --pkey mail --delimiter ; --types {types} -o json"
    );
    let said = did(&second, folder.path(), &import);
    assert!(said.starts_with("{\"documents\":2500,\"indexes\":0,"), "{said}");
    assert!(query(&second, "r.table('people').orderBy({index: 'mail'})") == before);
    // Without types, cells are strings; some fields alone are read.
    did(
        &second,
        folder.path(),
        "import -f csv/shop/people.csv --table shop.texts --pkey mail --delimiter ; --fields mail,age",
    );
    assert_eq!(query(&second, "r.table('texts').get('7')"), "{\"age\":\"7\",\"mail\":\"7\"}\n");
    did(&first, folder.path(), "export -d some -e shop.people --fields mail,ok --format csv");
    let text = std::fs::read_to_string(folder.path().join("some/shop/people.csv")).expect("reads");
    assert!(text.starts_with("mail,ok\n0,true\n1,false\n10,true\n"), "{}", &text[..100]);
}

#[test]
fn headers_can_be_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::start();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "\u{feff}id,n\n1,x\n2,\n").expect("writes");
    did(&fixture, folder.path(), "import -f a.csv --table test.a --custom-header id,m");
    assert_eq!(
        query(&fixture, "r.db('test').table('a').orderBy({index:'id'})"),
        "[\n{\"id\":\"1\",\"m\":\"x\"},\n{\"id\":\"2\"}\n]\n"
    );
    std::fs::write(&path, "1\tx\n").expect("writes");
    did(
        &fixture,
        folder.path(),
        "import -f a.csv --table test.b --no-header --custom-header id,m --delimiter \\t",
    );
    assert_eq!(query(&fixture, "r.db('test').table('b')"), "[\n{\"id\":\"1\",\"m\":\"x\"}\n]\n");
    failed(&fixture, folder.path(), "import -f a.csv --table test.b --no-header", 2, "--custom-header");
    let input = fixture.command_with(
        folder.path(),
        &["import", "-f", "-", "--format", "json", "--table", "test.c"],
        "[{\"id\": 1}, {\"id\": 2}]",
    );
    assert!(input.output.starts_with("Imported 2 documents into 1 table with 0 indexes"), "{}", input.errors);
}

#[test]
fn mistakes_name_the_line_and_the_rest_follows_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::start();
    let path = folder.path().join("a.csv");
    let rows: Vec<String> =
        (0..3000).map(|n| format!("{n},{}", if n == 2500 { "x".into() } else { n.to_string() })).collect();
    std::fs::write(&path, format!("id,n\n{}\n", rows.join("\n"))).expect("writes");
    let import = "import -f a.csv --table test.a --types id:number,n:number";
    failed(&fixture, folder.path(), import, 1, "a.csv: line 2502: `n`: `x` is no number");
    failed(
        &fixture,
        folder.path(),
        &format!("{import} --force"),
        1,
        "hint: what stands above it is imported;",
    );
    assert_eq!(query(&fixture, "r.db('test').table('a').count()"), "2500\n");
    std::fs::write(&path, format!("id,n\n{}\n", rows.join("\n").replace('x', "0"))).expect("writes");
    let said = did(&fixture, folder.path(), &format!("{import} --from-line 2502"));
    assert!(said.starts_with("Imported 500 documents"), "{said}");
    assert_eq!(query(&fixture, "r.db('test').table('a').count()"), "3000\n");

    std::fs::write(folder.path().join("a.ndjson"), "{\"id\": 1}\n{\"id\": 2\n").expect("writes");
    failed(
        &fixture,
        folder.path(),
        "import -f a.ndjson --table test.b",
        1,
        "a.ndjson: line 2 (row 2, byte 10)",
    );
    // What the server refuses is told by its line, too.
    std::fs::write(folder.path().join("b.ndjson"), "{\"id\": 3}\n\n{\"id\": null}\n{\"id\": 4}\n")
        .expect("writes");
    failed(
        &fixture,
        folder.path(),
        "import -f b.ndjson --table test.b --force",
        1,
        "b.ndjson: line 3: the document cannot",
    );
    std::fs::write(folder.path().join("c.ndjson"), "{\"id\": 3}\n{\"id\": 1, \"a\": 1}\n").expect("writes");
    let import = "import -f c.ndjson --table test.b --conflict";
    failed(
        &fixture,
        folder.path(),
        &format!("{import} error"),
        1,
        "c.ndjson: line 2: the document cannot be inserted: Duplicate primary key",
    );
    did(&fixture, folder.path(), &format!("{import} keep"));
    assert_eq!(query(&fixture, "r.db('test').table('b').get(1)"), "{\"id\":1}\n");
    did(&fixture, folder.path(), &format!("{import} update"));
    assert_eq!(query(&fixture, "r.db('test').table('b').get(1)"), "{\"a\":1,\"id\":1}\n");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::start();
    fixture.did("table create test.t");
    std::fs::write(folder.path().join("a.csv"), "id\n1\n").expect("writes");
    for (words, code, said) in [
        ("import", 2, "--directory"),
        ("import -f a.csv", 2, "--table"),
        ("import -f a --table test.x", 2, "--format is needed"),
        ("import -f a.csv --table test", 2, "is no DATABASE.TABLE"),
        ("import -f a.csv --table test.x --types id:int", 2, "types are string, number"),
        ("import -f a.csv --table test.x --types n:number", 2, "has no column `n`, but id"),
        ("import -f a.csv --table test.x --max-document-size 5", 2, "is for files in the format json"),
        ("import -f a.csv --table test.t", 1, "these tables exist already: test.t"),
        ("import -f a.csv --table test.t --pkey n --force", 1, "another primary key than `n`"),
        ("import -d .", 1, "has no DATABASE/TABLE.json"),
        ("import -d nowhere", 1, "cannot read nowhere"),
        ("export --fields id", 2, "--fields needs a single table"),
        ("export --delimiter ;", 2, "--delimiter is for --format csv"),
        ("export --format csv --delimiter ;;", 2, "should be one character"),
        ("export -e test.none", 1, "there is no table that `--export test.none` fits"),
    ] {
        failed(&fixture, folder.path(), words, code, said);
    }
    assert_eq!(fixture.did("table list test -o ndjson"), "\"t\"\n");
}

#[test]
fn a_directory_is_exported_and_filled_without_a_server() {
    let place = tempfile::tempdir().expect("a place");
    std::fs::write(place.path().join("a.ndjson"), "{\"id\":1}\n{\"id\":2}\n").expect("writes");
    for (words, said) in [
        ("create -d data", "Created data"),
        ("import --data-dir data -f a.ndjson --table test.a", "Imported 2 documents into 1 table"),
        ("export --data-dir data -d out --format ndjson", "Exported 1 table with 2 documents to out"),
    ] {
        let ran = ran(binary(place.path(), &words.split(' ').collect::<Vec<_>>()), "");
        assert!(ran.output.starts_with(said), "{words}: {}{}", ran.output, ran.errors);
    }
    let text = std::fs::read_to_string(place.path().join("out/test/a.ndjson")).expect("reads");
    assert_eq!(text, "{\"id\":1}\n{\"id\":2}\n");
}
