//! Documents come out of JSON text as they went in, however the text arrives.

use std::io::{self, Read};

use photondb_archive::{ArchiveError, Documents};
use photondb_datum::{Datum, json};
use proptest::prelude::*;

/// Gives a few bytes at a time.
struct Slow<'a> {
    text: &'a [u8],
    step: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(out.len()).min(self.text.len());
        let (now, later) = self.text.split_at(length);
        out[..length].copy_from_slice(now);
        self.text = later;
        Ok(length)
    }
}

fn read(text: &str, step: usize) -> Result<Vec<Datum>, ArchiveError> {
    Documents::new("rows", Slow { text: text.as_bytes(), step }).collect()
}

fn message(text: &str) -> String {
    read(text, 3).expect_err(text).to_string()
}

fn document() -> impl Strategy<Value = Datum> {
    let value = prop_oneof![
        any::<bool>().prop_map(Datum::from),
        any::<i32>().prop_map(Datum::from),
        r#"[a{}\[\]",\\: \n]{0,8}"#.prop_map(Datum::string),
    ];
    let nested = value.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Datum::array),
            proptest::collection::btree_map("[a-c\"{]{0,3}", inner, 0..4).prop_map(Datum::object),
        ]
    });
    proptest::collection::btree_map("[a-c\"{]{0,3}", nested, 0..4).prop_map(Datum::object)
}

proptest! {
    #[test]
    fn documents_read_back(
        documents in proptest::collection::vec(document(), 0..6),
        as_array: bool,
        blank in "[ \n\t\r]{0,3}",
        step in 1_usize..40,
    ) {
        let texts: Vec<String> = documents.iter().map(|document| json::to_string(document).unwrap()).collect();
        let text = if as_array || documents.is_empty() {
            format!("{blank}[{blank}{}{blank}]{blank}", texts.join(&format!("{blank},{blank}")))
        } else {
            format!("{blank}{}{blank}", texts.join(&blank))
        };
        prop_assert_eq!(read(&text, step).unwrap(), documents);
    }

    #[test]
    fn a_text_that_is_cut_off_is_an_error(documents in proptest::collection::vec(document(), 1..4), cut: prop::sample::Index) {
        let texts: Vec<String> = documents.iter().map(|document| json::to_string(document).unwrap()).collect();
        let text = format!("[{}]", texts.join(","));
        let end = cut.index(text.len());
        if text.is_char_boundary(end) {
            prop_assert!(read(&text[..end], 7).is_err());
        }
    }
}

#[test]
fn errors_say_where() {
    assert_eq!(message(""), "rows: line 1 (row 1, byte 0): there is no text; no documents are written as []");
    assert_eq!(
        message("7"),
        "rows: line 1 (row 1, byte 0): expected an array of documents or a document, found `7`"
    );
    assert_eq!(
        message("[{}, 7]"),
        "rows: line 1 (row 2, byte 5): expected a document, which begins with {, found `7`"
    );
    assert_eq!(message("[{} {}]"), "rows: line 1 (row 2, byte 4): expected `,` or `]`, found `{`");
    assert_eq!(message("[{}"), "rows: line 1 (row 2, byte 3): the text ends before the array does");
    assert_eq!(
        message("[{}] x"),
        "rows: line 1 (row 2, byte 5): expected nothing behind the array, found `x`"
    );
    assert_eq!(message("{}\n{\"a\": 1"), "rows: line 2 (row 2, byte 3): the text ends within a document");
    let error = message("[{\"a\": 1},\n {\"a\": tru}]");
    assert!(error.starts_with("rows: line 2 (row 2, byte 18): "), "{error}");
    assert!(
        message("{\"a\":{\"$reql_type$\":\"BINARY\",\"data\":\"?\"}}")
            .starts_with("rows: line 1 (row 1, byte ")
    );
}

#[test]
fn a_document_beyond_the_limit_is_refused_before_it_is_read_whole() {
    let text = format!("[{{\"a\":\"{}", "x".repeat(100_000));
    let mut documents =
        Documents::new("rows", Slow { text: text.as_bytes(), step: 4096 }).with_document_bytes_max(1000);
    let error = documents.next_document().expect_err("too long").to_string();
    assert_eq!(error, "rows: line 1 (row 1, byte 1): the document is longer than 1000 bytes");
    let mut none = Documents::new("rows", " \n".as_bytes()).with_empty_allowed();
    assert_eq!(none.next_document().expect("nothing is fine"), None);
    let documents = read("\u{feff}[{\"id\":1}]", 2).expect("a byte order mark is no content");
    assert_eq!(documents.len(), 1);
}
