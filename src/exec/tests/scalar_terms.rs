//! Terms on single values, from the wire form of a query to its answer or its error with
//! the backtrace.

mod support;

use std::sync::Arc;

use support::{Absent, answer, executor};

fn check(cases: &[(&str, &str)]) {
    let executor = executor(Arc::new(Absent));
    for (term, expected) in cases {
        assert_eq!(answer(&executor, term), *expected, "{term}");
    }
}

const STRAY_LITERAL: &str = "Stray literal keyword found: literal is only legal inside of the object passed to \
                             merge or update and cannot nest inside other literals.";

#[test]
fn numbers() {
    check(&[
        ("[24,[1,2,3]]", "6"),
        ("[24,[\"a\",\"b\"]]", "\"ab\""),
        ("[24,[1,true]]", "Expected type NUMBER but found BOOL. @ []"),
        ("[24,[1e308,1e308]]", "Non-finite number: inf @ []"),
        ("[26,[[2,[1,2]],2]]", "[1,2,1,2]"),
        ("[26,[[2,[1]],-1]]", "Cannot multiply an ARRAY by a negative number. @ []"),
        ("[26,[[2,[]],9007199254740992]]", "[]"),
        ("[28,[-5,3]]", "-2"),
        ("[28,[5,0]]", "Cannot take a number modulo 0. @ []"),
        ("[185,[-2.5]]", "-3"),
        ("[191,[-2,3]]", "2"),
        ("[191,[9007199254740992,0]]", "Integer too large: 9007199254740992 @ [0]"),
        ("[17,[[195,[2,53]],18014398509481984]]", "true"),
        ("[195,[5,-1]]", "Cannot bit-shift by a negative value @ []"),
        ("[196,[-9007199254740992,54]]", "-1"),
    ]);
}

#[test]
fn objects() {
    check(&[
        (r#"[31,[[2,[{"a":1},{"b":2},null,{"a":3}]],"a"]]"#, "[1,3]"),
        (r#"[31,[[2,[{"a":1},5]],"a"]]"#, "Cannot perform get_field on a non-object non-sequence `5`. @ []"),
        (r#"[170,[[2,[[2,[1]]]],"a"]]"#, "Cannot perform bracket on a sequence of sequences. @ []"),
        (r#"[31,[[103,[]],"a"]]"#, "Cannot call `get_field` on objects of type `PTYPE<TIME>`. @ [0]"),
        (r#"[32,[[2,[{"a":1},{"a":null},null]],"a"]]"#, r#"[{"a":1}]"#),
        (r#"[96,[[2,[{"a":1,"b":3},{"b":2}]],"a"]]"#, r#"[{"a":1}]"#),
        (r#"[33,[[2,[]],1]]"#, "[]"),
        (r#"[33,[[2,[{}]],1]]"#, "Invalid path argument `1`. @ []"),
        (r#"[35,[{"a":{"b":1}},{"a":[137,[{"c":1}]]}]]"#, r#"{"a":{"c":1}}"#),
        (r#"[35,[{"a":1},[137,[1]]]]"#, &format!("{STRAY_LITERAL} @ [1]")),
        (r#"[143,["a",1,"a",2]]"#, "Duplicate key `a` in object.  (got `1` and `2` as values) @ []"),
    ]);
}

#[test]
fn arrays_and_strings() {
    check(&[
        ("[88,[[2,[1,2,2]],3]]", "[1,2,3]"),
        ("[89,[[2,[1,2,2]],[2,[2,1]]]]", "[2,1]"),
        ("[95,[[2,[1,2,2,3]],[2,[2]]]]", "[1,3]"),
        ("[82,[[2,[1]],4,2]]", "Index `4` out of bounds for array of size: `1`. @ []"),
        ("[149,[\"a b\",null,-2]]", "Error: `split` size argument must be in range [-1, 99999]. @ []"),
        (
            "[97,[\"abcd\",\"b(c)|x(y)\"]]",
            r#"{"end":3,"groups":[{"end":3,"start":2,"str":"c"},null],"start":1,"str":"bc"}"#,
        ),
        ("[97,[\"abcd\",\"^b\"]]", "null"),
        (
            "[98,[\"[1\"]]",
            "Failed to parse \"[1\" as JSON: Missing a comma or ']' after an array element. @ []",
        ),
        ("[172,[[2,[1,{\"a\":null}]]]]", "\"[1,{\\\"a\\\":null}]\""),
    ]);
}

#[test]
fn nesting_has_a_limit() {
    // Each round of the reduction puts the array into another one.
    let nested = "[37,[[38,[[173,[600]],[69,[[2,[1]],[2,[]]]]]],[69,[[2,[2,3]],[2,[[10,[2]]]]]]]]";
    check(&[(nested, "Nesting depth limit (500) exceeded. @ [1,1]")]);
}

#[test]
fn times_and_places() {
    check(&[
        ("[128,[1]]", "Not a TIME pseudotype: `1`. @ [0]"),
        ("[136,[2013,2,30,\"Z\"]]", "Error in time logic: Day of month is not valid for year. @ []"),
        ("[133,[[104,[[101,[0]],\"-07:30\"]]]]", "16"),
        (
            "[105,[[101,[0]],[101,[0]],[101,[1]]],{\"left_bound\":\"x\"}]",
            "Expected `open` or `closed` for optarg `left_bound` (got `\"x\"`). @ []",
        ),
        ("[163,[[159,[1,0]],[160,[[2,[0,0]],[2,[2,0]]]]]]", "true"),
        ("[164,[[159,[0,0]],[159,[0,0]]]]", "Expected geometry of type `Polygon` but found `Point`. @ []"),
        ("[165,[[2,[0,0]],-1]]", "Radius must be positive. @ []"),
        ("[43,[[170,[[170,[[158,[[165,[[2,[0,0]],1]]]],\"coordinates\"]],0]]]]", "33"),
    ]);
}

#[test]
fn arguments_that_cannot_be_spread() {
    check(&[
        ("[2,[0,[154,[7]]]]", "Cannot convert NUMBER to SEQUENCE @ [1]"),
        ("[24,[1,[154,[null]]]]", "Cannot convert NULL to SEQUENCE @ [1]"),
        ("[2,[0,[154,[[72,[[173,[3]]]]]]]]", "ZIP can only be called on the result of a join. @ [1]"),
        ("[24,[1,[154,[[173,[3]]]]]]", "4"),
    ]);
}
