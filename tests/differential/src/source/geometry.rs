//! Rows by where they are.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order};
use crate::rows::{place, shape};

/// Pairs of geometry and row, as often as the index has the row.
fn entries(array: &Term, multi: bool) -> Term {
    let rows = array.filter(Term::function(|row| row.has_fields(if multi { "gs" } else { "g" })));
    if multi {
        return rows.concat_map(Term::function(|row| {
            row.field("gs").map(Term::function(|shape| Term::array(&[shape, row])))
        }));
    }
    rows.map(Term::function(|row| Term::array(&[row.field("g"), row])))
}

fn name(multi: bool) -> Term {
    if multi { "gs".into() } else { "g".into() }
}

/// What has something in common with a geometry.
pub(super) fn intersecting(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let multi = dice.chance(40);
    let other = Term::from(shape(dice));
    let direct =
        Term::call(TermType::GetIntersecting, &[table.clone(), other.clone()], &[("index", name(multi))]);
    let met = entries(array, multi)
        .filter(Term::function(|entry| Term::call(TermType::Intersects, &[entry.nth(0), other], &[])));
    Draft::rows(direct, met.map(Term::function(|entry| entry.nth(1))), Order::Bag)
}

/// What is near a point, the nearest first.
pub(super) fn nearest(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let multi = dice.chance(40);
    let (longitude, latitude) = place(dice);
    let center = Term::call(TermType::Point, &[longitude.into(), latitude.into()], &[]);
    let (unit, metres, system) =
        dice.pick(&[("m", 1.0, "WGS84"), ("km", 1000.0, "WGS84"), ("m", 6_378_137.0, "unit_sphere")]);
    let distance_max = (1 + dice.below(400)) as f64 * 1000.0 / metres;
    let results_max = 1 + dice.below(40);
    let measure = [("unit", unit.into()), ("geo_system", system.into())];
    let mut options = measure.to_vec();
    options.extend([
        ("index", name(multi)),
        ("max_dist", distance_max.into()),
        ("max_results", Term::from(results_max as f64)),
    ]);
    let direct = Term::call(TermType::GetNearest, &[table.clone(), center.clone()], &options);
    let pairs = entries(array, multi).map(Term::function(|entry| {
        let distance = Term::call(TermType::Distance, &[entry.nth(0), center], &measure);
        Term::object(&[("dist", distance), ("doc", entry.nth(1))])
    }));
    let near = pairs.filter(Term::function(|pair| pair.field("dist").le(distance_max)));
    let keys = [near, "dist".into(), Term::function(|pair| pair.field("doc").field("id"))];
    let plain = Term::call(TermType::OrderBy, &keys, &[]).limit(Term::from(results_max as f64));
    let mut draft = Draft::rows(direct, plain, Order::Total);
    let row = if dice.chance(50) {
        Term::function(|pair| pair.field("doc"))
    } else {
        Term::function(|pair| {
            pair.field("doc").merge(Term::object(&[("x", pair.field("dist")), ("n", Datum::Null.into())]))
        })
    };
    draft.apply(TermType::Map, &[row], &[]);
    draft
}
