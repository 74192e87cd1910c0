//! The language: queries from bytes to plans, answers to bytes.

use std::hint::black_box;
use std::sync::Arc;

use photondb_datum::json::{self, ParseLimits};
use photondb_plan::lower;
use photondb_reql::text::TextQuery;
use photondb_reql::{Query, decode_query};
use photondb_wire::{Token, write_atom};
use photondb_workload::Documents;

use crate::KeyPath;

const READ: &str = r#"[1,[16,[[15,[[14,["bench"]],"docs"]],"user000000001"]],{}]"#;
const FILTER: &str =
    r#"[1,[43,[[39,[[15,[[14,["bench"]],"docs"]],[69,[[2,[1]],[21,[[31,[[10,[1]],"k"]],5]]]]]]]],{}]"#;
const TEXT: &str = "r.db('bench').table('docs').filter(row => row('k').gt(5)).count()";

pub(crate) const PATHS: &[KeyPath] = &[
    KeyPath {
        name: "query/decode_read",
        prepare: || Box::new(|| drop(black_box(decode_query(READ.as_bytes())))),
    },
    KeyPath {
        name: "query/decode_insert",
        prepare: || {
            let document = Documents::new(1).large(1);
            let text = format!(r#"[1,[56,[[15,[[14,["bench"]],"docs"]],{document}]],{{}}]"#);
            Box::new(move || drop(black_box(decode_query(text.as_bytes()))))
        },
    },
    KeyPath { name: "query/read_text", prepare: || Box::new(|| drop(black_box(TextQuery::parse(TEXT)))) },
    KeyPath {
        name: "query/plan",
        prepare: || {
            let Ok(Query::Start(query)) = decode_query(FILTER.as_bytes()) else { unreachable!("a query") };
            let ast = Arc::new(query.ast);
            Box::new(move || drop(black_box(lower(Arc::clone(&ast)))))
        },
    },
    KeyPath {
        name: "answer/document",
        prepare: || {
            let text = Documents::new(1).large(1);
            let document = json::parse(text.as_bytes(), ParseLimits::default()).expect("a document");
            let mut out = Vec::with_capacity(2048);
            Box::new(move || {
                out.clear();
                write_atom(Token(1), &document, None, &mut out);
                black_box(&out);
            })
        },
    },
];
