//! Judges random queries until enough of them agreed.
//!
//! `PHOTONDB_DIFFERENTIAL_QUERIES=50000` runs longer, `PHOTONDB_DIFFERENTIAL_FIRST_SEED=n`
//! starts elsewhere, `PHOTONDB_DIFFERENTIAL_SEED=n` runs the query of one seed.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use photondb_client::Term;
use photondb_differential::{Draft, Order, World, judge, judge_seed, query};

const QUERIES: u64 = 2_000;
const THREADS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[test]
fn all_ways_agree() {
    let seed = number("PHOTONDB_DIFFERENTIAL_SEED");
    let seeds = match seed {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("PHOTONDB_DIFFERENTIAL_FIRST_SEED").unwrap_or(1);
            first..first + number("PHOTONDB_DIFFERENTIAL_QUERIES").unwrap_or(QUERIES)
        }
    };
    let world = World::new().expect("databases are filled");
    let answered = AtomicU64::new(0);
    let work = |first: u64| -> Vec<String> {
        let mut wrong = Vec::new();
        for seed in seeds.clone().filter(|seed| seed % THREADS == first) {
            match judge_seed(&world, seed) {
                Ok(with_answer) => drop(answered.fetch_add(u64::from(with_answer), Ordering::Relaxed)),
                Err(disagreement) => {
                    // A long run tells what it found at once.
                    eprintln!("{disagreement}\n");
                    wrong.push(disagreement.seed.to_string());
                }
            }
        }
        wrong
    };
    let work = &work;
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || work(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a query panicked")).collect()
    });
    assert!(wrong.is_empty(), "{} disagreements, of the seeds {}", wrong.len(), wrong.join(", "));
    let (answered, all) = (answered.into_inner(), seeds.end - seeds.start);
    println!("{answered} of {all} queries had an answer");
    assert!(seed.is_some() || answered * 2 > all, "most queries fail: {answered} of {all} had an answer");
}

#[test]
fn a_wrong_answer_is_noticed() {
    let world = World::new().expect("databases are filled");
    let table = Term::table("left");
    let draft = |plain: Term, order| Draft::rows(table.clone(), plain, order);
    let array = table.coerce_to("array");
    let wrong = [
        draft(array.filter(Term::function(|row| row.field("id").ne(3))), Order::Bag),
        draft(array.merge(Term::object(&[("n", 1.into())])), Order::Bag),
        draft(array.order_by(Term::call(photondb_reql::TermType::Desc, &["id".into()], &[])), Order::Total),
        draft(array.map(Term::function(|row| row.field("missing"))), Order::Bag),
    ];
    for draft in wrong {
        let disagreement = judge(&world, 0, &draft).expect_err("a wrong form agreed");
        assert_eq!(disagreement.way, "an array");
    }
    judge(&world, 0, &draft(array.order_by("id"), Order::Total)).expect("the same rows agree");
}

#[test]
fn a_seed_is_a_whole_query() {
    // Numbers of variables go on; all else is the same.
    let shape = |seed| query(seed).direct.wire().chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    assert_eq!(shape(77), shape(77));
}
