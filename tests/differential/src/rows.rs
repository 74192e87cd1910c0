//! The documents of the tables.

use photondb_datum::{Datum, pseudo};

use crate::Dice;

/// Texts in the rows; few, so that queries meet them.
pub(crate) const TEXTS: [&str; 7] = ["", "a", "ab", "b", "Zoë", "zebra", "éa"];
/// The primary keys are numbers below this, and as many texts.
pub(crate) const KEYS: u64 = 90;

/// The rows of a table, in the order of their primary key.
pub(crate) fn rows(seed: u64) -> Vec<Datum> {
    let dice = Dice::new(seed);
    let numbers = (0..KEYS).map(|key| Datum::Number(key as f64 - 10.0));
    let texts = (0..KEYS / 2).map(|key| Datum::string(format!("k{key:02}")));
    numbers.chain(texts).map(|key| row(&dice, key)).collect()
}

fn row(dice: &Dice, key: Datum) -> Datum {
    let mut fields = vec![("id", key)];
    let mut add = |name, present: u64, value: &dyn Fn() -> Datum| {
        if dice.chance(present) {
            let null = dice.chance(7);
            fields.push((name, if null { Datum::Null } else { value() }));
        }
    };
    add("n", 90, &|| Datum::Number(dice.below(20) as f64 - 5.0));
    add("x", 95, &|| Datum::Number(dice.below(1000) as f64 / 10.0));
    add("s", 90, &|| Datum::string(dice.pick(&TEXTS)));
    add("b", 85, &|| Datum::Bool(dice.chance(50)));
    add("t", 90, &|| time(dice));
    add("m", 95, &|| mixed(dice));
    add("tags", 85, &|| texts(dice));
    add("o", 85, &|| {
        let inner = Datum::object([("d", Datum::Number(dice.below(5) as f64))]);
        Datum::object([
            ("a", Datum::Number(dice.below(10) as f64)),
            ("s", Datum::string(dice.pick(&TEXTS))),
            ("c", inner),
        ])
    });
    Datum::object(fields)
}

/// A value of any type that an index can hold.
pub(crate) fn mixed(dice: &Dice) -> Datum {
    match dice.below(6) {
        0 => Datum::Bool(dice.chance(50)),
        1 => Datum::string(dice.pick(&TEXTS)),
        2 => Datum::array([Datum::Number(dice.below(3) as f64), Datum::string(dice.pick(&TEXTS))]),
        3 => time(dice),
        _ => Datum::Number(dice.below(12) as f64 / 2.0),
    }
}

pub(crate) fn time(dice: &Dice) -> Datum {
    pseudo::time(
        1_000_000_000.0 + dice.below(40) as f64 * 40_000.5,
        dice.pick(&["+00:00", "-07:00", "+05:30"]),
    )
}

/// A set of texts.
fn texts(dice: &Dice) -> Datum {
    Datum::array(TEXTS.iter().filter(|_| dice.chance(30)).map(|text| Datum::string(*text)))
}
