//! That `docs/compatibility.md` speaks of every term and every option, and counts the
//! recorded answers of each rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use photondb_conformance::VectorFile;
use photondb_reql::{GLOBAL_OPTARGS, TERMS};
use serde_json::Value;

/// One line of a table of terms: `| terms | options | recorded | here |`.
struct Row {
    terms: Vec<String>,
    options: Vec<String>,
    recorded: usize,
    here: String,
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut within = false;
    for line in page.lines() {
        within = line.starts_with('|') && (within || line.starts_with("| term | options | recorded |"));
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, terms, options, recorded, here, _] = cells[..] else { continue };
        if !within || !terms.starts_with('`') {
            continue;
        }
        rows.push(Row {
            terms: quoted(terms),
            options: quoted(options),
            recorded: recorded.parse().unwrap_or_else(|_| panic!("no number of answers: {line}")),
            here: here.to_owned(),
        });
    }
    rows
}

/// The methods of the JavaScript driver by number. Two terms share `object`; that which
/// drivers write as a literal goes by its name in the protocol.
fn names() -> BTreeMap<u64, &'static str> {
    let name = |info: &photondb_reql::TermInfo| if info.name == "MAKE_OBJ" { info.name } else { info.method };
    TERMS.iter().map(|info| (u64::from(info.id), name(info))).collect()
}

/// The numbers of the terms in a query.
fn collect_terms(query: &Value, found: &mut BTreeSet<u64>) {
    match query {
        Value::Array(parts) => {
            found.extend(parts.first().and_then(Value::as_u64));
            for part in parts.iter().skip(1) {
                match part {
                    Value::Array(arguments) => arguments.iter().for_each(|part| collect_terms(part, found)),
                    Value::Object(options) => options.values().for_each(|part| collect_terms(part, found)),
                    _ => {}
                }
            }
        }
        Value::Object(fields) => {
            found.insert(3);
            fields.values().for_each(|part| collect_terms(part, found));
        }
        _ => drop(found.insert(1)),
    }
}

/// How many recorded answers are to queries with each term.
fn recorded() -> BTreeMap<&'static str, usize> {
    let names = names();
    let mut counts: BTreeMap<&str, usize> = names.values().map(|name| (*name, 0)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let files = VectorFile::load_all(&folder).expect("the vectors can be read");
    for vector in files.iter().flat_map(|file| &file.vectors).filter(|vector| vector.ok) {
        let Some(query) = &vector.query else { continue };
        let query: Value = serde_json::from_str(query.get()).expect("a query");
        let mut found = BTreeSet::new();
        if let Some(term) = query.get(1) {
            collect_terms(term, &mut found);
        }
        for name in found.iter().filter_map(|number| names.get(number)) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

#[test]
fn every_term_has_its_line() {
    let rows = rows(&page());
    let recorded = recorded();
    let known: BTreeSet<&str> = names().into_values().collect();
    for row in &rows {
        for term in &row.terms {
            assert!(known.contains(term.as_str()), "there is no term `{term}`");
        }
        let fewest = row.terms.iter().filter_map(|term| recorded.get(term.as_str())).min();
        assert_eq!(fewest, Some(&row.recorded), "recorded answers of {:?}", row.terms);
        let judged = ["same", "better", "differs"].iter().any(|word| row.here.starts_with(word));
        assert!(judged, "{:?} is neither the same nor better nor different: {}", row.terms, row.here);
    }
    for (number, name) in names() {
        let lines: Vec<&Row> = rows.iter().filter(|row| row.terms.iter().any(|term| term == name)).collect();
        assert_eq!(lines.len(), 1, "lines for `{name}`");
        let info = TERMS.iter().find(|info| u64::from(info.id) == number).expect("it is from there");
        let options: BTreeSet<&str> = lines.iter().flat_map(|row| &row.options).map(String::as_str).collect();
        assert_eq!(options, info.optargs.iter().copied().collect(), "options of `{name}`");
    }
}

#[test]
fn every_run_option_is_told() {
    let page = page();
    let told: BTreeSet<String> = page.lines().flat_map(quoted).collect();
    let silent: Vec<_> = GLOBAL_OPTARGS.iter().filter(|option| !told.contains(**option)).collect();
    assert!(silent.is_empty(), "docs/compatibility.md says nothing of {silent:?}");
}
