//! Compiled functions say what the evaluator says, or nothing.

use std::sync::Arc;

use photondb_base::ManualClock;
use photondb_datum::json::{self, ParseLimits};
use photondb_datum::packed::{self, Writer};
use photondb_datum::{Datum, DatumRef};
use photondb_plan::{FunctionTemplate, lower_function};
use photondb_reql::decode_term;
use proptest::prelude::*;

use super::{RowExpression, Untold, compile};
use crate::environment::Environment;
use crate::evaluate::{self, Frame};

fn environment() -> Arc<Environment> {
    Arc::new(Environment::detached(Arc::new(ManualClock::default())))
}

/// A function of the rows `1` and `2`, by the wire form of its body.
fn function(body: &str) -> Arc<FunctionTemplate> {
    let term = format!("[69,[[2,[1,2]],{body}]]");
    let ast = decode_term(term.as_bytes()).unwrap_or_else(|error| panic!("{body}: {}", error.message));
    lower_function(Arc::new(ast)).unwrap()
}

fn parse(text: &str) -> Datum {
    json::parse(text.as_bytes(), ParseLimits::default()).unwrap()
}

/// What a compiled function says.
fn told(expression: &RowExpression, rows: &[DatumRef<'_>]) -> Result<Datum, Untold> {
    if !expression.builds() {
        return expression.answer(rows).map(DatumRef::to_datum);
    }
    let mut out = Writer::new();
    expression.write(rows, &mut out)?;
    Ok(out.take_datum().unwrap())
}

/// Compares what is said about rows; whether anything is.
fn agree(env: &Arc<Environment>, body: &str, template: &FunctionTemplate, rows: &[Datum]) -> bool {
    let Some(expression) = compile(env, template, &[]) else { return false };
    let frame = Frame { captures: &[], parameters: rows };
    let evaluated = evaluate::datum(env, &template.body, frame);
    let views: Vec<_> = rows.iter().map(Datum::view).collect();
    match (told(&expression, &views), evaluated) {
        (Err(Untold::Unsure), _) => return false,
        (Err(Untold::Absent), Err(error)) => assert!(error.is_absent(), "{body} of {rows:?}: {error}"),
        (Ok(told), Ok(evaluated)) => {
            // Equal to the letter, the sign of a zero included.
            let text = |datum: &Datum| datum.print();
            assert_eq!(text(&told), text(&evaluated), "{body} of {rows:?}");
        }
        (told, evaluated) => panic!("{body} of {rows:?}: {told:?}, evaluated to {evaluated:?}"),
    }
    true
}

fn constant() -> impl Strategy<Value = String> {
    prop_oneof![
        (-3i32..8).prop_map(|number| number.to_string()),
        Just("0.5".to_owned()),
        Just("1e308".to_owned()),
        Just("9007199254740993".to_owned()),
        prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(str::to_owned),
        "[a-c]".prop_map(|text| format!("\"{text}\"")),
        Just("[2,[1,2,\"a\"]]".to_owned()),
        Just("{\"a\":1}".to_owned()),
        Just("[99,[\"2020-01-01T00:00:00Z\"]]".to_owned()),
        // Folded, or an error that is not to be raised too early.
        Just("[24,[1,2]]".to_owned()),
        Just("[12,[\"no\"]]".to_owned()),
    ]
}

/// Bodies of functions, in terms that are compiled and some that are not.
fn body() -> impl Strategy<Value = String> {
    let row = prop_oneof![4 => Just("[10,[1]]".to_owned()), 1 => Just("[10,[2]]".to_owned())];
    let field = ("[abcx]", prop_oneof![Just(31), Just(170)])
        .prop_map(|(name, term)| format!("[{term},[[10,[1]],\"{name}\"]]"));
    let leaf = prop_oneof![2 => row, 6 => field, 3 => constant()];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let binary = prop_oneof![4 => 17..23, 4 => 24..29, 2 => 66..68, 2 => Just(92), 1 => Just(93)];
        prop_oneof![
            6 => (binary, two.clone()).prop_map(|(term, (a, b))| format!("[{term},[{a},{b}]]")),
            1 => (prop_oneof![17..23, 24..28], two.clone(), inner.clone())
                .prop_map(|(term, (a, b), c)| format!("[{term},[{a},{b},{c}]]")),
            1 => (prop_oneof![Just(23), 183..186, Just(52)], inner.clone())
                .prop_map(|(term, a)| format!("[{term},[{a}]]")),
            2 => (inner.clone(), "[abcx]").prop_map(|(a, name)| format!("[170,[{a},\"{name}\"]]")),
            1 => (inner.clone(), -3..3).prop_map(|(a, at)| format!("[170,[{a},{at}]]")),
            1 => (inner.clone(), -3..3).prop_map(|(a, at)| format!("[45,[{a},{at}]]")),
            1 => (two.clone(), inner.clone()).prop_map(|((a, b), c)| format!("[65,[{a},{b},{c}]]")),
            1 => (inner.clone(), "[abcx]").prop_map(|(a, name)| format!("[32,[{a},\"{name}\"]]")),
            1 => (inner.clone(), "[abcx]")
                .prop_map(|(a, name)| format!("[32,[{a},{{\"{name}\":\"a\"}},\"a\"]]")),
            1 => two.clone().prop_map(|(a, b)| format!("{{\"x\":{a},\"b\":{b}}}")),
            1 => two.clone().prop_map(|(a, b)| format!("[2,[{a},{b}]]")),
            1 => (33..35, inner.clone(), "[abcx]", "[abcx]")
                .prop_map(|(term, a, first, second)| format!("[{term},[{a},\"{first}\",\"{second}\"]]")),
            1 => (33..35, inner.clone(), "[abcx]", "[abcx]")
                .prop_map(|(term, a, first, second)| format!("[{term},[{a},{{\"{first}\":\"{second}\"}}]]")),
            1 => two.prop_map(|(a, b)| format!("[35,[{a},{{\"b\":{b},\"y\":1}}]]")),
        ]
    })
}

