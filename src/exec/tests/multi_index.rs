//! Multi indexes over arrays in which a value stands more than once.

mod support;

use std::sync::Arc;

use support::{Absent, answer, executor};

const TABLE: &str = r#"[15,["t"]]"#;
const INDEX: &str = r#"{"index":"a"}"#;

#[test]
fn a_value_that_stands_twice_finds_its_document_twice() {
    let executor = executor(Arc::new(Absent));
    let check = |query: String, expected: &str| assert_eq!(answer(&executor, &query), expected, "{query}");
    let of = |query: &str| query.replace("TABLE", TABLE).replace("INDEX", INDEX);
    answer(&executor, r#"[60,["t"]]"#);
    check(of(r#"[75,[TABLE,"a"],{"multi":true}]"#), r#"{"created":1}"#);
    answer(&executor, &of("[140,[TABLE]]"));
    let inserted =
        answer(&executor, &of(r#"[56,[TABLE,[2,[{"id":1,"a":[2,[7,8,7]]},{"id":2,"a":[2,[7]]}]]]]"#));
    assert!(inserted.contains(r#""inserted":2"#), "{inserted}");
    let ids = |rows: &str| of(&format!(r#"[31,[{rows},"id"]]"#));
    check(ids("[78,[TABLE,7],INDEX]"), "[1,1,2]");
    check(ids("[182,[TABLE,[180,[]],[181,[]]],INDEX]"), "[1,1,2,1]");
    check(of("[43,[[78,[TABLE,7],INDEX]]]"), "3");
    check(of("[42,[TABLE],INDEX]"), "[7,8]");
    // A document that has the value once less is found once less.
    let updated = answer(&executor, &of(r#"[53,[[16,[TABLE,1]],{"a":[2,[7,9]]}]]"#));
    assert!(updated.contains(r#""replaced":1"#), "{updated}");
    check(ids("[78,[TABLE,7],INDEX]"), "[1,2]");
    check(ids("[78,[TABLE,8],INDEX]"), "[]");
}
