//! Queries on a thread that others wait for: short ones are answered, others are given up
//! before they have changed anything.

mod support;

use std::sync::Arc;

use photondb_base::prompt::{Allowance, NotPrompt, promptly};
use photondb_exec::Executor;
use support::{Absent, answer, executor};

const ALLOWANCE: Allowance = Allowance { rows_max: 50, bytes_max: 10_000 };
const TABLE: &str = r#"[15,["t"]]"#;

fn prompt_answer(executor: &Executor, term: &str) -> Result<String, NotPrompt> {
    promptly(ALLOWANCE, || answer(executor, &term.replace('T', TABLE)))
}

/// A table of 200 rows, `n` from 0 to 19, with an index on it.
fn with_rows() -> Executor {
    let executor = executor(Arc::new(Absent));
    answer(&executor, r#"[60,["t"]]"#);
    let index = format!("[75,[{TABLE},\"n\"]]");
    answer(&executor, &index);
    answer(&executor, &format!("[140,[{TABLE}]]"));
    let rows: Vec<String> = (0..200).map(|id| format!(r#"{{"id":{id},"n":{}}}"#, id % 20)).collect();
    let summary = answer(&executor, &format!("[56,[{TABLE},[2,[{}]]]]", rows.join(",")));
    assert!(summary.contains(r#""inserted":200"#), "{summary}");
    executor
}

#[test]
fn short_queries_are_answered() {
    let executor = with_rows();
    for (term, expected) in [
        (r#"[31,[[16,[T,7]],"n"]]"#, "7"),
        ("[43,[T]]", "200"),
        (r#"[43,[[78,[T,3,4],{"index":"n"}]]]"#, "20"),
        ("[43,[[182,[T,10,190]]]]", "180"),
        (r#"[31,[[71,[[41,[T],{"index":[74,["n"]]}],2]],"id"]]"#, "[199,179]"),
        (r#"[31,[[41,[[78,[T,3],{"index":"n"}],"id"]],"id"]]"#, "[3,23,43,63,83,103,123,143,163,183]"),
    ] {
        assert_eq!(prompt_answer(&executor, term), Ok(expected.to_owned()), "{term}");
    }
}

#[test]
fn long_queries_are_given_up() {
    let executor = with_rows();
    for (term, expected) in [
        (r#"[43,[[39,[T,{"n":3}]]]]"#, "10"),
        (r#"[43,[[39,[[182,[T,10,190]],{"n":3}]]]]"#, "9"),
        (r#"[43,[[41,[[78,[T,3,4,5,6,7,8],{"index":"n"}],"id"]]]]"#, "60"),
        // Errors that the query catches do not hide it.
        (r#"[92,[[147,[[31,[T,"n"]]]],-1]]"#, "0"),
        // Rows that do not exist count as well.
        (&format!("[43,[[78,[T,{}]]]]", vec!["-1"; 60].join(",")), "0"),
    ] {
        assert_eq!(prompt_answer(&executor, term), Err(NotPrompt), "{term}");
        assert_eq!(answer(&executor, &term.replace('T', TABLE)), expected, "{term}");
    }
}

#[test]
fn what_is_given_up_has_changed_nothing() {
    let executor = with_rows();
    let insert = r#"[56,[T,{"id":1000,"n":[43,[[39,[T,{"n":3}]]]]}]]"#;
    assert_eq!(prompt_answer(&executor, insert), Err(NotPrompt));
    assert_eq!(answer(&executor, &format!("[43,[{TABLE}]]")), "200");
    // A write whose function fails for a row counts it; given up it does not.
    let update = r#"[53,[[16,[T,1]],[69,[[2,[1]],{"n":[43,[[39,[T,{"n":3}]]]]}]]],{"non_atomic":true}]"#;
    assert_eq!(prompt_answer(&executor, update), Err(NotPrompt));
    assert_eq!(answer(&executor, &format!(r#"[31,[[16,[{TABLE},1]],"n"]]"#)), "1");
    assert!(
        prompt_answer(&executor, r#"[56,[T,{"id":1000}]]"#)
            .is_ok_and(|answer| answer.contains(r#""inserted":1"#))
    );
}
