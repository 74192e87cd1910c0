//! Every term with arguments that make no sense: the server neither panics nor blames
//! itself, and an error says where in the query it is.
//!
//! `PHOTONDB_HOSTILE_QUERIES=100000` runs longer, `PHOTONDB_HOSTILE_SEED=n` starts elsewhere.

mod query;
#[path = "../support/mod.rs"]
mod support;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_base::{Cancel, SeededRandom};
use photondb_datum::{Datum, json};
use photondb_exec::{Executor, Outcome, Request};
use photondb_reql::{Ast, ErrorKind, Frame, ReqlError, StartQuery, TERMS, decode_query};
use photondb_table::Budget;

use query::{Generator, Query};
use support::{Absent, answer, executor};

const QUERIES: u64 = 4_000;
/// Terms within terms.
const DEPTH_MAX: u64 = 4;
/// Batches that are read of an answer; some answers never end.
const BATCHES_MAX: usize = 8;
/// A query that runs so long is cancelled: it may be a count of a huge range.
const PATIENCE: Duration = Duration::from_millis(300);
/// What concerns the query as a whole: an answer that cannot be sent or is not wanted any
/// more, and what RethinkDB finds out when it is beyond the terms.
const NO_PLACE: [&str; 4] = [
    "Cannot convert `r.minval` to JSON.",
    "Cannot convert `r.maxval` to JSON.",
    "Query terminated by the client.",
    "Index `",
];

/// Tables with documents and an index of each kind.
fn tables() -> Executor {
    let executor = executor(Arc::new(Absent));
    let queries = [
        r#"[60,["t"]]"#.to_owned(),
        r#"[60,["u"]]"#.to_owned(),
        r#"[75,[[15,["t"]],"a"]]"#.to_owned(),
        r#"[75,[[15,["t"]],"m"],{"multi":true}]"#.to_owned(),
        r#"[75,[[15,["t"]],"g"],{"geo":true}]"#.to_owned(),
        r#"[140,[[15,["t"]]]]"#.to_owned(),
        r#"[56,[[15,["t"]],[2,[{"id":1,"a":1,"m":[2,[1,2]]},{"id":2,"a":"x","g":[159,[0,0]]},
            {"id":"k","m":[2,[]],"a":[2,[1,"y"]]},{"id":[2,[3]],"a":null,"b":{"c":[155,["z"]]}}]]]]"#
            .to_owned(),
        r#"[56,[[15,["u"]],[2,[{"id":1},{"id":"x","v":[103,[]]}]]]]"#.to_owned(),
    ];
    for query in queries {
        let answer = answer(&executor, &query);
        assert!(!answer.contains(" @ ["), "{query}: {answer}");
    }
    executor
}

/// Cancels a query unless it ends in time.
struct Watch {
    cancel: Cancel,
    _done: Sender<()>,
}

impl Watch {
    fn start() -> Self {
        let cancel = Cancel::default();
        let (done, waiting) = mpsc::channel::<()>();
        let flag = cancel.clone();
        thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                flag.cancel();
            }
        });
        Self { cancel, _done: done }
    }
}

fn run(executor: &Executor, query: StartQuery) -> Result<(), ReqlError> {
    let watch = Watch::start();
    let request = Request {
        query: Box::new(query),
        user: "admin".into(),
        cancel: watch.cancel.clone(),
        memory: Arc::default(),
    };
    let print = |datum: &Datum| json::to_string(datum).map(drop).map_err(ReqlError::from);
    match executor.run(request).map_err(|failure| failure.error)?.outcome {
        Outcome::Atom(datum) => print(&datum),
        Outcome::Stream(mut stream) => {
            for _ in 0..BATCHES_MAX {
                let mut rows = Vec::new();
                let more = stream.next_batch(&Budget::default(), &mut rows)?;
                rows.iter().try_for_each(print)?;
                if !more {
                    break;
                }
            }
            Ok(())
        }
        Outcome::Feed(_) => Ok(()),
    }
}

/// Whether the steps of a backtrace lead from the root to a term.
fn leads_somewhere(ast: &Ast, error: &ReqlError) -> bool {
    let mut term = ast.root();
    error.backtrace.iter().all(|frame| {
        let next = match frame {
            Frame::Position(position) => ast.args(term).get(*position as usize).copied(),
            Frame::Optarg(name) => ast.optarg(term, name),
        };
        next.map(|next| term = next).is_some()
    })
}

/// What is wrong with how a query is answered.
fn complaint(executor: &Executor, query: &Query) -> Option<String> {
    let wire = query.wire();
    let decoded = catch_unwind(|| decode_query(format!("[1,{wire},{{}}]").as_bytes()));
    let start = match decoded {
        Ok(Ok(photondb_reql::Query::Start(start))) => start,
        Ok(Ok(_)) => return Some("is taken for something else".to_owned()),
        Ok(Err(error)) if error.kind == ErrorKind::Internal => return Some(format!("decoding: {error}")),
        Ok(Err(_)) => return None,
        Err(_) => return Some("decoding panics".to_owned()),
    };
    let ast = start.ast.clone();
    match catch_unwind(AssertUnwindSafe(|| run(executor, *start))) {
        Err(_) => Some("panics".to_owned()),
        Ok(Ok(())) => None,
        Ok(Err(error)) if error.kind == ErrorKind::Internal => Some(format!("internal error: {error}")),
        Ok(Err(error)) if !leads_somewhere(&ast, &error) => {
            Some(format!("the backtrace {:?} leads nowhere: {error}", error.backtrace))
        }
        Ok(Err(_)) => misplaced(executor, &wire),
    }
}

/// What is wrong with the place of an error that is raised within an array.
fn misplaced(executor: &Executor, wire: &str) -> Option<String> {
    let nested = format!("[1,[2,[0,{wire}]],{{}}]");
    let Ok(photondb_reql::Query::Start(start)) = decode_query(nested.as_bytes()) else { return None };
    match run(executor, *start) {
        Err(error) if NO_PLACE.iter().any(|pattern| error.message.contains(pattern)) => None,
        Err(error) if error.backtrace.first() != Some(&Frame::Position(1)) => {
            Some(format!("the error has no place: {error}"))
        }
        _ => None,
    }
}

/// The smallest query that there is still something to complain of.
fn shrink(mut query: Query, mut found: String) -> (Query, String) {
    'smaller: loop {
        for candidate in query.smaller() {
            if let Some(complaint) = complaint(&tables(), &candidate) {
                (query, found) = (candidate, complaint);
                continue 'smaller;
            }
        }
        return (query, found);
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[test]
fn no_argument_harms_the_server() {
    let first = number("PHOTONDB_HOSTILE_SEED").unwrap_or(1);
    let queries = number("PHOTONDB_HOSTILE_QUERIES").unwrap_or(QUERIES);
    let work = move || {
        let mut complaints = Vec::new();
        let mut executor = tables();
        for seed in first..first + queries {
            let random = SeededRandom::new(seed);
            let info = &TERMS[(seed % TERMS.len() as u64) as usize];
            let query = Generator::new(&random).call(info, 1 + seed % DEPTH_MAX);
            if let Some(found) = complaint(&executor, &query) {
                let (query, found) = shrink(query.clone(), found);
                let text = format!("seed {seed}: {}\n  {found}", query.wire());
                eprintln!("{text}");
                complaints.push(text);
            }
            if query.writes() {
                executor = tables();
            }
        }
        complaints
    };
    let thread = thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(work).expect("starts");
    let complaints = thread.join().expect("the test itself is sound");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
