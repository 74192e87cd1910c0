//! Plans of queries in their wire form, against golden files.
//!
//! `PHOTONDB_BLESS=1 cargo test -p photondb-plan` writes the files anew.

use std::path::Path;
use std::sync::Arc;

use photondb_datum::json;
use photondb_plan::{explain, lower};
use photondb_reql::{decode_term, print_term};

/// A query in its wire form and the plan that it must have.
fn check(name: &str, query: &str) {
    let ast = decode_term(query.as_bytes()).unwrap_or_else(|error| panic!("{name}: {}", error.message));
    let text = print_term(&ast, ast.root());
    let plan = lower(Arc::new(ast)).unwrap_or_else(|error| panic!("{name}: {}", error.message));
    let mut found = format!("{text}\n\n{}\n", explain(&plan, &|_| None).print());
    found = found.replace('\t', "  ");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("PHOTONDB_BLESS").is_some() {
        std::fs::write(&path, &found).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "the plan of {name} has changed");
}

/// A query that must be refused, with what it is told.
fn refused(query: &str, message: &str) {
    let ast = match decode_term(query.as_bytes()) {
        Ok(ast) => ast,
        Err(error) => return assert_eq!(error.message, message),
    };
    match lower(Arc::new(ast)) {
        Ok(plan) => {
            panic!("{query} became {}", json::to_string(&explain(&plan, &|_| None)).unwrap_or_default())
        }
        Err(error) => assert_eq!(error.message, message),
    }
}

#[test]
fn constants_stay_whole() {
    check("constant", r#"[2,[1,{"a":[2,[true,null]]}]]"#);
}

#[test]
fn variables_become_parameters() {
    check("filter", r#"[39,[[15,["t"]],[69,[[2,[1]],[21,[[170,[[10,[1]],"a"]],5]]]]]]"#);
}

#[test]
fn inner_functions_capture_what_they_name() {
    check(
        "capture",
        r#"[38,[[15,["t"]],[69,[[2,[1]],[38,[[15,["u"]],[69,[[2,[2]],[69,[[2,[3]],[24,[[10,[1]],[10,[2]],[10,[1]]]]]]]]]]]]]]"#,
    );
}

#[test]
fn the_implicit_variable_is_the_innermost_lone_parameter() {
    check("implicit", r#"[38,[[15,["t"]],[69,[[2,[1]],[170,[[13,[]],"a"]]]]]]"#);
}

#[test]
fn grouped_data_is_seen_coming() {
    check("grouped", r#"[26,[[43,[[144,[[15,["t"]],"a"]]]],2]]"#);
}

#[test]
fn scopes_are_checked() {
    refused(r"[10,[7]]", "Variable name not found.");
    refused(r"[13,[]]", "r.row is not defined in this context.");
    refused(
        r#"[38,[[15,["t"]],[69,[[2,[1]],[38,[[15,["u"]],[69,[[2,[2]],[13,[]]]]]]]]]]"#,
        "Cannot use r.row in nested queries.  Use functions instead.",
    );
}

#[test]
fn what_decoding_refuses_never_becomes_a_plan() {
    refused(r#"[39,[[2,[1]]]]"#, "Expected 2 arguments but found 1.");
    refused(r#"[15,["t"],{"foo":1}]"#, "Unrecognized optional argument `foo`.");
    refused(
        r#"[38,[[15,["t"]],[69,[[2,[1]],[56,[[15,["t"]],{"a":1}]]]]]]"#,
        "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.",
    );
}

/// What each stage of a query does, the innermost first.
fn stages(query: &str) -> Vec<String> {
    let ast = decode_term(query.as_bytes()).unwrap_or_else(|error| panic!("{query}: {}", error.message));
    let plan = lower(Arc::new(ast)).unwrap_or_else(|error| panic!("{query}: {}", error.message));
    let stages = explain(&plan, &|_| None).get("stages").expect("stages");
    let stages = stages.as_array().expect("an array").to_vec();
    stages
        .iter()
        .map(|stage| stage.get("does").and_then(|does| Some(does.as_str()?.to_owned())).expect("words"))
        .collect()
}

#[test]
fn stages_say_where_they_run() {
    const TABLE: &str = r#"[15,["t"]]"#;
    let lone = r#"[69,[[2,[1]],[21,[[170,[[10,[1]],"a"]],5]]]]"#;
    let all = "reads every row, in the order of the primary key";
    let per_row = "runs on each row beside the documents";
    let reduced = "reduces the rows to one value beside the documents, many rows in parts side by side";
    let counted = "counts from the counted tree, reading no row";
    let cases: [(String, &[&str]); 11] = [
        (format!("[43,[{TABLE}]]"), &["names the table", counted]),
        (format!("[43,[{TABLE},{lone}]]"), &[all, reduced]),
        (format!("[43,[[39,[{TABLE},{lone}]]]]"), &[all, per_row, reduced]),
        (
            format!(r#"[43,[[182,[{TABLE},1,2],{{"index":"a"}}]]]"#),
            &["names the table", "names a range of the index `a`", counted],
        ),
        (
            format!(r#"[39,[[182,[{TABLE},1,2],{{"index":"a"}}],{lone}]]"#),
            &["names the table", "reads a range of the index `a`", per_row],
        ),
        // Behind a sort or a limit the rows are no longer beside the documents.
        (
            format!(r#"[39,[[71,[[41,[{TABLE},"a"]],5]],{lone}]]"#),
            &[
                all,
                "keeps the first rows in a heap of the limit's size",
                "the first elements of a sequence",
                "the elements for which a predicate holds",
            ],
        ),
        (format!("[39,[[2,[1,[2,[]]]],{lone}]]"), &["the elements for which a predicate holds"]),
        (
            format!(r#"[33,[[16,[{TABLE},1]],"a"]]"#),
            &["names the table", "reads one row by the primary key", "objects reduced to the given fields"],
        ),
        (
            format!(r#"[147,[{TABLE}],{{"index":"a"}}]"#),
            &["names the table", "reads one row at an end of the index `a`"],
        ),
        (format!("[148,[{TABLE}]]"), &["names the table", "reads one row at an end of the primary key"]),
        (format!("[152,[{TABLE}]]"), &["names the table", "a feed of changes"]),
    ];
    for (query, expected) in cases {
        assert_eq!(stages(&query), expected, "{query}");
    }
}
