//! Queries in their wire form: what decoding accepts, what it says to the rest, and that
//! encoding is its inverse.

use photondb_datum::Datum;
use photondb_reql::{
    Ast, ErrorKind, Frame, Node, Query, ReqlError, StartQuery, TermType, Variable, decode_query, decode_term,
    encode, encode_query,
};
use proptest::prelude::*;

fn term(text: &str) -> Ast {
    decode_term(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn term_error(text: &str) -> ReqlError {
    decode_term(text.as_bytes()).expect_err(text)
}

fn start(text: &str) -> StartQuery {
    match decode_query(text.as_bytes()) {
        Ok(Query::Start(query)) => *query,
        other => panic!("{text}: {other:?}"),
    }
}

fn positions(frames: &[u32]) -> Vec<Frame> {
    frames.iter().map(|position| Frame::Position(*position)).collect()
}

#[test]
fn envelopes() {
    assert_eq!(decode_query(b"[2]"), Ok(Query::Continue));
    assert_eq!(decode_query(b" [3,{}] "), Ok(Query::Stop));
    // Some languages have no other numbers.
    assert_eq!(decode_query(b"[2.0]"), Ok(Query::Continue));
    assert_eq!(decode_query(b"[4]"), Ok(Query::NoreplyWait));
    assert_eq!(decode_query(b"[5]"), Ok(Query::ServerInfo));
    let query = start(r#"[1,[39,[[15,["t"]],{"a":1}]],{"db":[14,["x"]],"noreply":true,"profile":[1,true]}]"#);
    assert_eq!(query.ast.term_type(query.ast.root()), TermType::Filter);
    assert!(query.flag("noreply", false) && query.flag("profile", false) && query.flag("missing", true));
    assert!(!query.explain && start(r#"[100,[15,["t"]]]"#).explain);
    let db = query.optarg("db").expect("given");
    assert_eq!(query.ast.term_type(db), TermType::Db);
    assert!(query.ast.backtrace(db).is_empty());
}

#[test]
fn broken_envelopes() {
    let cases = [
        ("", "Client is buggy (failed to deserialize query)."),
        ("[1,", "Client is buggy (failed to deserialize query)."),
        ("[1,1]x", "Client is buggy (failed to deserialize query)."),
        ("[1,tru]", "Client is buggy (failed to deserialize query)."),
        ("{}", "Server could not parse query: Expected a query to be an array, but found OBJECT."),
        ("[]", "Server could not parse query: Expected 1 to 3 elements in the top-level query, but found 0."),
        (
            "[1,2,{},4]",
            "Server could not parse query: Expected 1 to 3 elements in the top-level query, but found 4.",
        ),
        ("[true]", "Server could not parse query: Expected a query type as a number, but found BOOL."),
        ("[9]", "Server could not parse query: Unrecognized QueryType: 9."),
        ("[0]", "Server could not parse query: Unrecognized QueryType: 0."),
        ("[-1,1]", "Server could not parse query: Unrecognized QueryType: -1."),
        ("[1.5,1]", "Server could not parse query: Unrecognized QueryType: 1.5."),
        ("[1e300,1]", "Server could not parse query: Unrecognized QueryType: 1e300."),
        ("[1-1,1]", "Client is buggy (failed to deserialize query)."),
        ("null", "Server could not parse query: Expected a query to be an array, but found NULL."),
        ("[null,1]", "Server could not parse query: Expected a query type as a number, but found NULL."),
        ("[[1],1]", "Server could not parse query: Expected a query type as a number, but found ARRAY."),
        ("[1]", "Server could not parse query: Expected a term in a START query."),
        ("[100]", "Server could not parse query: Expected a term in an EXPLAIN query."),
        ("[1,1,null]", "Server could not parse query: Expected global optargs as an object, but found NULL."),
        (
            "[2,{},{},4]",
            "Server could not parse query: Expected 1 to 3 elements in the top-level query, but found 4.",
        ),
        ("[1,2,3]", "Server could not parse query: Expected global optargs as an object, but found NUMBER."),
    ];
    for (text, message) in cases {
        let error = decode_query(text.as_bytes()).expect_err(text);
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Client, message), "{text}");
    }
    let error = decode_query(br#"[1,2,{"foo":1}]"#).expect_err("unknown option");
    assert_eq!(error, ReqlError::compile("Unrecognized global optional argument `foo`."));
}

#[test]
fn broken_terms() {
    let cases: [(&str, &str, Vec<Frame>); 14] = [
        ("[true,[]]", "Expected a TermType as a NUMBER but found BOOL.", vec![]),
        ("[24,[1,[[]]]]", "Expected a TermType as a NUMBER but found ARRAY.", positions(&[1])),
        ("[]", "Expected between 1 and 3 elements in a raw term, but found 0.", vec![]),
        ("[24,[1],{},4]", "Expected between 1 and 3 elements in a raw term, but found 4.", vec![]),
        ("[2,[1,[9999]]]", "Unrecognized TermType: 9999.", positions(&[1])),
        ("[24.5,[1,2]]", "Unrecognized TermType: 24.5.", vec![]),
        ("[2,[[-24,[1,2]]]]", "Unrecognized TermType: -24.", positions(&[0])),
        ("[24,7]", "Second element in a non-DATUM Term is neither arguments nor optional arguments.", vec![]),
        ("[24,[1],7]", "Third element in a non-DATUM Term is not optional arguments.", vec![]),
        ("[73,[\"a\"]]", "ASC may only be used as an argument to ORDER_BY.", vec![]),
        ("[94,[[94,[]],2]]", "Expected 1 argument but found 0.", positions(&[0])),
        (
            r#"[60,["x"],{"foo":"bar"}]"#,
            "Unrecognized optional argument `foo`.",
            vec![Frame::Optarg("foo".into())],
        ),
        (r#"{"a":1,"b":[94,[1,2]]}"#, "Expected 1 argument but found 2.", vec![Frame::Optarg("b".into())]),
        (
            r#"[38,[[2,[1,2]],[69,[[2,[25]],[56,[[15,["t"]],{"foo":[13,[]]}]]]]]]"#,
            "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.",
            positions(&[1, 1]),
        ),
    ];
    for (text, message, backtrace) in cases {
        assert_eq!(term_error(text), ReqlError::compile(message).at(backtrace), "{text}");
    }
    // Writes are fine where they run once.
    term(r#"[68,[[2,[1]],[69,[[2,[1]],[56,[[15,["t"]],{"a":[10,[1]]}]]]]]]"#);
}

#[test]
fn an_unknown_number_of_arguments_is_not_counted() {
    term("[94,[[154,[[2,[1,2]]]],3]]");
    term("[103,[[154,[[2,[1]]]]]]");
}

#[test]
fn literals_join() {
    let folded = [
        "1",
        "null",
        r#""text""#,
        "[2,[]]",
        "[2]",
        "{}",
        "[2,[1,[2,[2,{}]],[1,[3]]]]",
        r#"{"a":{"b":[2,["x",{"c":null}]]}}"#,
        "[1,[1,2,3]]",
    ];
    for text in folded {
        let ast = term(text);
        assert!(matches!(ast.node(ast.root()), Node::Constant(_)), "{text}");
        assert_eq!(ast.len(), 1, "{text}");
    }
    let ast = term(r#"{"a":{"b":[2,["x",{"c":null}]]}}"#);
    let inner = Datum::object([("c", Datum::Null)]);
    let list = Datum::array([Datum::string("x"), inner]);
    let expected = Datum::object([("a", Datum::object([("b", list)]))]);
    assert_eq!(ast.constant(ast.root()), Some(&expected));
}

#[test]
fn raw_terms_of_literals_are_literals() {
    let object = Datum::object([("a", Datum::Number(1.0))]);
    for (text, expected) in [
        ("[3]", Datum::object::<&str>([])),
        ("[3,[]]", Datum::object::<&str>([])),
        ("[3,[],{}]", Datum::object::<&str>([])),
        (r#"[3,{"a":1}]"#, object.clone()),
        (r#"[3,[],{"a":1}]"#, object.clone()),
        (r#"[2,[5,[3,[]],[3,[],{"a":1}]]]"#, Datum::array([5.into(), Datum::object::<&str>([]), object])),
        ("[2,{}]", Datum::array([])),
        ("[2,[1],{}]", Datum::array([1.into()])),
    ] {
        let ast = term(text);
        assert_eq!(ast.constant(ast.root()), Some(&expected), "{text}");
    }
    assert_eq!(term_error("[3,[5]]").message, "Expected 0 arguments but found 1.");
    assert!(term_error(r#"[2,[1,2],{"a":1}]"#).message.starts_with("Unrecognized optional argument"));
    assert!(term_error("[3,[],{},1]").message.ends_with("found 4."));
}

#[test]
fn a_term_among_literals_keeps_its_place() {
    let ast = term(r#"[2,[1,{"k":"v","a b":2,"t":[103],"z":[2,[7]]},3,[2,[4]],[103,[]]]]"#);
    let root = ast.root();
    assert_eq!(ast.term_type(root), TermType::MakeArray);
    assert_eq!(ast.args(root).len(), 5);
    assert_eq!(ast.constant(ast.args(root)[0]), Some(&Datum::Number(1.0)));
    assert_eq!(ast.constant(ast.args(root)[3]), Some(&Datum::array([Datum::Number(4.0)])));
    let object = ast.args(root)[1];
    assert_eq!(ast.term_type(object), TermType::MakeObj);
    let keys: Vec<&str> = ast.optargs(object).iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["k", "a b", "t", "z"]);
    assert_eq!(ast.constant(ast.optarg(object, "k").expect("k")), Some(&Datum::string("v")));
    assert_eq!(ast.constant(ast.optarg(object, "a b").expect("a b")), Some(&Datum::Number(2.0)));
    assert_eq!(ast.constant(ast.optarg(object, "z").expect("z")), Some(&Datum::array([Datum::Number(7.0)])));
    let now = ast.optarg(object, "t").expect("t");
    assert_eq!(ast.backtrace(now), [Frame::Position(1), Frame::Optarg("t".into())]);
}

#[test]
fn nesting_has_a_limit_and_no_stack_overflows() {
    for (open, close) in [("[2,[", "]]"), (r#"{"a":"#, "}"), ("[23,[", "]]"), (r#"[98,["1"],{"a":"#, "}]")] {
        let deep = |count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
        if !open.starts_with("[98") {
            assert!(decode_term(deep(490).as_bytes()).is_ok(), "{open}");
        }
        let error = decode_term(deep(100_000).as_bytes()).expect_err(open);
        assert_eq!(error.kind, ErrorKind::QueryLogic);
        assert_eq!(error.message, "Nesting depth limit (500) exceeded.");
        let unclosed = open.repeat(100_000);
        assert!(decode_term(unclosed.as_bytes()).is_err());
    }
    let raw = format!("[1,{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(decode_term(raw.as_bytes()).expect_err("deep").kind, ErrorKind::QueryLogic);
}

#[test]
fn long_literals_meet_the_limit_of_the_query() {
    for text in ["[2,[0,[2,[1,2,3]]]]", r#"[2,[[13],{"a":[2,[1,2,3]]}]]"#, "[1,[0,[1,2,3]]]"] {
        let ast = term(text);
        assert_eq!(ast.check_array_sizes(3), Ok(()), "{text}");
        let error = ast.check_array_sizes(2).expect_err(text);
        assert_eq!(error.kind, ErrorKind::ResourceLimit);
        assert!(error.message.starts_with("Array over size limit `2`."), "{error}");
    }
}

#[test]
fn values_that_cannot_be_are_the_query_s_fault() {
    let error = term_error(r#"[2,[[13],{"a":{"$reql_type$":"NOPE"}}]]"#);
    assert_eq!((error.kind, error.backtrace), (ErrorKind::QueryLogic, positions(&[1])));
    assert!(error.message.contains("NOPE"), "{}", error.message);
    assert_eq!(term_error("[2,[1e999]]").kind, ErrorKind::Client);
    let binary = term(r#"{"$reql_type$":"BINARY","data":"aGk="}"#);
    assert!(matches!(binary.constant(binary.root()), Some(Datum::Binary(bytes)) if &bytes[..] == b"hi"));
}

#[test]
fn bounds_within_values_are_written_as_terms() {
    let mut ast = Ast::new();
    let value = Datum::object([("a", Datum::array([Datum::MinVal, Datum::array([Datum::Null])]))]);
    let root = ast.add_constant(value);
    assert_eq!(encode(&ast, root), br#"{"a":[2,[[180],[1,[null]]]]}"#);
}

#[test]
fn determinism_is_that_of_the_parts() {
    let of = |text: &str| {
        let ast = term(text);
        ast.determinism(ast.root())
    };
    assert!(of("[24,[1,[10,[1]]]]").allows_index());
    assert!(of("[24,[1,[103]]]").allows_atomic_write() && !of("[24,[1,[103]]]").allows_index());
    assert!(of(r#"[169,["x"]]"#).allows_index());
    assert!(!of("[169]").allows_atomic_write() && !of("[169,[[154,[[2,[]]]]]]").allows_atomic_write());
    assert!(!of(r#"[30,[[2,[]],1],{"right_bound":[15,["t"]]}]"#).allows_folding());
}

#[test]
fn functions_and_their_variables() {
    let ast = term("[69,[[2,[1,2]],[24,[[10,[1]],[10,[3]],[69,[[2,[4]],[24,[[10,[4]],[10,[2]],[13]]]]]]]]]");
    let root = ast.root();
    assert_eq!(ast.parameters(root), Some(vec![Variable(1), Variable(2)]));
    let free = ast.free_variables(root);
    assert_eq!((free.variables.as_slice(), free.implicit), ([Variable(3)].as_slice(), false));
    let body = ast.args(root)[1];
    assert_eq!(ast.free_variables(body).variables, [Variable(1), Variable(2), Variable(3)]);
    assert!(term("[31,[[13],\"a\"]]").free_variables(term("[31,[[13],\"a\"]]").root()).implicit);
    let alone = ast.extract(body);
    assert_eq!(alone.backtrace(alone.args(alone.root())[1]), positions(&[1]));
    assert!(alone.same(alone.root(), &ast, body));
}

/// Wire forms of terms: literals, arrays, objects, and terms that take anything.
fn wire_term() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        (-1e9..1e9f64).prop_map(|value| value.to_string()),
        "[a-z$ \\\\\"\u{e9}]{0,8}".prop_map(|text| serde_json::Value::String(text).to_string()),
        Just("[13]".to_owned()),
        Just("[180]".to_owned()),
        Just("[181,[]]".to_owned()),
        Just("[1,[1,{\"a\":[]}]]".to_owned()),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        let fields = || prop::collection::btree_map("[a-d]{1,3}", inner.clone(), 0..4);
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| items.join(","));
        prop_oneof![
            list.clone().prop_map(|items| format!("[2,[{items}]]")),
            list.clone().prop_map(|items| format!("[66,[{items}]]")),
            (inner.clone(), list).prop_map(|(first, rest)| format!("[24,[{first}{}{rest}]]", comma(&rest))),
            fields().prop_map(|fields| object(&fields)),
            inner.clone().prop_map(|body| format!("[69,[[2,[1,2]],{body}]]")),
            (inner.clone(), inner.clone())
                .prop_map(|(array, right)| format!("[30,[{array},1],{{\"right_bound\":{right}}}]")),
        ]
    })
}

fn comma(rest: &str) -> &str {
    if rest.is_empty() { "" } else { "," }
}

fn object(fields: &std::collections::BTreeMap<String, String>) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn decoding_undoes_encoding(text in wire_term()) {
        let ast = term(&text);
        let encoded = encode(&ast, ast.root());
        let again = decode_term(&encoded).expect("encoded");
        prop_assert_eq!(&again, &ast, "{} became {}", text, String::from_utf8_lossy(&encoded));
        let query = start(&String::from_utf8(encode_query(&ast, ast.root(), &[])).expect("text"));
        prop_assert_eq!(query.ast, ast);
    }

    #[test]
    fn hostile_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode_term(&bytes).is_ok() || decode_query(&bytes).is_err());
    }

    #[test]
    fn hostile_json_is_answered(text in "[\\[\\]{}\",:0-9a-z \\\\.-]{0,80}") {
        let outcome = decode_query(text.as_bytes());
        prop_assert!(outcome.is_err() || text.trim_start().starts_with('['));
    }

    #[test]
    fn damaged_queries_are_answered(text in wire_term(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = format!("[1,{text},{{}}]").into_bytes();
        let position = at.index(bytes.len());
        bytes[position] = byte;
        if let Ok(Query::Start(query)) = decode_query(&bytes) {
            prop_assert!(!query.ast.is_empty());
        }
    }
}
