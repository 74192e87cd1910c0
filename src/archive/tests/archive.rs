//! Archives read back as they were written, and damaged ones are errors.

use std::io::{self, Cursor};

use photondb_archive::{Archive, ArchiveError, ArchiveWriter, TableDescription, TableSpool};
use photondb_datum::Datum;
use photondb_datum::json::{self, ParseLimits};

const INDEXES: &str = r#"[{"index":"age","multi":false,"geo":false,"ready":true,"outdated":false,
    "function":{"$reql_type$":"BINARY","data":"AAEC"}}]"#;

fn datum(text: &str) -> Datum {
    json::parse(text.as_bytes(), ParseLimits::default()).expect(text)
}

fn description(database: &str, table: &str) -> TableDescription {
    let info = datum(&format!(
        r#"{{"id":"1","name":"{table}","type":"TABLE","primary_key":"key","doc_count_estimates":[2,1],
            "db":{{"id":"2","name":"{database}","type":"DB"}}}}"#
    ));
    let hook = datum(r#"{"function":{"$reql_type$":"BINARY","data":"AAEC"},"query":"x"}"#);
    TableDescription::new(&info, datum(INDEXES), hook).expect("a description")
}

fn document(number: usize) -> Datum {
    datum(&format!(
        r#"{{"key":{number},"when":{{"$reql_type$":"TIME","epoch_time":1.5,"timezone":"+00:00"}},"text":"ü\n"}}"#
    ))
}

fn written(tables: &[(&str, usize)]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), "dump_2020-01-01T00:00:00", 1_577_836_800);
    for (table, documents) in tables {
        let mut spool = TableSpool::new(&std::env::temp_dir()).expect("a spool");
        for number in 0..*documents {
            spool.push(&document(number)).expect("room");
        }
        writer.add(&description("test", table), spool).expect("a table");
    }
    writer.finish().expect("an archive")
}

fn open(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
    Archive::read("dump".to_owned(), move || Ok(Box::new(Cursor::new(bytes.clone()))))
}

fn all(archive: &Archive) -> Result<Vec<(String, Vec<Datum>)>, ArchiveError> {
    let mut found = Vec::new();
    archive.each(|table, documents| {
        found.push((table.table.clone(), documents.collect::<Result<Vec<_>, _>>()?));
        Ok::<_, ArchiveError>(())
    })?;
    Ok(found)
}

#[test]
fn an_archive_reads_back() {
    let archive = open(written(&[("users", 1000), ("empty", 0)])).expect("an archive");
    let names: Vec<&str> = archive.tables().iter().map(|table| table.table.as_str()).collect();
    assert_eq!(names, ["empty", "users"]);
    let table = archive.tables()[1].description.as_ref().expect("a description");
    assert_eq!(table, &description("test", "users"));
    assert_eq!((table.primary_key.as_str(), table.documents_estimate()), ("key", Some(3)));
    assert_eq!(table.indexes[0].name, "age");
    assert!(table.write_hook.is_some());
    let users: Vec<Datum> = (0..1000).map(document).collect();
    assert_eq!(all(&archive).unwrap(), [("users".to_owned(), users), ("empty".to_owned(), vec![])]);
}

#[test]
fn what_is_not_read_of_a_table_is_skipped() {
    let archive = open(written(&[("a", 5000), ("b", 1)])).expect("an archive");
    let mut seen = Vec::new();
    let visit = archive.each(|table, mut documents| {
        documents.next_document()?;
        seen.push(table.table.clone());
        Ok::<_, ArchiveError>(())
    });
    visit.expect("both are there");
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn damaged_archives_are_errors() {
    let bytes = written(&[("users", 500)]);
    for end in [0, 1, 10, bytes.len() / 2, bytes.len() - 20] {
        let cut = bytes[..end].to_vec();
        assert!(open(cut).and_then(|archive| all(&archive)).is_err(), "cut at {end}");
    }
    let plain = {
        let mut plain = Vec::new();
        io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut plain).unwrap();
        plain
    };
    assert_eq!(open(plain).unwrap().tables().len(), 1, "compression is not asked for");
    assert!(matches!(open(written(&[])), Err(ArchiveError::NoTables)));
}
