//! Runs a query in all ways and compares the answers.

use std::fmt;

use photondb::RunError;
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::{ReqlError, decode_term, encode, print_term};

use crate::draft::{Draft, Order};
use crate::recipe::Recipe;
use crate::rows::LONG_CHARACTER;
use crate::world::World;

/// Difference of sums made in different orders, relative to the larger one or, where they
/// cancel each other out, absolute.
const TOLERANCE: f64 = 1e-9;
/// Characters of an answer that a report shows.
const SHOWN_MAX: usize = 2_000;
/// Characters of which there are more in a row are counted instead of shown.
const LONG_SHOWN_MAX: usize = 9;

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

/// Judges the query of a seed; of one whose ways disagree the smallest that still does.
pub fn judge_seed(world: &World, seed: u64) -> Result<bool, Box<Disagreement>> {
    let mut recipe = Recipe::new(seed);
    let mut found = match judge(world, seed, &recipe.draft()) {
        Err(disagreement) => disagreement,
        agreed => return agreed,
    };
    while let Some((smaller, disagreement)) = recipe
        .smaller()
        .into_iter()
        .find_map(|smaller| judge(world, seed, &smaller.draft()).err().map(|found| (smaller, found)))
    {
        (recipe, found) = (smaller, disagreement);
    }
    Err(found)
}

/// Runs a query in all ways; whether it had an answer.
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
    // Arrays go through one stage after the other, so that the error of an earlier stage
    // comes first, whichever element it is of.
    let any_error = draft.any_error || draft.stages > 1;
    let ways: [(&str, &str, bool, Answer); 5] = [
        ("an array", plain, any_error, answer(world.usual.run(plain))),
        ("a split read", direct, draft.any_error, answer(world.split.run(direct))),
        ("tiny batches", direct, draft.any_error, answer(world.usual.run_in_batches(direct, batch_rows))),
        ("an array in tiny batches", plain, any_error, answer(world.usual.run_in_batches(plain, batch_rows))),
        ("the decoded form", &decoded, draft.any_error, answer(world.usual.run(&decoded))),
    ];
    for (way, other, any_error, found) in ways {
        if !compare(&expected, &found, &Draft { any_error, ..draft.clone() }) {
            return Err(Box::new(Disagreement {
                seed,
                way,
                direct: print(direct),
                other: print(other),
                expected: show(&expected, &found),
                found: show(&found, &expected),
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
            let readings = |answer: &[Datum]| [answer.to_vec(), items(answer)];
            let right = readings(right);
            readings(left).iter().any(|left| right.iter().any(|right| same_answer(left, right, draft.order)))
        }
        (Ok(left), Ok(right)) => same_answer(left, right, draft.order),
        (Err(left), Err(right)) => {
            draft.any_error
                || draft.short_circuits
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
            (left - right).abs() <= TOLERANCE * left.abs().max(right.abs()).max(1.0)
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

/// An answer as a report shows it: of two long ones what the other has not.
fn show(answer: &Answer, other: &Answer) -> String {
    let rows = match answer {
        Ok(rows) => rows,
        Err(error) => return shorten(format!("{:?}: {}", error.kind, error.message)),
    };
    let rows = items(rows);
    let others = other.as_ref().map(|other| items(other)).unwrap_or_default();
    let mut left: Vec<&Datum> = others.iter().collect();
    let own = rows.iter().filter(|row| match left.iter().position(|other| other == row) {
        Some(position) => {
            left.swap_remove(position);
            false
        }
        None => true,
    });
    let own: Vec<&Datum> = own.collect();
    if own.is_empty() {
        let ids = rows.iter().map(|row| row.get("id").unwrap_or_else(|| row.clone()));
        return shorten(format!("{} rows: {}", rows.len(), json(ids)));
    }
    shorten(format!("{} rows, of them: {}", rows.len(), json(own.into_iter().cloned())))
}

/// The elements of an answer, which may be one array.
fn items(rows: &[Datum]) -> Vec<Datum> {
    if let [Datum::Array(items)] = rows { items.iter().collect() } else { rows.to_vec() }
}

fn json(rows: impl Iterator<Item = Datum>) -> String {
    Term::from(Datum::array(rows)).wire().to_owned()
}

fn shorten(mut text: String) -> String {
    // Long texts differ in their lengths and ends.
    while let Some(start) = text.find(&LONG_CHARACTER.to_string().repeat(LONG_SHOWN_MAX)) {
        let count = text[start..].chars().take_while(|character| *character == LONG_CHARACTER).count();
        text.replace_range(start..start + count, &format!("{LONG_CHARACTER}*{count} "));
    }
    if text.len() > SHOWN_MAX {
        let end = text.floor_char_boundary(SHOWN_MAX);
        text.truncate(end);
    }
    text
}
