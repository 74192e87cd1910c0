//! Values: JSON, packed documents, keys.

use std::hint::black_box;

use photondb_datum::json::{self, ParseLimits};
use photondb_datum::{Datum, key};
use photondb_workload::Documents;

use crate::KeyPath;

pub(crate) const PATHS: &[KeyPath] = &[
    KeyPath {
        name: "json/read",
        prepare: || {
            let text = Documents::new(1).large(1);
            Box::new(move || drop(black_box(json::parse(text.as_bytes(), ParseLimits::default()))))
        },
    },
    KeyPath {
        name: "json/write",
        prepare: || {
            let document = document(1);
            let mut out = Vec::with_capacity(2048);
            Box::new(move || {
                out.clear();
                json::write(&document, &mut out).expect("a document is JSON");
                black_box(&out);
            })
        },
    },
    KeyPath {
        name: "packed/fields",
        prepare: || {
            let document = document(1);
            Box::new(move || {
                for field in ["score", "tag", "field9", "absent"] {
                    black_box(document.view().get(field));
                }
            })
        },
    },
    KeyPath {
        name: "packed/compare",
        prepare: || {
            let (left, right) = (document(1), document(1));
            Box::new(move || _ = black_box(left.cmp(&right)))
        },
    },
    KeyPath {
        name: "key/encode",
        prepare: || {
            let value = compound();
            Box::new(move || drop(black_box(key::encode_secondary(&value))))
        },
    },
    KeyPath {
        name: "key/decode",
        prepare: || {
            let encoded = key::encode_primary(&compound()).expect("a short key");
            Box::new(move || drop(black_box(key::decode(&encoded))))
        },
    },
];

fn document(number: u64) -> Datum {
    let text = Documents::new(number).large(number);
    json::parse(text.as_bytes(), ParseLimits::default()).expect("a document")
}

fn compound() -> Datum {
    Datum::array([Datum::string("user000000001"), Datum::Number(12.5), Datum::Bool(true)])
}
