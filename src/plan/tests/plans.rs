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
    let mut found = format!("{text}\n\n{}\n", explain(&plan).print());
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
        Ok(plan) => panic!("{query} became {}", json::to_string(&explain(&plan)).unwrap_or_default()),
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
