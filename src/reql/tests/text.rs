//! The text syntax: what it means, told by the wire form, and what its errors point at.

use std::collections::HashMap;

use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_reql::text::{TextQuery, methods};
use photondb_reql::{Query, decode_query, decode_term, encode, print_term};
use serde_json::Value;

mod support;

/// The message, and the part of the text that it points at.
fn refusal(text: &str) -> (String, &str) {
    let error = TextQuery::parse(text).expect_err(text);
    (error.message, &text[error.span.start..error.span.end])
}

#[test]
fn chains_become_terms() {
    let cases = [
        ("r.table('users')", r#"[15,["users"]]"#),
        ("r.db(\"d\").table(`t`).get(1);", r#"[16,[[15,[[14,["d"]],"t"]],1]]"#),
        (
            "r.table('users').filter(row => row('age').gt(21))",
            r#"[39,[[15,["users"]],[69,[[2,[1]],[21,[[170,[[10,[1]],"age"]],21]]]]]]"#,
        ),
        ("r.table('t').filter({age: 21})", r#"[39,[[15,["t"]],{"age":21}]]"#),
        (
            "r.table('t').filter({age: 21}, {default: true})",
            r#"[39,[[15,["t"]],{"age":21}],{"default":true}]"#,
        ),
        ("r.expr([1, 2,]).map((x) => x.add(1))", r#"[38,[[2,[1,2]],[69,[[2,[1]],[24,[[10,[1]],1]]]]]]"#),
        ("[1,2].reduce((a, b) => a.add(b))", r#"[37,[[2,[1,2]],[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]]]"#),
        (
            "r.table('t').map(function (x) { return x['a']; })",
            r#"[38,[[15,["t"]],[69,[[2,[1]],[170,[[10,[1]],"a"]]]]]]"#,
        ),
        (
            "r.table('t').map(x => ({a: x('b'), 'c d': 1}))",
            r#"[38,[[15,["t"]],[69,[[2,[1]],{"a":[170,[[10,[1]],"b"]],"c d":1}]]]]"#,
        ),
        ("r.do(1, 2, (a, b) => a)", "[64,[[69,[[2,[1,2]],[10,[1]]]],1,2]]"),
        ("r(5).do(x => x)", "[64,[[69,[[2,[1]],[10,[1]]]],5]]"),
        (
            "r.table('t').filter(r.row('a').eq(1))",
            r#"[39,[[15,["t"]],[69,[[2,[1]],[17,[[170,[[13,[]],"a"]],1]]]]]]"#,
        ),
        ("r.table('t').map(x => r.row('a'))", r#"[38,[[15,["t"]],[69,[[2,[1]],[170,[[13,[]],"a"]]]]]]"#),
        ("r.table('t').orderBy('b', {index: r.desc('a')})", r#"[41,[[15,["t"]],"b"],{"index":[74,["a"]]}]"#),
        ("r.table('t').get_all(1, {index: 'a'})", r#"[78,[[15,["t"]],1],{"index":"a"}]"#),
        (
            "r.table('t').insert({a: 1}, {returnChanges: 'always', conflict: 'update'})",
            r#"[56,[[15,["t"]],{"a":1}],{"return_changes":"always","conflict":"update"}]"#,
        ),
        ("r.table('t').between(r.minval, 5)", r#"[182,[[15,["t"]],[180,[]],5]]"#),
        ("r.monday", "[107,[]]"),
        ("r.expr({a: -1.5e3, b: [null, true], c: 0x1F})", r#"{"a":-1500,"b":[2,[null,true]],"c":31}"#),
        ("r.random(1, 5, {float: true})", r#"[151,[1,5],{"float":true}]"#),
        ("'a\\u00e9\\u{1F600}\\x41\\n$'", "\"aé😀A\\n$\""),
        ("1.add(2) // a sum\n /* and no more */", "[24,[1,2]]"),
    ];
    for (text, expected) in cases {
        let expected = decode_term(expected.as_bytes()).expect(expected);
        let found = TextQuery::parse(text).unwrap_or_else(|error| panic!("{}", error.render(text))).ast;
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    let cases = [
        ("", "Expected a term or a value but found the end of the query.", ""),
        ("r.table('t').flter(1)", "There is no term `flter`. Did you mean `filter`?", "flter"),
        ("r.table('t').filter(row => row.age.gt(1))", "A field is read by ('age'), not by .age.", "age"),
        (
            "r.table('t').filter(row => row('age') > 21)",
            "`>` cannot be used here: operators are methods, write .gt(..).",
            ">",
        ),
        ("r.expr(1) + 2", "Operators are methods here: write .add(..).", "+"),
        (
            "r.table('t').insert({}, {returnChange: true})",
            "`insert` has no option `returnChange`. Did you mean `returnChanges`? Its options are: conflict, \
             durability, returnVals, returnChanges, ignoreWriteHook.",
            "returnChange",
        ),
        ("r.table('t').count().run(conn)", "Leave `run` out: the query runs when it is sent.", "run"),
        ("table('t')", "Terms begin with r or a value: write r.table(..).", "table"),
        ("r.table(users)", "`users` is not known here. A string stands in quotes.", "users"),
        ("r.expr({a: 1, a: 2})", "The field `a` is there twice.", "a"),
        ("r.table('t", "This string does not end: ' is missing.", "'t"),
        ("r.table('t').get()", "Expected 2 arguments but found 1.", "get()"),
        ("r.table('t').map(x => x(r.row))('a') r", "Expected the end of the query but found `r`.", "r"),
        (
            "r.row('a')",
            "`r.row` has to stand in an argument of a term that takes a function, such as filter \
                       or update; inside other functions, name a parameter.",
            "row",
        ),
        (
            "r.table('t').map(x => {a: x})",
            "Braces after the parameters of a function need a `return` in them; \
                       an object as the result stands in parentheses: row => ({..}).",
            "{a",
        ),
        ("r.expr(1e999)", "`1e999` is not a number.", "1e999"),
        (
            "r.table('t').filter(/x/)",
            "ReQL has no regular expression literals; write match('...') with a string. \
                           Division is the method div.",
            "/",
        ),
        (
            "r.table('t').forEach(x => r.table('u').insert(x)).map(x => r.table('u').insert(x))",
            "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.",
            "insert(x)",
        ),
    ];
    for (text, message, part) in cases {
        assert_eq!(refusal(text), (message.to_owned(), part), "{text}");
    }
}

#[test]
fn errors_found_later_point_into_the_text() {
    let text = "r.table('users').filter(row => row('age').add('x').gt(21))";
    let query = TextQuery::parse(text).expect("a query");
    let frames = [
        photondb_reql::Frame::Position(1),
        photondb_reql::Frame::Position(1),
        photondb_reql::Frame::Position(0),
    ];
    let span = query.span(&frames);
    assert_eq!(&text[span.start..span.end], "add('x')");
}

#[test]
fn nesting_is_bounded() {
    let threads = std::thread::Builder::new().stack_size(THREAD_STACK_BYTES);
    let nested = || {
        for text in [
            "[".repeat(100_000),
            "(".repeat(100_000),
            "r.expr(".repeat(100_000),
            "{a:".repeat(100_000),
            "x => ".repeat(100_000),
            format!("r.expr(1){}", ".add(1)".repeat(100_000)),
            format!("r.expr(1){}", "(1)".repeat(100_000)),
        ] {
            let error = TextQuery::parse(&text).expect_err("too deep");
            assert_eq!(error.message, "The query is nested more than 500 deep.");
        }
        let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
        assert!(TextQuery::parse(&deep).is_ok());
    };
    threads.spawn(nested).expect("a thread").join().expect("no panic");
}

/// What the printer writes is read back as the same query.
#[test]
fn printed_queries_are_read_back() {
    let mut count = 0;
    for line in support::vectors() {
        let Some(query) = line.get("query") else { continue };
        let Ok(Query::Start(query)) = decode_query(query.to_string().as_bytes()) else { continue };
        let printed = print_term(&query.ast, query.ast.root());
        let original = renumbered(&encode(&query.ast, query.ast.root()));
        // The printer shortens what is deep, and has another term for some objects.
        let other = ["...", "r.object("].iter().any(|mark| printed.contains(mark));
        if other || !is_printed_whole(&original) {
            continue;
        }
        let read = TextQuery::parse(&printed).unwrap_or_else(|error| panic!("{}", error.render(&printed)));
        let found = renumbered(&encode(&read.ast, read.ast.root()));
        assert_eq!(found, original, "{printed}");
        count += 1;
    }
    assert!(count > 900, "{count} queries");
}

#[test]
fn every_method_has_a_name_of_its_own() {
    let mut names: Vec<&str> = methods().map(|info| info.method).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(text in "[-r.()\\[\\]{}'\"`\\\\,:;=>a-e0-9$ \n/*é😀]{0,60}") {
        if let Err(error) = TextQuery::parse(&text) {
            proptest::prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
            proptest::prop_assert!(!error.render(&text).is_empty());
        }
    }
}

/// A term in its wire form, with the variables numbered in the order of their functions.
fn renumbered(wire: &[u8]) -> Value {
    let mut value = serde_json::from_slice(wire).expect("JSON");
    renumber(&mut value, &mut HashMap::new());
    value
}

fn renumber(value: &mut Value, names: &mut HashMap<String, usize>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| renumber(field, names)),
        Value::Array(items) => {
            let term = items.first().and_then(Value::as_u64);
            if let (Some(69), Some(parameters)) = (term, items.get(1).and_then(|args| args.pointer("/0/1"))) {
                for parameter in parameters.as_array().into_iter().flatten() {
                    let number = names.len() + 1;
                    names.insert(parameter.to_string(), number);
                }
                let parameters = items.get_mut(1).and_then(|args| args.pointer_mut("/0/1"));
                rename(parameters.expect("found before"), names);
            }
            if let (Some(10), Some(variable)) = (term, items.get_mut(1)) {
                rename(variable, names);
                return;
            }
            items.iter_mut().for_each(|item| renumber(item, names));
        }
        _ => {}
    }
}

fn rename(variables: &mut Value, names: &HashMap<String, usize>) {
    for variable in variables.as_array_mut().into_iter().flatten() {
        if let Some(number) = names.get(&variable.to_string()) {
            *variable = Value::from(*number);
        }
    }
}

/// Whether the printed form of a term says all of it: numbers keep their digits, strings need
/// no escapes, and there is nothing that text cannot say.
fn is_printed_whole(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        Value::String(text) => {
            !text.chars().any(|character| character == '"' || character == '\\' || character.is_control())
        }
        Value::Array(items) => {
            let between_deprecated = items.first() == Some(&Value::from(36)) && items.len() > 1;
            !between_deprecated && items.iter().all(is_printed_whole)
        }
        Value::Object(fields) => fields.iter().all(|(name, field)| {
            !name.starts_with(['_', '$']) && !name.contains('"') && is_printed_whole(field)
        }),
        _ => true,
    }
}
