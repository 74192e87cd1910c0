//! Functions that are called for many rows answer as those that are called for one.

mod support;

use std::sync::Arc;

use photondb_exec::Executor;
use support::{Absent, answer, executor};

/// Documents before the one that matters, so that functions are compiled when it comes.
const ORDINARY: usize = 20;

/// A table of ordinary documents, and a last one.
fn table(last: &str) -> Executor {
    let executor = executor(Arc::new(Absent));
    assert!(answer(&executor, r#"[60,["t"]]"#).contains("tables_created"));
    for id in 0..ORDINARY {
        insert(
            &executor,
            &format!(r#"{{"id":{id},"a":{},"b":{{"c":"x"}},"d":[2,[1,2]],"tag":"t{}"}}"#, id * 2, id % 3),
        );
    }
    insert(&executor, last);
    executor
}

fn insert(executor: &Executor, document: &str) {
    let answer = answer(executor, &format!(r#"[56,[[15,["t"]],{document}]]"#));
    assert!(answer.contains("\"inserted\":1"), "{answer}");
}

/// Rows in the order of their ids, so that the last document comes last.
const ROWS: &str = r#"[41,[[15,["t"]]],{"index":"id"}]"#;
/// The field `a` of the row.
const A: &str = r#"[170,[[10,[1]],"a"]]"#;

fn function(body: &str) -> String {
    format!("[69,[[2,[1]],{body}]]")
}

#[test]
fn errors_are_those_of_a_single_row() {
    let lasts = [
        r#"{"id":99}"#,
        r#"{"id":99,"a":null}"#,
        r#"{"id":99,"a":"text"}"#,
        r#"{"id":99,"a":{"x":1}}"#,
        r#"{"id":99,"a":[2,[3]]}"#,
    ];
    let bodies = [
        A.to_owned(),
        format!("[21,[{A},3]]"),
        format!("[24,[{A},1]]"),
        format!("[28,[{A},3]]"),
        format!("[27,[1,{A}]]"),
        format!("[183,[{A}]]"),
        format!(r#"[170,[{A},"x"]]"#),
        format!("[170,[{A},0]]"),
        format!("[93,[{A},3]]"),
        format!("{{\"x\":[24,[{A},1]]}}"),
        format!("[35,[[10,[1]],{{\"x\":{A}}}]]"),
        format!("[33,[{A},\"x\"]]"),
        format!("[65,[[17,[[170,[[10,[1]],\"id\"]],99]],[12,[\"last\"]],{A}]]"),
        format!("[92,[{A},[12,[]]]]"),
    ];
    for last in lasts {
        let executor = table(last);
        for body in &bodies {
            let function = function(body);
            for stage in ["38", "39"] {
                // Without a default, so that filters fail, too.
                let options = if stage == "39" { r#",{"default":[12,[]]}"# } else { "" };
                let all = answer(&executor, &format!("[{stage},[{ROWS},{function}]{options}]"));
                let one = answer(&executor, &format!("[{stage},[[2,[{last}]],{function}]{options}]"));
                let ordinary =
                    answer(&executor, &format!("[{stage},[[71,[{ROWS},{ORDINARY}]],{function}]{options}]"));
                // The first of these may fail before the last one does.
                if ordinary.contains(" @ ") {
                    continue;
                }
                if one.contains(" @ ") {
                    assert_eq!(all, one, "{body} of {last}");
                } else {
                    let row = one.trim_start_matches('[');
                    assert!(all.ends_with(row), "{body} of {last}: {all} {one}");
                }
            }
        }
    }
}

#[test]
fn aggregations_skip_rows_that_lack_the_field() {
    let executor = table(r#"{"id":99,"tag":"t9"}"#);
    let rows = r#"[15,["t"]]"#;
    let cases = [
        (format!(r#"[145,[{rows},"a"]]"#), "380"),
        (format!("[145,[{rows},{}]]", function(A)), "380"),
        (format!(r#"[146,[{rows},"a"]]"#), "19"),
        (format!("[170,[[148,[{rows},{}]],\"id\"]]", function(A)), "19"),
        (format!("[170,[[147,[{rows},{}]],\"id\"]]", function(A)), "0"),
        (format!("[43,[{rows},{}]]", function(&format!("[21,[{A},5]]"))), "17"),
        (format!("[43,[[39,[{rows},{}],{{\"default\":true}}]]]", function(&format!("[21,[{A},5]]"))), "18"),
        (format!("[43,[{rows},{{\"tag\":\"t9\"}}]]"), "0"),
        (format!("[43,[[39,[{rows},{{\"tag\":\"t9\"}}]]]]"), "1"),
        (format!("[43,[[39,[{rows},{{\"b\":{{\"c\":\"x\"}}}}]]]]"), "20"),
        (format!("[43,[[32,[{rows},{{\"b\":\"c\"}}]]]]"), "20"),
        (format!("[43,[[31,[{rows},\"a\"]]]]"), "20"),
        (format!("[43,[[40,[{rows},{}]]]]", function(r#"[92,[[170,[[10,[1]],"d"]],[2,[]]]]"#)), "40"),
        (
            format!(
                "[37,[[38,[{rows},{}]],[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]]]",
                function("[92,[[170,[[10,[1]],\"a\"]],0]]")
            ),
            "380",
        ),
    ];
    for (term, expected) in cases {
        assert_eq!(answer(&executor, &term), expected, "{term}");
    }
    let groups = answer(&executor, &format!(r#"[145,[[144,[{rows},"tag"]],"a"]]"#));
    assert!(
        groups.contains(r#"["t0",126]"#) && groups.contains(r#"["t1",140]"#) && !groups.contains("t9"),
        "{groups}"
    );
    let groups = answer(&executor, &format!("[43,[[144,[{rows},{}]]]]", function(r#"[170,[[10,[1]],"a"]]"#)));
    assert!(groups.contains("[null,1]") && groups.contains("[38,1]"), "{groups}");
}

#[test]
fn written_rows_are_those_that_are_built() {
    let executor = table(r#"{"id":99,"b":{"c":[2,[{"e":1},{"f":2}]]},"z":1}"#);
    let cases = [
        (r#"[33,[ROWS,"z","id"]]"#, r#"{"id":19},{"id":99,"z":1}]"#),
        (r#"[34,[ROWS,"b","d","a"]]"#, r#"{"id":19,"tag":"t1"},{"id":99,"z":1}]"#),
        (r#"[33,[ROWS,{"b":{"c":"e"}}]]"#, r#"{"b":{}},{"b":{"c":[{"e":1},{}]}}]"#),
        (r#"[34,[ROWS,{"b":{"c":"e"}},"d"]]"#, r#"{"b":{"c":[{},{"f":2}]},"id":99,"z":1}]"#),
        (r#"[96,[ROWS,"z","b"]]"#, r#"[{"b":{"c":[{"e":1},{"f":2}]},"z":1}]"#),
        (
            r#"[35,[ROWS,{"b":1,"d":1}]]"#,
            r#"{"a":38,"b":1,"d":1,"id":19,"tag":"t1"},{"b":1,"d":1,"id":99,"z":1}]"#,
        ),
    ];
    for (term, end) in cases {
        let found = answer(&executor, &term.replace("ROWS", ROWS));
        assert!(found.ends_with(end), "{term}: {found}");
    }
}