/// Documents whose fields are of any kind, or not there.
fn document() -> impl Strategy<Value = Datum> {
    let scalar = prop_oneof![
        4 => (-3i32..8).prop_map(|number| number.to_string()),
        1 => Just("0.5".to_owned()),
        1 => Just("-0.0".to_owned()),
        1 => Just("1e308".to_owned()),
        1 => Just("null".to_owned()),
        1 => any::<bool>().prop_map(|value| value.to_string()),
        2 => "[a-c]{0,2}".prop_map(|text| format!("\"{text}\"")),
        1 => Just(r#"{"$reql_type$":"TIME","epoch_time":1577836800,"timezone":"+01:00"}"#.to_owned()),
        1 => Just(r#"{"$reql_type$":"BINARY","data":"AAE="}"#.to_owned()),
    ];
    let value = scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[a-c]", inner, 0..3).prop_map(|fields| object(&fields)),
        ]
    });
    proptest::collection::btree_map("[a-d]", value, 0..5).prop_map(|fields| parse(&object(&fields)))
}

fn object(fields: &std::collections::BTreeMap<String, String>) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// The same value not packed.
fn unpacked(datum: &Datum) -> Datum {
    match datum {
        Datum::Object(object) => {
            Datum::Object(object.iter().map(|(name, value)| (name, unpacked(&value))).collect())
        }
        Datum::Array(items) => Datum::Array(items.iter().map(|item| unpacked(&item)).collect()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn compiled_functions_agree_with_the_evaluator(
        body in body(),
        documents in proptest::collection::vec(document(), 2..8),
    ) {
        let (env, template) = (environment(), function(&body));
        for pair in documents.windows(2) {
            let packed: Vec<_> =
                pair.iter().map(|row| packed::decode(packed::encode(row)).unwrap()).collect();
            agree(&env, &body, &template, &packed);
            let trees: Vec<_> = packed.iter().map(unpacked).collect();
            agree(&env, &body, &template, &trees);
        }
    }
}

#[test]
fn common_functions_are_compiled() {
    let row = parse(r#"{"id":1,"a":{"b":5},"c":[1,"x"],"d":"text","n":null}"#);
    let bodies = [
        r#"[21,[[170,[[170,[[10,[1]],"a"]],"b"]],3]]"#,
        r#"[67,[[19,[[31,[[10,[1]],"id"]],5]],[17,[[31,[[10,[1]],"d"]],"text"]]]]"#,
        r#"[66,[[17,[[170,[[10,[1]],"id"]],7]],[93,[[170,[[10,[1]],"c"]],"x"]]]]"#,
        r#"[24,[[170,[[10,[1]],"id"]],[92,[[170,[[10,[1]],"absent"]],10]]]]"#,
        r#"[17,[[28,[[170,[[10,[1]],"id"]],2]],1]]"#,
        r#"[21,[[99,["2020-01-01T00:00:00Z"]],[170,[[10,[1]],"d"]]]]"#,
        r#"{"a":[170,[[10,[1]],"a"]],"n":[24,[[170,[[10,[1]],"id"]],1]]}"#,
        r#"[33,[[10,[1]],"id","d"]]"#,
        r#"[34,[[10,[1]],"id","d"]]"#,
        r#"[35,[[10,[1]],{"n":[170,[[10,[1]],"id"]]}]]"#,
        r#"[31,[[10,[1]],"absent"]]"#,
    ];
    for body in bodies {
        let (env, template) = (environment(), function(body));
        assert!(agree(&env, body, &template, &[row.clone(), Datum::Null]), "{body}");
    }
}

#[test]
fn captured_values_are_constants() {
    let inner = r#"[38,[[2,[1]],[69,[[2,[7]],[21,[[170,[[10,[7]],"a"]],[24,[[10,[1]],1]]]]]]]]"#;
    let outer = function(inner);
    let photondb_plan::Operation::Call(map) = &outer.body.operation else { panic!("no call") };
    let photondb_plan::Operation::Function(template) = &map.arguments[1].operation else {
        panic!("no function")
    };
    let captures = vec![Datum::from(4); template.captures.len()];
    let expression = compile(&environment(), template, &captures).unwrap();
    for (value, expected) in [(5, false), (6, true)] {
        let row = Datum::object([("a", Datum::from(value))]);
        assert_eq!(told(&expression, &[row.view()]), Ok(Datum::Bool(expected)));
    }
}
