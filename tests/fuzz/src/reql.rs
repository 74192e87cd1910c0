//! Queries and stored functions, from decoding to the plan.

use std::sync::Arc;

use photondb_plan::{explain, lower, lower_expression, lower_function};
use photondb_reql::index_function::{IndexFunction, decode_write_hook, encode_write_hook};
use photondb_reql::{
    Ast, ErrorKind, Frame, Query, ReqlError, StartQuery, TermId, decode_query, decode_term, encode,
    encode_query, print_function, print_index_create, print_term, print_write_hook,
};
use serde_json::Value;

use crate::query_path::leads_inside;

pub(crate) fn check(bytes: &[u8]) {
    match decode_query(bytes) {
        Ok(Query::Start(query)) => start_query(&query),
        Ok(_) => {}
        Err(error) => error_lies_inside(bytes, &error),
    }
    if let Ok(ast) = decode_term(bytes) {
        let text = encode(&ast, ast.root());
        assert_eq!(decode_term(&text).as_ref(), Ok(&ast));
        plan(ast);
    }
    if let Ok(index) = IndexFunction::decode(bytes) {
        index_function(&index);
    }
    if let Ok(function) = decode_write_hook(bytes) {
        let blob = encode_write_hook(&function).expect("it was read from a blob");
        assert_eq!(decode_write_hook(&blob).as_ref(), Ok(&function));
        print_write_hook(&function, function.root());
        plan(function);
    }
}

fn start_query(query: &StartQuery) {
    let text = encode_query(&query.ast, query.ast.root(), &query.optargs);
    let Ok(Query::Start(again)) = decode_query(&text) else {
        panic!("{} is no query", String::from_utf8_lossy(&text));
    };
    assert_eq!(query.ast, again.ast);
    let names =
        |query: &StartQuery| -> Vec<_> { query.optargs.iter().map(|(name, _)| name.clone()).collect() };
    assert_eq!(names(query), names(&again));
    for ((_, value), (_, other)) in query.optargs.iter().zip(&again.optargs) {
        assert!(query.ast.same(*value, &again.ast, *other));
    }
    for size_max in [0, 1, 1000] {
        if let Err(error) = query.ast.check_array_sizes(size_max) {
            assert!(leads_to_node(&query.ast, &error.backtrace));
        }
    }
    let ast = Arc::new(query.ast.clone());
    for (_, value) in &query.optargs {
        if let Err(error) = lower_expression(&ast, *value) {
            assert_eq!(error.kind, ErrorKind::Compile);
        }
    }
    plan(query.ast.clone());
}

/// Whatever was decoded can be planned, or be refused at a place in it.
fn plan(ast: Ast) {
    let root = ast.root();
    assert_eq!(ast.extract(root), ast);
    print_term(&ast, root);
    ast.determinism(root);
    let closed = ast.free_variables(root).is_empty();
    let ast = Arc::new(ast);
    match lower(Arc::clone(&ast)) {
        Ok(plan) => {
            assert!(closed, "a plan cannot have free variables");
            explain(&plan, &|_| None);
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Compile, "{error}");
            assert!(leads_to_node(&ast, &error.backtrace), "{error}: {:?}", error.backtrace);
        }
    }
}

fn leads_to_node(ast: &Ast, steps: &[Frame]) -> bool {
    let mut at = ast.root();
    for step in steps {
        let part: Option<TermId> = match step {
            Frame::Position(position) => ast.args(at).get(*position as usize).copied(),
            Frame::Optarg(name) => ast.optarg(at, name),
        };
        let Some(part) = part else { return false };
        at = part;
    }
    true
}

fn error_lies_inside(text: &[u8], error: &ReqlError) {
    if error.kind == ErrorKind::Client {
        assert!(error.backtrace.is_empty(), "a driver's mistake has no place: {:?}", error.backtrace);
        return;
    }
    // Deeper queries, and texts that are cut off behind the error, are no values here.
    let Ok(Value::Array(query)) = serde_json::from_slice(text) else { return };
    let term = &query[1];
    let options = query.get(2).and_then(Value::as_object);
    let found = leads_inside(term, &error.backtrace)
        || options.is_some_and(|options| options.values().any(|value| leads_inside(value, &error.backtrace)));
    assert!(found, "{error}: {:?} leads out of the query", error.backtrace);
}

fn index_function(index: &IndexFunction) {
    let blob = index.encode().expect("it was read from a blob");
    assert_eq!(IndexFunction::decode(&blob).as_ref(), Ok(index));
    let root = index.function.root();
    assert!(print_index_create("index", index).contains(&print_function(&index.function, root)));
    if let Err(error) = lower_function(Arc::new(index.function.clone())) {
        assert_eq!(error.kind, ErrorKind::Compile, "{error}");
    }
}
