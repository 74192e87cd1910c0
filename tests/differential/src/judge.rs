//! Runs a query in all ways and compares the answers.

use std::fmt;

use photondb::RunError;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::{ReqlError, decode_term, encode, print_term};

use crate::draft::{Draft, Order};
use crate::world::World;

/// Relative difference of sums made in different orders.
const TOLERANCE: f64 = 1e-9;
/// Characters of an answer that a report shows.
const SHOWN_MAX: usize = 2_000;

type Answer = Result<Vec<Datum>, ReqlError>;

/// Two ways that gave different answers.
#[derive(Debug)]
pub struct Disagreement {
    /// What decided the query.
    pub seed: u64,
    /// The way that differs.
    pub way: &'static str,
    /// The query over the table.
    pub direct: String,
    /// The query as that way ran it.
    pub other: String,
    /// The usual answer.
    pub expected: String,
    /// The other one.
    pub found: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} differs", self.seed, self.way)?;
        writeln!(f, "query    {}", self.direct)?;
        writeln!(f, "other    {}", self.other)?;
        writeln!(f, "expected {}", self.expected)?;
        write!(f, "found    {}", self.found)
    }
}

/// Runs the query of a seed in all ways; whether it had an answer.
pub fn judge(world: &World, seed: u64, draft: &Draft) -> Result<bool, Box<Disagreement>> {
    let direct = draft.direct.wire();
    let plain = if draft.is_sequence { draft.plain.coerce_to("array") } else { draft.plain.clone() };
    let plain = plain.wire();
    let ast = decode_term(direct.as_bytes());
    let decoded = match &ast {
        Ok(ast) => String::from_utf8(encode(ast, ast.root())).unwrap_or_default(),
        Err(_) => direct.to_owned(),
    };
    let expected = answer(world.usual.run(direct));
    let batch_rows = 1 + (seed % 3) as usize;
    let ways: [(&str, &str, Answer); 5] = [
        ("an array", plain, answer(world.usual.run(plain))),
        ("a split read", direct, answer(world.split.run(direct))),
        ("tiny batches", direct, answer(world.usual.run_in_batches(direct, batch_rows))),
        ("an array in tiny batches", plain, answer(world.usual.run_in_batches(plain, batch_rows))),
        ("the decoded form", &decoded, answer(world.usual.run(&decoded))),
    ];
    for (way, other, found) in ways {
        if !compare(&expected, &found, draft) {
            return Err(Box::new(Disagreement {
                seed,
                way,
                direct: print(direct),
                other: print(other),
                expected: show(&expected),
                found: show(&found),
            }));
        }
    }
    Ok(expected.is_ok())
}

/// Whether two answers to a query are the same.
pub fn compare(left: &Answer, right: &Answer, draft: &Draft) -> bool {
    match (left, right) {
        (Ok(left), Ok(right)) if draft.is_sequence => {
            // A stream of one array and an array look alike.
            let readings = |answer: &[Datum]| -> Vec<Vec<Datum>> {
                let array =
                    if let [Datum::Array(items)] = answer { Some(items.iter().collect()) } else { None };
                std::iter::once(answer.to_vec()).chain(array).collect()
            };
            let right = readings(right);
            readings(left).iter().any(|left| right.iter().any(|right| same_answer(left, right, draft.order)))
        }
        (Ok(left), Ok(right)) => same_answer(left, right, draft.order),
        (Err(left), Err(right)) => {
            draft.any_error
                || draft.order == Order::Bag
                || left.kind == right.kind && left.message == right.message
        }
        _ => draft.short_circuits,
    }
}

fn same_answer(left: &[Datum], right: &[Datum], order: Order) -> bool {
    match order {
        Order::Total => same_items(left, right),
        Order::Bag => same_bags(left, right),
    }
}

fn same_bags(left: &[Datum], right: &[Datum]) -> bool {
    let sorted = |items: &[Datum]| {
        let mut items = items.to_vec();
        items.sort();
        items
    };
    same_items(&sorted(left), &sorted(right))
}

fn same_items(left: &[Datum], right: &[Datum]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
}

fn same(left: &Datum, right: &Datum) -> bool {
    // Among equal times any may stand for the others.
    if left == right {
        return true;
    }
    match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => {
            (left - right).abs() <= TOLERANCE * left.abs().max(right.abs())
        }
        (Datum::Array(left), Datum::Array(right)) => {
            let (left, right): (Vec<Datum>, Vec<Datum>) = (left.iter().collect(), right.iter().collect());
            same_items(&left, &right)
        }
        (Datum::Object(left), Datum::Object(right)) => {
            left.keys().eq(right.keys())
                && left.values().zip(right.values()).all(|(left, right)| same(&left, &right))
        }
        _ => false,
    }
}

fn answer(outcome: Result<Vec<Datum>, RunError>) -> Answer {
    outcome.map_err(|error| match error {
        RunError::Query(error) => error,
        other => ReqlError::internal(other.to_string()),
    })
}

fn print(wire: &str) -> String {
    let text =
        decode_term(wire.as_bytes()).map_or_else(|_| wire.to_owned(), |ast| print_term(&ast, ast.root()));
    shorten(text)
}

fn show(answer: &Answer) -> String {
    shorten(match answer {
        Ok(rows) => format!("{} rows: {}", rows.len(), Term::from(Datum::array(rows.iter().cloned())).wire()),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    })
}

fn shorten(mut text: String) -> String {
    if text.len() > SHOWN_MAX {
        let end = text.floor_char_boundary(SHOWN_MAX);
        text.truncate(end);
    }
    text
}
