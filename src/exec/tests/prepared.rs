//! Plans that were made for other values answer as those that are made for each query.

mod support;

use std::sync::Arc;

use photondb_base::Cancel;
use photondb_exec::{Executor, PreparedQuery};
use photondb_reql::{Query, Shape, StartQuery, decode_query};
use support::{Absent, answer, answer_text, executor};

const TABLE: &str = r#"[15,["t"]]"#;

/// Queries in groups of one shape; `T` is a table with two indexes.
const FAMILIES: &[&[&str]] = &[
    &[
        r#"[56,[T,{"id":1,"n":1,"tags":[2,["a"]]}]]"#,
        r#"[56,[T,{"id":2,"n":5}]]"#,
        r#"[56,[T,{"id":2,"n":6}]]"#,
        r#"[56,[T,{"id":[2,[1,"x"]],"deep":{"a":{"b":1}}}]]"#,
        r#"[56,[T,{"n":7}]]"#,
        r#"[56,[T,{"id":null}]]"#,
        r#"[56,[T,{}]]"#,
        r#"[56,[T,{"id":9,"at":{"$reql_type$":"BINARY","data":"YQ=="}}]]"#,
    ],
    &[
        r#"[56,[T,{"id":3,"sum":[24,[1,2]],"n":1}],{"return_changes":true}]"#,
        r#"[56,[T,{"id":4,"sum":[24,[1,2]],"n":"x"}],{"return_changes":true}]"#,
    ],
    &["[16,[T,1]]", "[16,[T,77]]", r#"[16,[T,"a"]]"#, "[16,[T,null]]", "[16,[T,true]]", "[16,[T,-0.0]]"],
    &[r#"[16,[T,[2,[1,"x"]]]]"#, "[16,[T,[2,[]]]]", "[16,[T,[2,[null]]]]"],
    &[
        r#"[53,[[16,[T,1]],{"n":2}]]"#,
        r#"[53,[[16,[T,1]],{"n":2}]]"#,
        r#"[53,[[16,[T,2]],{"id":8}]]"#,
        r#"[53,[[16,[T,99]],{"n":2}]]"#,
        r#"[53,[[16,[T,2]],{"tags":[2,["b","c"]],"n":null}]]"#,
    ],
    &["[53,[[16,[T,1]],5]]", r#"[53,[[16,[T,2]],"x"]]"#, "[53,[[16,[T,99]],null]]"],
    &[
        r#"[53,[[16,[T,1]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]]}]]],{"durability":"soft"}]"#,
        r#"[53,[[16,[T,2]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]]}]]],{"durability":"soft"}]"#,
        r#"[53,[[16,[T,"q"]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]]}]]],{"durability":"soft"}]"#,
    ],
    &[
        r#"[53,[[16,[T,1]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]],"m":7}]]]]"#,
        r#"[53,[[16,[T,2]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],3]],4]],"m":8}]]]]"#,
        r#"[53,[[16,[T,2]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],3]],"x"]],"m":null}]]]]"#,
    ],
    &[
        r#"[39,[[78,[T,1,2]],[69,[[2,[1]],[21,[[31,[[10,[1]],"n"]],3]]]]]]"#,
        r#"[39,[[78,[T,2,1]],[69,[[2,[1]],[21,[[31,[[10,[1]],"n"]],5]]]]]]"#,
        r#"[39,[[78,[T,2,1]],[69,[[2,[1]],[21,[[31,[[10,[1]],"n"]],"a"]]]]]]"#,
    ],
    &[
        r#"[38,[[78,[T,1,2]],[69,[[2,[1]],{"n":[24,[[31,[[10,[1]],"id"]],3]],"o":1}]]]]"#,
        r#"[38,[[78,[T,2,1]],[69,[[2,[1]],{"n":[24,[[31,[[10,[1]],"id"]],5]],"o":2}]]]]"#,
        r#"[38,[[78,[T,2,1]],[69,[[2,[1]],{"n":[24,[[31,[[10,[1]],"id"]],"a"]],"o":2}]]]]"#,
    ],
    &[
        r#"[64,[[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]],1]]]],[24,[1,1]],[24,[2,2]]]]"#,
        r#"[64,[[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]],5]]]],[24,[1,6]],[24,[2,7]]]]"#,
    ],
    &[r#"[55,[[16,[T,1]],{"id":1,"n":3}]]"#, r#"[55,[[16,[T,2]],{"n":3}]]"#, r#"[55,[[16,[T,2]],{"id":2}]]"#],
    &[r#"[41,[[78,[T,3,5]],"id"],{"index":"id"}]"#, r#"[41,[[78,[T,2,null]],"id"],{"index":"id"}]"#],
    &[r#"[43,[[78,[T,3],{"index":"n"}]]]"#, r#"[43,[[78,[T,null],{"index":"n"}]]]"#],
    &[
        r#"[71,[[41,[[182,[T,1,[181,[]]],{"index":"n"}]],{"index":"n"}],2]]"#,
        r#"[71,[[41,[[182,[T,3,[181,[]]],{"index":"n"}]],{"index":"n"}],2]]"#,
        r#"[71,[[41,[[182,[T,null,[181,[]]],{"index":"n"}]],{"index":"n"}],2]]"#,
    ],
    &["[16,[[15,[\"nowhere\"]],1]]", "[16,[[15,[\"nowhere\"]],2]]"],
    &["[2,[[24,[1,2]],3]]", "[2,[[24,[1,2]],null]]"],
    &["[69,[[2,[1]],[16,[T,1]]]]", "[69,[[2,[1]],[16,[T,1]]]]"],
    &[
        r#"[64,[[69,[[2,[1]],[2,[[10,[1]],[10,[1]]]]]],[2,[[24,[1,1]],5]]]]"#,
        r#"[64,[[69,[[2,[1]],[2,[[10,[1]],[10,[1]]]]]],[2,[[24,[1,1]],6]]]]"#,
    ],
    &[r#"[54,[[16,[T,1]]],{"return_changes":true}]"#, r#"[54,[[16,[T,1]]],{"return_changes":true}]"#],
];

fn executor_with_tables() -> Executor {
    let executor = executor(Arc::new(Absent));
    for term in [
        r#"[57,["test"]]"#,
        r#"[60,["t"]]"#,
        &format!(r#"[75,[{TABLE},"n"]]"#),
        &format!(r#"[75,[{TABLE},"tags"],{{"multi":true}}]"#),
        &format!("[140,[{TABLE}]]"),
    ] {
        answer(&executor, term);
    }
    executor
}

fn start(text: &str) -> Box<StartQuery> {
    match decode_query(text.as_bytes()) {
        Ok(Query::Start(query)) => query,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_plan_serves_all_queries_of_its_shape() {
    let (planning, prepared) = (executor_with_tables(), executor_with_tables());
    for family in FAMILIES {
        let texts: Vec<String> =
            family.iter().map(|term| format!("[1,{},{{}}]", term.replace('T', TABLE))).collect();
        // The last of them is not the first that runs.
        let model = texts.last().expect("there are some");
        let query = start(model);
        let (shape, placeholders) = Shape::of(model.as_bytes(), &query).expect("a shape");
        let (plan, _) = PreparedQuery::new(&query, &placeholders).expect("a plan");
        for (text, term) in texts.iter().zip(*family) {
            let expected = answer(&planning, &term.replace('T', TABLE));
            let bindings = shape.read(text.as_bytes()).unwrap_or_else(|| panic!("{text} is no {model}"));
            let answered =
                prepared.run_prepared(&plan, bindings, "admin".into(), Cancel::default(), Arc::default());
            assert_eq!(answer_text(answered), expected, "{text}");
        }
    }
}

#[test]
fn options_that_stand_in_for_others_are_part_of_a_plan() {
    let executor = executor_with_tables();
    answer(&executor, r#"[57,["other"]]"#);
    answer(&executor, r#"[60,[[14,["other"]],"t"]]"#);
    answer(&executor, r#"[56,[[15,[[14,["other"]],"t"]],{"id":1}]]"#);
    let text = format!(r#"[1,[16,[{TABLE},1]],{{"db":[14,["other"]],"noreply":false}}]"#);
    let query = start(&text);
    let (shape, placeholders) = Shape::of(text.as_bytes(), &query).expect("a shape");
    let (plan, _) = PreparedQuery::new(&query, &placeholders).expect("a plan");
    for (key, expected) in [("1", r#"{"id":1}"#), ("2", "null")] {
        let text = text.replace(",1]]", &format!(",{key}]]"));
        let bindings = shape.read(text.as_bytes()).expect("its values");
        let answered =
            executor.run_prepared(&plan, bindings, "admin".into(), Cancel::default(), Arc::default());
        assert_eq!(answer_text(answered), expected);
    }
}
