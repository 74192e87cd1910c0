//! The documents of the tables.

use photondb_datum::{Datum, pseudo};

use crate::Dice;

/// Texts in the rows; few, so that queries meet them.
pub(crate) const TEXTS: [&str; 7] = ["", "a", "ab", "b", "Zoë", "zebra", "éa"];
/// The primary keys are numbers below this, and as many texts.
pub(crate) const KEYS: u64 = 90;
/// Long texts begin with so many of their character: more bytes than a key of an index has.
const LONG_CHARACTERS: usize = 280;
/// What long texts begin with.
pub(crate) const LONG_CHARACTER: char = '~';

/// The rows of a table, in the order of their primary key.
pub(crate) fn rows(seed: u64) -> Vec<Datum> {
    let dice = Dice::new(seed);
    let numbers = (0..KEYS).map(|key| Datum::Number(key as f64 - 10.0));
    let texts = (0..KEYS / 2).map(|key| Datum::string(format!("k{key:02}")));
    numbers.chain(texts).map(|key| row(&dice, key)).collect()
}

/// A row with fields of all kinds, some of them absent or null.
pub(crate) fn row(dice: &Dice, key: Datum) -> Datum {
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
    add("y", 85, &|| binary(dice));
    add("m", 95, &|| mixed(dice));
    add("tags", 85, &|| texts(dice));
    add("l", 85, &|| Datum::string(long(dice)));
    add("ls", 80, &|| Datum::array((0..dice.below(4)).map(|_| Datum::string(long(dice)))));
    add("g", 80, &|| shape(dice));
    add("gs", 80, &|| Datum::array((0..dice.below(4)).map(|_| shape(dice))));
    add("odd", 90, &|| odd(dice));
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
    match dice.below(7) {
        0 => Datum::Bool(dice.chance(50)),
        1 => Datum::string(dice.pick(&TEXTS)),
        2 => Datum::array([Datum::Number(dice.below(3) as f64), Datum::string(dice.pick(&TEXTS))]),
        3 => time(dice),
        4 => binary(dice),
        _ => Datum::Number(dice.below(12) as f64 / 2.0),
    }
}

/// A number, a text, or something that an index cannot hold.
fn odd(dice: &Dice) -> Datum {
    match dice.below(5) {
        0 => Datum::object([("a", Datum::Number(1.0))]),
        1 => Datum::array([Datum::Number(dice.below(3) as f64), Datum::Null]),
        2 => Datum::string(dice.pick(&TEXTS)),
        _ => Datum::Number(dice.below(10) as f64),
    }
}

pub(crate) fn time(dice: &Dice) -> Datum {
    pseudo::time(
        1_000_000_000.0 + dice.below(40) as f64 * 40_000.5,
        dice.pick(&["+00:00", "-07:00", "+05:30"]),
    )
}

pub(crate) fn binary(dice: &Dice) -> Datum {
    Datum::Binary(dice.pick(&[&b""[..], b"\0", b"\0\x01", b"a", b"ab", b"\xff"]).into())
}

/// A text that an index cannot hold as a whole, or a short one.
pub(crate) fn long(dice: &Dice) -> String {
    match dice.below(6) {
        0 => dice.pick(&TEXTS).to_owned(),
        // A whole key shares its bytes with one that is cut.
        1 => characters(240 + dice.below(20) as usize),
        _ => format!("{}{}", characters(LONG_CHARACTERS), dice.below(12)),
    }
}

fn characters(count: usize) -> String {
    LONG_CHARACTER.to_string().repeat(count)
}

/// A set of texts, or a list in which some stand twice.
fn texts(dice: &Dice) -> Datum {
    let mut texts: Vec<&str> = TEXTS.into_iter().filter(|_| dice.chance(30)).collect();
    if dice.chance(25)
        && let Some(first) = texts.first()
    {
        texts.push(first);
    }
    Datum::array(texts.into_iter().map(Datum::string))
}

/// A point, a line or a polygon, mostly in the same few degrees.
pub(crate) fn shape(dice: &Dice) -> Datum {
    let center = place(dice);
    let radius = (1.0 + dice.below(40) as f64) / 20.0;
    match dice.below(6) {
        0..=2 => geometry("Point", position(center)),
        3 => {
            let corners = 2 + dice.below(4);
            geometry(
                "LineString",
                Datum::array((0..corners).map(|corner| around(center, radius, corner * 2, 9))),
            )
        }
        4 => geometry("Polygon", Datum::array([ring(center, radius, 3 + dice.below(4))])),
        _ => {
            let rings = [ring(center, radius, 5), ring(center, radius / 3.0, 4)];
            geometry("Polygon", Datum::array(rings))
        }
    }
}

/// A longitude and a latitude.
pub(crate) fn place(dice: &Dice) -> (f64, f64) {
    if dice.chance(5) {
        (dice.below(354) as f64 - 177.0, dice.below(170) as f64 - 85.0)
    } else {
        (dice.below(60) as f64 / 10.0 - 3.0, dice.below(60) as f64 / 10.0 - 3.0)
    }
}

fn geometry(kind: &str, coordinates: Datum) -> Datum {
    Datum::object([
        ("$reql_type$", Datum::string("GEOMETRY")),
        ("type", Datum::string(kind)),
        ("coordinates", coordinates),
    ])
}

fn position((longitude, latitude): (f64, f64)) -> Datum {
    Datum::array([Datum::Number(longitude), Datum::Number(latitude)])
}

/// One of the corners of a regular polygon.
fn around(center: (f64, f64), radius: f64, corner: u64, corners: u64) -> Datum {
    let angle = std::f64::consts::TAU * (corner % corners) as f64 / corners as f64;
    position((center.0 + radius * angle.cos(), center.1 + radius * angle.sin()))
}

fn ring(center: (f64, f64), radius: f64, corners: u64) -> Datum {
    Datum::array((0..=corners).map(|corner| around(center, radius, corner, corners)))
}
