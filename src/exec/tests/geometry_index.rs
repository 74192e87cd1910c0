//! Geospatial indexes: what a search finds through an index is what it finds in the table
//! as a whole.

mod support;

use std::sync::Arc;

use photondb_exec::Executor;
use support::{Absent, answer};

fn executor() -> Executor {
    support::executor(Arc::new(Absent))
}

/// Numbers from 0 to 1.
fn chance(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// Places with a pole, the antimeridian and plain land among them.
const CENTERS: [(f64, f64); 5] = [(10.0, 89.9), (-60.0, -89.5), (179.9, 20.0), (13.4, 52.5), (-179.0, -45.0)];

fn position(state: &mut u64, center: (f64, f64), spread: f64) -> String {
    let longitude = center.0 + spread * (chance(state) - 0.5);
    let latitude = center.1 + spread * (chance(state) - 0.5);
    let longitude = if longitude > 180.0 { longitude - 360.0 } else { longitude };
    let longitude = if longitude < -180.0 { longitude + 360.0 } else { longitude };
    format!("[159,[{longitude},{}]]", latitude.clamp(-90.0, 90.0))
}

/// A geometry around one of the places, as a term.
fn geometry(state: &mut u64) -> String {
    let center = CENTERS[(chance(state) * 5.0) as usize];
    let spread = [0.001, 1.0, 8.0][(chance(state) * 3.0) as usize];
    let place = position(state, center, 3.0 * spread);
    match (chance(state) * 4.0) as u32 {
        0 => place,
        1 => {
            format!("[160,[{place},{},{}]]", position(state, center, spread), position(state, center, spread))
        }
        corners => {
            let radius = 20_000.0 * spread * (chance(state) + 0.01);
            format!("[165,[{place},{radius}],{{\"num_vertices\":{}}}]", 3 + (corners - 2) * 70)
        }
    }
}

const TABLE: &str = "[15,[\"g\"]]";

/// A table with a geometry in each row, and a list of them in some.
fn filled(executor: &Executor, state: &mut u64, rows: usize) {
    answer(executor, "[60,[\"g\"]]");
    for id in 0..rows {
        let (one, two, three) = (geometry(state), geometry(state), geometry(state));
        let row = format!("{{\"id\":{id},\"g\":{one},\"m\":[2,[{one},{two},{three},5]]}}");
        assert!(answer(executor, &format!("[56,[{TABLE},{row}]]")).contains("\"inserted\":1"), "{row}");
    }
    assert_eq!(answer(executor, &format!("[75,[{TABLE},\"g\"],{{\"geo\":true}}]")), "{\"created\":1}");
    let multi = format!("[75,[{TABLE},\"m\"],{{\"geo\":true,\"multi\":true}}]");
    assert_eq!(answer(executor, &multi), "{\"created\":1}");
    answer(executor, &format!("[140,[{TABLE}]]"));
}

#[test]
fn an_index_finds_what_intersects() {
    let (executor, mut state) = (executor(), 3);
    filled(&executor, &mut state, 80);
    let mut found = 0;
    for _ in 0..40 {
        let wanted = geometry(&mut state);
        let sorted = |rows: &str| format!("[41,[[170,[{rows},\"id\"]],[69,[[2,[1]],[10,[1]]]]]]");
        let through = answer(&executor, &sorted(&format!("[166,[{TABLE},{wanted}],{{\"index\":\"g\"}}]")));
        let meets = format!("[69,[[2,[1]],[163,[[170,[[10,[1]],\"g\"]],{wanted}]]]]");
        assert_eq!(through, answer(&executor, &sorted(&format!("[39,[{TABLE},{meets}]]"))), "{wanted}");
        found += through.matches(',').count();

        // Each of the geometries of a row counts.
        let through = answer(&executor, &format!("[43,[[166,[{TABLE},{wanted}],{{\"index\":\"m\"}}]]]"));
        let lists = format!("[40,[{TABLE},[69,[[2,[1]],[30,[[170,[[10,[1]],\"m\"]],0,3]]]]]]");
        let meets = format!("[69,[[2,[2]],[163,[[10,[2]],{wanted}]]]]");
        assert_eq!(through, answer(&executor, &format!("[43,[[39,[{lists},{meets}]]]]")), "{wanted}");
    }
    assert!(found > 40, "{found}");
}

#[test]
fn an_index_finds_the_nearest() {
    let (executor, mut state) = (executor(), 5);
    filled(&executor, &mut state, 150);
    for round in 0..40 {
        let center = position(&mut state, CENTERS[round % 5], 10.0);
        let distance_max = [5_000.0, 300_000.0, 2_500_000.0][round % 3];
        let results_max = [3, 20, 1000][round % 2];
        let distance = |geometry: &str| format!("[162,[{center},{geometry}]]");
        let options =
            format!("{{\"index\":\"g\",\"max_dist\":{distance_max},\"max_results\":{results_max}}}");
        let through =
            format!("[38,[[168,[{TABLE},{center}],{options}],[69,[[2,[1]],[170,[[10,[1]],\"dist\"]]]]]]");
        let distances = distance("[170,[[10,[1]],\"g\"]]");
        let distances = format!("[38,[{TABLE},[69,[[2,[1]],{distances}]]]]");
        let near = format!("[39,[{distances},[69,[[2,[2]],[20,[[10,[2]],{distance_max}]]]]]]");
        let all = format!("[71,[[41,[{near},[69,[[2,[3]],[10,[3]]]]]],{results_max}]]");
        assert_eq!(answer(&executor, &through), answer(&executor, &all), "{center}");
    }
}

#[test]
fn an_index_follows_its_table() {
    let executor = executor();
    filled(&executor, &mut 9, 0);
    let point = |longitude: f64| format!("[159,[{longitude},1]]");
    let count = |longitude: f64| {
        let found = format!("[166,[{TABLE},{}],{{\"index\":\"g\"}}]", point(longitude));
        answer(&executor, &format!("[43,[{found}]]"))
    };
    answer(&executor, &format!("[56,[{TABLE},{{\"id\":1,\"g\":{}}}]]", point(5.0)));
    assert_eq!((count(5.0), count(6.0)), ("1".to_owned(), "0".to_owned()));
    answer(&executor, &format!("[53,[[16,[{TABLE},1]],{{\"g\":{}}}]]", point(6.0)));
    assert_eq!((count(5.0), count(6.0)), ("0".to_owned(), "1".to_owned()));
    let found = format!("[166,[{TABLE},{}],{{\"index\":\"g\"}}]", point(6.0));
    assert!(answer(&executor, &format!("[54,[{found}]]")).contains("\"deleted\":1"));
    assert_eq!((count(5.0), count(6.0)), ("0".to_owned(), "0".to_owned()));
    let replaced = format!(
        "[56,[{TABLE},[2,[{{\"id\":2,\"g\":7}},{{\"id\":3}},{{\"id\":4,\"g\":[2,[{}]]}}]]]]",
        point(6.0)
    );
    assert!(answer(&executor, &replaced).contains("\"inserted\":3"));
    assert_eq!(count(6.0), "0");
}

#[test]
fn options_are_checked() {
    let executor = executor();
    filled(&executor, &mut 9, 0);
    answer(&executor, &format!("[75,[{TABLE},\"plain\"]]"));
    answer(&executor, &format!("[140,[{TABLE}]]"));
    let nearest = |options: &str| answer(&executor, &format!("[43,[[168,[{TABLE},[2,[1,1]]],{options}]]]"));
    assert_eq!(nearest("{\"index\":\"g\",\"max_dist\":1}"), "0");
    assert_eq!(nearest("{}"), "get_nearest requires an index argument. @ [0]");
    assert_eq!(nearest("{\"index\":\"id\"}"), "get_nearest cannot use the primary index. @ [0]");
    assert_eq!(
        nearest("{\"index\":\"plain\"}"),
        "Index `plain` is not a geospatial index.  get_nearest can only be used with a geospatial index. @ []"
    );
    assert_eq!(nearest("{\"index\":\"g\",\"max_dist\":0}"), "max_dist must be positive. @ [0,max_dist]");
    assert_eq!(
        nearest("{\"index\":\"g\",\"max_results\":0}"),
        "max_results must be positive. @ [0,max_results]"
    );
    let misused = answer(&executor, &format!("[43,[[182,[{TABLE},0,1],{{\"index\":\"g\"}}]]]"));
    assert_eq!(
        misused,
        "Index `g` is a geospatial index.  Only get_nearest and get_intersecting can use a geospatial index. @ []"
    );
    let unmeasured = answer(&executor, &format!("[166,[{TABLE},5],{{\"index\":\"g\"}}]"));
    assert_eq!(unmeasured, "Not a GEOMETRY pseudotype: `5`. @ [1]");
}
