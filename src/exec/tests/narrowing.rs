//! Filters that are answered through an index give what they give without one.

mod support;

use std::sync::Arc;

use photondb_base::Cancel;
use photondb_datum::json;
use photondb_exec::{Executor, Narrowing, Outcome, Request};
use photondb_reql::{Query, decode_query};
use support::{Absent, answer, executor};

const ALWAYS: Narrowing = Narrowing { rows_min: 0, rows_per_key_min: 1 };
const NEVER: Narrowing = Narrowing { rows_min: u64::MAX, rows_per_key_min: 1 };
const ROWS: usize = 210;
/// The values of `a`, which nearly half of the rows lack as far as an index can tell.
const VALUES: [&str; 21] = [
    "1",
    "2",
    "3",
    "2.5",
    "-1",
    "null",
    "true",
    "false",
    "\"x\"",
    "\"y\"",
    "[2,[1,2]]",
    "[2,[null]]",
    "{\"k\":1}",
    "",
    "2",
    "2",
    "[99,[\"2020-01-01T00:00:00Z\"]]",
    "[99,[\"2021-01-01T00:00:00+01:00\"]]",
    "-0.0",
    "0",
    "\"\"",
];

/// Rows with indexes on `a`, which has values of all kinds, and on `n`, which all rows have.
fn filled(narrowing: Narrowing) -> Executor {
    let executor = executor(Arc::new(Absent)).with_narrowing(narrowing);
    let created = [
        r#"[60,["t"]]"#,
        r#"[75,[[15,["t"]],"a"]]"#,
        r#"[75,[[15,["t"]],"n"]]"#,
        r#"[75,[[15,["t"]],"tags"],{"multi":true}]"#,
        r#"[75,[[15,["t"]],"sum",[69,[[2,[1]],[24,[[170,[[10,[1]],"n"]],1]]]]]]"#,
    ];
    for term in created {
        let answer = answer(&executor, term);
        assert!(answer.contains("created"), "{answer}");
    }
    answer(&executor, r#"[140,[[15,["t"]]]]"#);
    let rows: Vec<String> = (0..ROWS)
        .map(|id| {
            let a = match VALUES[id % VALUES.len()] {
                "" => String::new(),
                value => format!(r#","a":{value}"#),
            };
            // Rows whose `b` is text fail where a number is added to it.
            let b = if id % 50 == 7 { "\"text\"".to_owned() } else { (id % 3).to_string() };
            format!(r#"{{"id":{id},"n":{},"b":{b},"tags":[2,[{},7]]{a}}}"#, id % 30, id % 4)
        })
        .collect();
    let inserted = answer(&executor, &format!(r#"[56,[[15,["t"]],[2,[{}]]]]"#, rows.join(",")));
    assert!(inserted.contains(&format!("\"inserted\":{ROWS}")), "{inserted}");
    executor
}

/// How the plan says that the table is read.
fn read_of(executor: &Executor, term: &str) -> String {
    let Ok(Query::Start(query)) = decode_query(format!("[1,{term},{{\"explain\":true}}]").as_bytes()) else {
        panic!("{term}")
    };
    let request = Request { query, user: "admin".into(), cancel: Cancel::default(), memory: Arc::default() };
    match executor.run(request).map(|answer| answer.outcome) {
        Ok(Outcome::Atom(plan)) => json::to_string(&plan.get("stages").expect("stages")).unwrap(),
        _ => panic!("{term}"),
    }
}

/// A filter of the table by a function, with what stands for its parts: `A`, `N` and `B` are
/// fields of the row.
fn filter(body: &str) -> String {
    let field = |name| format!(r#"[170,[[10,[1]],"{name}"]]"#);
    let body = body.replace('A', &field("a")).replace('N', &field("n")).replace('B', &field("b"));
    format!(r#"[39,[[15,["t"]],[69,[[2,[1]],{body}]]]]"#)
}

fn check(always: &Executor, never: &Executor, term: &str, index: Option<&str>) {
    assert_eq!(answer(always, term), answer(never, term), "{term}");
    let count = format!("[43,[{term}]]");
    assert_eq!(answer(always, &count), answer(never, &count), "{term}");
    let read = read_of(always, term);
    match index {
        Some(index) => assert!(read.contains(&format!("that the index `{index}` finds")), "{term}: {read}"),
        None => assert!(read.contains("reads every row"), "{term}: {read}"),
    }
    assert!(!read_of(never, term).contains("that the index"), "{term}");
}

#[test]
fn narrowed_filters_answer_alike() {
    let (always, never) = (filled(ALWAYS), filled(NEVER));
    let cases = [
        ("[17,[A,2]]", Some("a")),
        ("[17,[0,A]]", Some("a")),
        ("[17,[A,\"x\"]]", Some("a")),
        ("[17,[A,true]]", Some("a")),
        ("[17,[A,[99,[\"2020-12-31T23:00:00Z\"]]]]", Some("a")),
        ("[17,[A,5000]]", Some("a")),
        ("[67,[[21,[A,1]],[20,[A,3]]]]", Some("a")),
        ("[19,[1,A,2.5]]", Some("a")),
        ("[67,[[22,[A,\"a\"]],[19,[A,\"x\"]]]]", Some("a")),
        // Nothing lies between.
        ("[67,[[21,[A,3]],[19,[A,1]]]]", Some("a")),
        // The index on `a` lacks objects and nulls, which such ranges have.
        ("[21,[A,1]]", None),
        ("[19,[A,2]]", None),
        ("[17,[A,null]]", None),
        ("[17,[A,[2,[1,2]]]]", None),
        ("[18,[A,2]]", None),
        ("[22,[A,B]]", None),
        ("[66,[[17,[A,2]],[17,[A,3]]]]", None),
        ("[17,[[92,[A,2]],2]]", None),
        // All rows are in the index on `n`.
        ("[21,[N,25]]", Some("n")),
        ("[67,[[17,[A,2]],[19,[N,5]]]]", Some("a")),
        ("[67,[[19,[N,1]],[17,[A,2]]]]", Some("n")),
    ];
    for (body, index) in cases {
        check(&always, &never, &filter(body), index);
    }
    let objects = [
        (r#"{"a":2}"#, Some("a")),
        (r#"{"a":2,"b":1}"#, Some("a")),
        (r#"{"n":29,"a":2}"#, Some("n")),
        (r#"{"a":null}"#, None),
        (r#"{"a":{"k":1}}"#, None),
        (r#"{"tags":7}"#, None),
        (r#"{"sum":7}"#, None),
    ];
    for (pattern, index) in objects {
        check(&always, &never, &format!(r#"[39,[[15,["t"]],{pattern}]]"#), index);
    }
}

#[test]
fn errors_of_other_rows_are_raised_all_the_same() {
    let (always, never) = (filled(ALWAYS), filled(NEVER));
    let cases = [
        // The addition fails in a row that the index does not lead to.
        ("[67,[[21,[[24,[B,1]],0]],[17,[N,3]]]]", None),
        // Here nobody adds before the index's row has been found.
        ("[67,[[17,[N,3]],[21,[[24,[B,1]],0]]]]", Some("n")),
        ("[67,[[17,[N,7]],[21,[[24,[B,1]],0]]]]", Some("n")),
    ];
    for (body, index) in cases {
        check(&always, &never, &filter(body), index);
    }
    assert!(answer(&always, &filter(cases[0].0)).contains("Expected type"));
    let by_text = |options: &str| {
        let function = r#"[69,[[2,[1]],[17,[[170,[[10,[1]],"a"]],2]]]]"#;
        format!(r#"[39,[[15,["t"]],{function}]{options}]"#)
    };
    // Rows that lack the field count, or fail.
    for options in [r#",{"default":true}"#, r#",{"default":[12,[]]}"#] {
        assert_eq!(answer(&always, &by_text(options)), answer(&never, &by_text(options)), "{options}");
        assert!(!read_of(&always, &by_text(options)).contains("that the index"));
    }
    // A second filter counts as long as the first one cannot fail.
    let second = |first: &str| filter("[17,[N,3]]").replace(r#"[15,["t"]]"#, &filter(first));
    check(&always, &never, &second("[21,[B,0]]"), Some("n"));
    check(&always, &never, &second("[21,[[24,[B,1]],0]]"), None);
}

#[test]
fn what_stands_behind_the_filter_sees_the_same_rows() {
    let (always, never) = (filled(ALWAYS), filled(NEVER));
    let rows = filter("[17,[A,2]]");
    let terms = [
        format!("[71,[{rows},4]]"),
        format!("[70,[{rows},4]]"),
        format!("[45,[{rows},2]]"),
        format!(r#"[145,[{rows},"id"]]"#),
        format!(r#"[43,[[144,[{rows},"n"]]]]"#),
        format!(r#"[38,[{rows},[69,[[2,[1]],[170,[[10,[1]],"id"]]]]]]"#),
        filter("[17,[A,2]]").replace(r#"[15,["t"]]"#, r#"[41,[[15,["t"]]],{"index":[74,["id"]]}]"#),
        filter("[17,[A,2]]").replace(r#"[15,["t"]]"#, r#"[182,[[15,["t"]],20,100]]"#),
        format!(r#"[50,[{rows},"id",[15,["t"]]]]"#),
    ];
    for term in terms {
        assert_eq!(answer(&always, &term), answer(&never, &term), "{term}");
    }
    for executor in [&always, &never] {
        let updated = answer(executor, &format!(r#"[53,[{rows},{{"a":3}}]]"#));
        assert!(updated.contains("\"replaced\":30"), "{updated}");
        assert_eq!(answer(executor, &format!("[43,[{rows}]]")), "0");
        let deleted = answer(executor, &format!("[54,[{}]]", filter("[17,[A,3]]")));
        assert!(deleted.contains("\"deleted\":40"), "{deleted}");
    }
    assert_eq!(answer(&always, r#"[15,["t"]]"#), answer(&never, r#"[15,["t"]]"#));
}

#[test]
fn large_parts_of_tables_are_scanned() {
    let default = filled(Narrowing::default());
    assert!(!read_of(&default, &filter("[17,[A,2]]")).contains("that the index"));
    let eager = filled(Narrowing { rows_min: 0, ..Narrowing::default() });
    // 7 of 210 rows, and 30.
    assert!(
        read_of(&eager, &filter("[17,[N,3]]")).contains("reads the 7 rows that the index `n` finds, of 210")
    );
    assert!(!read_of(&eager, &filter("[17,[A,2]]")).contains("that the index"));
}
