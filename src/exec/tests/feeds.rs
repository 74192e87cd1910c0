//! Feeds that share the plan of the first one of their shape tell what they would tell with plans
//! of their own, errors and their backtraces included.

mod support;

use std::sync::{Arc, Mutex};

use photondb_base::Cancel;
use photondb_datum::{Datum, json};
use photondb_exec::{Executor, NoSpill, Request};
use photondb_plan::feed::{FeedIdentity, FeedOpener, FeedPlan, FeedStream};
use photondb_reql::{Query, ReqlError, decode_query};
use support::{Absent, answer, error_text, executor_feeding};

const TABLE: &str = r#"[15,["t"]]"#;
/// What the limit is anyway; a query that says so has a plan of its own.
const ALONE: &str = r#"{"array_limit":100000}"#;

/// Feeds in groups of one shape; `T` is a table, `K` the field `k` of the row.
const FAMILIES: &[&[&str]] = &[
    &[
        "[152,[[39,[T,F([21,[K,5]])]]]]",
        "[152,[[39,[T,F([21,[K,7]])]]]]",
        "[152,[[39,[T,F([21,[K,\"a\"]])]]]]",
    ],
    &[r#"[152,[[39,[T,{"k":5}]]]]"#, r#"[152,[[39,[T,{"k":7,"name":"b"}]]]]"#, "[152,[[39,[T,{}]]]]"],
    &["[152,[[39,[T,true]]]]", "[152,[[39,[T,false]]]]", "[152,[[39,[T,5]]]]"],
    // These fail for some rows, at different places.
    &[
        "[152,[[38,[T,F([24,[K,5]])]]]]",
        "[152,[[38,[T,F([24,[K,\"x\"]])]]]]",
        "[152,[[38,[T,F([24,[K,null]])]]]]",
    ],
    &[
        r#"[152,[[38,[T,F({"a":[27,[1,[25,[K,5]]]],"b":1})]]]]"#,
        r#"[152,[[38,[T,F({"a":[27,[1,[25,[K,7]]]],"b":{"c":2}})]]]]"#,
        r#"[152,[[38,[T,F({"a":[27,[1,[25,[K,"a"]]]],"b":{}})]]]]"#,
    ],
    &[
        r#"[152,[[39,[T,F([21,[K,5]])],{"default":[12,[]]}]]]"#,
        r#"[152,[[39,[T,F([21,[K,7]])],{"default":[12,[]]}]]]"#,
    ],
    &[
        r#"[152,[[38,[[78,[T,1,2]],F([92,[K,"none"]])]]]]"#,
        r#"[152,[[38,[[78,[T,3,4]],F([92,[K,"other"]])]]]]"#,
    ],
    &["[152,[[39,[[182,[T,1,5]],F([17,[K,5]])]]]]", "[152,[[39,[[182,[T,2,[181,[]]]],F([17,[K,7]])]]]]"],
    // What is done to the rows of the feed itself.
    &[
        r#"[38,[[152,[[39,[T,F([21,[K,5]])]]]],F([24,[[170,[[10,[1]],"k"]],1]])]]"#,
        r#"[38,[[152,[[39,[T,F([21,[K,7]])]]]],F([24,[[170,[[10,[1]],"k"]],"y"]])]]"#,
    ],
    &[
        "[152,[[44,[[39,[T,F([21,[K,5]])]],[39,[T,F([22,[K,5]])]]]]]]",
        "[152,[[44,[[39,[T,F([21,[K,7]])]],[39,[T,F([22,[K,1]])]]]]]]",
    ],
    &[
        "[44,[[152,[[16,[T,1]]]],[152,[[39,[T,F([21,[K,5]])]]]]]]",
        "[44,[[152,[[16,[T,2]]]],[152,[[39,[T,F([21,[K,7]])]]]]]]",
    ],
    // These cannot share anything, and answer all the same.
    &[
        r#"[152,[[38,[T,[69,[[2,[1]],[79,[[69,[[2,[2]],[24,[[10,[2]],5]]]]]]]]]]]]"#,
        r#"[152,[[38,[T,[69,[[2,[1]],[79,[[69,[[2,[2]],[24,[[10,[2]],7]]]]]]]]]]]]"#,
    ],
    // These are no feeds in the end.
    &["[152,[[2,[5]]]]", "[152,[[2,[7]]]]"],
    &["[152,[[39,[[15,[\"nowhere\"]],F([21,[K,5]])]]]]", "[152,[[39,[[15,[\"nowhere\"]],F([21,[K,7]])]]]]"],
    &["[152,[T],{\"squash\":[24,[5,\"a\"]]}]", "[152,[T],{\"squash\":[24,[7,\"a\"]]}]"],
];

const DOCUMENTS: &[&str] = &[
    r#"{"id":1,"k":5}"#,
    r#"{"id":2,"k":6,"name":"b"}"#,
    r#"{"id":3,"k":7,"name":"b"}"#,
    r#"{"id":4,"k":8}"#,
    r#"{"id":5,"k":"a"}"#,
    r#"{"id":6,"k":null}"#,
    r#"{"id":7}"#,
];

/// Keeps the plans of feeds as open feeds do.
#[derive(Default)]
struct Kept(Mutex<Vec<FeedPlan>>);

impl FeedOpener for Kept {
    fn open(&self, plans: Vec<FeedPlan>) -> Result<Box<dyn FeedStream>, ReqlError> {
        self.0.lock().expect("nobody panics").extend(plans);
        Err(ReqlError::internal("kept"))
    }
}

struct House {
    executor: Executor,
    feeds: Arc<Kept>,
}

impl House {
    fn new() -> Self {
        let feeds = Arc::<Kept>::default();
        let opener = Arc::clone(&feeds) as Arc<dyn FeedOpener>;
        let executor = executor_feeding(Arc::new(Absent), Arc::default(), Arc::new(NoSpill), opener);
        answer(&executor, r#"[57,["test"]]"#);
        answer(&executor, r#"[60,["t"]]"#);
        Self { executor, feeds }
    }

    /// Opens the feeds of a query; tells where they begin among all, and the error if it has one.
    fn open(&self, term: &str, options: &str) -> (usize, String) {
        let text = format!("[1,{},{options}]", written(term));
        let Ok(Query::Start(query)) = decode_query(text.as_bytes()) else { panic!("{text}") };
        let first = self.feeds.0.lock().expect("nobody panics").len();
        let (cancel, memory) = (Cancel::default(), Arc::default());
        let request = Request { query, user: "admin".into(), cancel, memory };
        let opened = self.executor.run(request).err().map(|failure| error_text(failure.error));
        (first, opened.unwrap_or_default())
    }

    /// What the feeds from one on make of the documents.
    fn told(&self, from: usize) -> Vec<String> {
        let plans = self.feeds.0.lock().expect("nobody panics");
        let documents = || {
            DOCUMENTS
                .iter()
                .map(|text| json::parse(text.as_bytes(), json::ParseLimits::default()).expect("JSON"))
        };
        // Functions that are called more often are evaluated in another way.
        let often = || documents().chain(documents());
        plans.iter().skip(from).flat_map(|plan| often().map(|document| told(plan, document))).collect()
    }

    fn identity(&self, term: &str) -> FeedIdentity {
        let (first, _) = self.open(term, "{}");
        let plans = self.feeds.0.lock().expect("nobody panics");
        plans.get(first).and_then(|plan| plan.identity.clone()).expect("a feed that others can join")
    }
}

fn written(term: &str) -> String {
    let body = term.replace("F(", "[69,[[2,[1]],").replace(')', "]]");
    body.replace('T', TABLE).replace('K', r#"[170,[[10,[1]],"k"]]"#)
}

fn told(plan: &FeedPlan, document: Datum) -> String {
    let view = match plan.transform.as_ref().map_or(Ok(Some(document.clone())), |t| t.apply(&document)) {
        Ok(Some(view)) => view,
        Ok(None) => return "nothing".to_owned(),
        Err(error) => return error_text(error),
    };
    let mut rows = Vec::new();
    match &plan.delivery {
        None => rows.push(view),
        Some(delivery) => {
            let row = Datum::object([("k", view.get("k").unwrap_or(Datum::Null)), ("new_val", view)]);
            if let Err(error) = delivery.deliver(row, &mut rows) {
                return error_text(error);
            }
        }
    }
    json::to_string(&Datum::from(rows)).expect("JSON")
}

#[test]
fn feeds_that_share_a_plan_tell_what_they_would_tell_with_their_own() {
    for family in FAMILIES {
        let (sharing, alone) = (House::new(), House::new());
        for term in *family {
            let (from, opened) = sharing.open(term, "{}");
            let (from_alone, opened_alone) = alone.open(term, ALONE);
            assert_eq!(opened, opened_alone, "{term}");
            assert_eq!(sharing.told(from), alone.told(from_alone), "{term}");
        }
    }
}

#[test]
fn errors_of_feeds_that_share_a_plan_point_to_the_term_at_fault() {
    let house = House::new();
    house.open("[152,[[38,[T,F([24,[K,5]])]]]]", "{}");
    let (from, _) = house.open(r#"[152,[[38,[T,F([24,[K,"x"]])]]]]"#, "{}");
    let told = house.told(from);
    assert_eq!(told[0], "Expected type NUMBER but found STRING. @ [0,1,1]");
    assert_eq!(told[6], "No attribute `k` in object:\n{\n\t\"id\":\t7\n} @ [0,1,1,0]");
    let (from, _) = house.open(r#"[152,[[38,[T,F({"a":[27,[1,[25,[K,5]]]]})]]]]"#, "{}");
    assert_eq!(house.told(from)[0], "Cannot divide by zero. @ [0,1,1,a]");
}

#[test]
fn only_feeds_with_the_same_values_are_the_same() {
    let house = House::new();
    let feed = |value: &str| format!("[152,[[39,[T,F([21,[K,{value}]])]]]]");
    let (five, seven) = (house.identity(&feed("5")), house.identity(&feed("7")));
    assert_ne!(five, seven);
    assert!(Arc::ptr_eq(&five.text, &seven.text), "they have one text together");
    // Drivers number variables on, and write a number in more than one way.
    let renumbered = r#"[152,[[39,[T,[69,[[2,[8]],[21,[[170,[[10,[8]],"k"]],5.0]]]]]]]]"#;
    assert_eq!(house.identity(renumbered), five);
    assert_ne!(house.identity(&feed("\"5\"")), five);
    assert_ne!(house.identity("[152,[[39,[T,F([22,[K,5]])]]]]"), five);
    let two = |one: &str, other: &str| house.identity(&format!("[152,[[39,[T,F([17,[K,{one},{other}]])]]]]"));
    assert_ne!(two("1", "23"), two("12", "3"));
    assert_ne!(two(r#""1""#, "1"), two("1", r#""1""#));
    assert_eq!(two("1", "23"), two("1", "23"));
}
