//! Reads: sources, directions, batches, skipping, splitting, snapshots.

mod support;

use std::ops::Bound;
use std::sync::Arc;

use photondb_datum::Datum;
use photondb_storage::Engine;
use photondb_table::{
    Budget, DatumRange, Direction, Flow, KeyRange, Program, ProgramError, ReadOp, Row, RowMachine, Shards,
    Source, TableError, Tables,
};

use support::{Fixture, TABLE, drain, index, replace, row};

fn ids(rows: &[Datum]) -> Vec<i32> {
    rows.iter().map(|row| row.get("id").unwrap().as_number().unwrap() as i32).collect()
}

fn filled(rows: i32) -> Fixture {
    let fixture = Fixture::new();
    fixture.insert((0..rows).map(|id| row(id, &[("a", (id / 3).into())])).collect());
    fixture
}

#[test]
fn primary_ranges() {
    let fixture = filled(50);
    let range = DatumRange::new(Bound::Excluded(10.into()), Bound::Included(13.into()));
    let op = ReadOp::new(TABLE, Source::Primary(range));
    assert_eq!(ids(&fixture.read(op.clone())), [11, 12, 13]);
    assert_eq!(fixture.shards.count(&op).unwrap(), 3);
    let op = ReadOp { direction: Direction::Backward, ..op };
    assert_eq!(ids(&fixture.read(op)), [13, 12, 11]);
    let open = DatumRange::new(Bound::Included(Datum::MinVal), Bound::Excluded(Datum::MaxVal));
    assert_eq!(fixture.read(ReadOp::new(TABLE, Source::Primary(open))).len(), 50);
    let none = DatumRange::new(Bound::Included(5.into()), Bound::Excluded(5.into()));
    assert!(fixture.read(ReadOp::new(TABLE, Source::Primary(none))).is_empty());
    let backward = DatumRange::new(Bound::Included(9.into()), Bound::Excluded(5.into()));
    assert!(fixture.read(ReadOp::new(TABLE, Source::Primary(backward))).is_empty());
}

#[test]
fn keys_in_the_order_given() {
    let fixture = filled(10);
    let keys = Source::PrimaryKeys(vec![3.into(), 99.into(), 1.into(), 3.into()]);
    let op = ReadOp::new(TABLE, keys);
    assert_eq!(ids(&fixture.read(op.clone())), [3, 1, 3]);
    assert_eq!(fixture.shards.count(&op).unwrap(), 3);
    let bad = ReadOp::new(TABLE, Source::PrimaryKeys(vec![Datum::object([("a", Datum::Null)])]));
    assert!(matches!(fixture.shards.read(bad), Err(TableError::Key(_))));
}

#[test]
fn skipping_equals_reading() {
    let fixture = filled(60);
    let by_a = index(1, "a", false);
    fixture.add_index(by_a.clone());
    let range =
        |left: i32, right: i32| DatumRange::new(Bound::Included(left.into()), Bound::Included(right.into()));
    let sources = [
        Source::Primary(range(7, 48)),
        Source::PrimaryKeys((0..20).map(Datum::from).collect()),
        Source::Index { index: by_a.id, ranges: vec![range(3, 9), range(5, 5), range(12, 100)] },
    ];
    for source in sources {
        for direction in [Direction::Forward, Direction::Backward] {
            let op = ReadOp { direction, ..ReadOp::new(TABLE, source.clone()) };
            let all = fixture.read(op.clone());
            assert_eq!(fixture.shards.count(&op).unwrap(), all.len() as u64);
            for skipped in 0..all.len() + 3 {
                let mut stream = fixture.shards.read(op.clone()).unwrap();
                let mut out = Vec::new();
                let first = skipped.min(2);
                stream.next_batch(Budget { rows_max: first.max(1), bytes_max: 1 << 20 }, &mut out).unwrap();
                let rest = (skipped.max(1) - out.len().min(skipped.max(1))) as u64;
                let passed = stream.skip(rest).unwrap();
                assert_eq!(passed, rest.min((all.len() - out.len()) as u64));
                let position = out.len() + passed as usize;
                assert_eq!(drain(stream.as_mut()), all[position..], "{source:?} {direction:?} {skipped}");
            }
            for parts in [1, 2, 5, 100] {
                let streams = fixture.shards.read_split(op.clone(), parts).unwrap();
                let joined: Vec<Datum> =
                    streams.into_iter().flat_map(|mut stream| drain(stream.as_mut())).collect();
                assert_eq!(joined, all, "{source:?} {direction:?} in {parts}");
            }
        }
    }
}

#[test]
fn streams_move_on_to_newer_snapshots() {
    let fixture = filled(20);
    let mut stream = fixture.shards.read(ReadOp::all(TABLE)).unwrap();
    let pinned = fixture.shards.snapshot(TABLE).unwrap();
    let op = ReadOp { snapshot: Some(pinned), ..ReadOp::all(TABLE) };
    let mut fixed = fixture.shards.read(op).unwrap();
    let (mut moving_rows, mut fixed_rows) = (Vec::new(), Vec::new());
    let budget = Budget { rows_max: 5, bytes_max: 1 << 20 };
    assert!(stream.next_batch(budget, &mut moving_rows).unwrap());
    assert!(fixed.next_batch(budget, &mut fixed_rows).unwrap());
    let delete = replace(vec![2.into(), 10.into()], photondb_table::Verb::Delete, |_| Ok(Datum::Null));
    fixture.shards.write(delete).unwrap();
    fixture.insert(vec![row(-1, &[]), row(30, &[])]);
    fixture.clock.advance_us(2_000_000);
    moving_rows.extend(drain(stream.as_mut()));
    fixed_rows.extend(drain(fixed.as_mut()));
    let expected: Vec<i32> = (0..20).filter(|id| *id != 10).chain([30]).collect();
    assert_eq!(ids(&moving_rows), expected);
    assert_eq!(ids(&fixed_rows), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_forgotten_stream_holds_no_snapshot() {
    let fixture = filled(20);
    let by_a = index(1, "a", false);
    fixture.add_index(by_a.clone());
    let by_index = ReadOp::new(TABLE, Source::Index { index: by_a.id, ranges: vec![DatumRange::all()] });
    let snapshots = || fixture.engine.statistics().snapshots;
    let before = snapshots();
    let budget = Budget { rows_max: 5, bytes_max: 1 << 20 };
    let mut streams: Vec<_> =
        [ReadOp::all(TABLE), by_index].map(|op| fixture.shards.read(op).unwrap()).into();
    for stream in &mut streams {
        assert!(stream.next_batch(budget, &mut Vec::new()).unwrap());
    }
    fixture.shards.release_old_snapshots();
    assert_eq!(snapshots(), before + 2, "the snapshots are not old yet");
    fixture.clock.advance_us(2_000_000);
    fixture.shards.release_old_snapshots();
    assert_eq!(snapshots(), before);
    for mut stream in streams {
        assert_eq!(drain(stream.as_mut()).len(), 15);
    }
    assert_eq!(snapshots(), before);
}

#[test]
fn streams_end_with_their_table_or_index() {
    let fixture = filled(20);
    let by_a = index(1, "a", false);
    fixture.add_index(by_a.clone());
    let source = Source::Index { index: by_a.id, ranges: vec![DatumRange::all()] };
    let mut by_index = fixture.shards.read(ReadOp::new(TABLE, source)).unwrap();
    let mut stream = fixture.shards.read(ReadOp::all(TABLE)).unwrap();
    let budget = Budget { rows_max: 1, bytes_max: 1 << 20 };
    assert!(stream.next_batch(budget, &mut Vec::new()).unwrap());
    assert!(by_index.next_batch(budget, &mut Vec::new()).unwrap());
    fixture.shards.remove_index(TABLE, by_a.id, &mut || Ok(())).unwrap();
    assert!(matches!(by_index.next_batch(budget, &mut Vec::new()), Err(TableError::NoIndex(_))));
    fixture.shards.close_tables(&[TABLE], &mut || Ok(())).unwrap();
    assert!(matches!(stream.next_batch(budget, &mut Vec::new()), Err(TableError::NoTable(_))));
    assert!(matches!(fixture.shards.read(ReadOp::all(TABLE)), Err(TableError::NoTable(_))));
}

/// Passes on every row whose id is even, stops at a given id, tells how many rows it saw.
struct Even {
    stop_at: i32,
}

impl Program for Even {
    fn start(&self) -> Box<dyn RowMachine> {
        Box::new(EvenRun { stop_at: self.stop_at, seen: 0 })
    }
}

struct EvenRun {
    stop_at: i32,
    seen: i32,
}

#[derive(Debug, thiserror::Error)]
#[error("odd end")]
struct OddEnd;

impl RowMachine for EvenRun {
    fn row(&mut self, row: Row<'_>, out: &mut Vec<Datum>) -> Result<Flow, ProgramError> {
        self.seen += 1;
        let id = row.document.get("id").unwrap().as_number().unwrap() as i32;
        if id == self.stop_at {
            return Ok(Flow::Stop);
        }
        if id == 17 {
            return Err(ProgramError::new(OddEnd));
        }
        if id % 2 == 0 {
            out.push(id.into());
        }
        Ok(Flow::Continue)
    }

    fn finish(&mut self, out: &mut Vec<Datum>) -> Result<(), ProgramError> {
        out.push(Datum::from(format!("saw {}", self.seen)));
        Ok(())
    }
}

#[test]
fn programs() {
    let fixture = filled(20);
    let read = |stop_at| ReadOp { program: Some(Arc::new(Even { stop_at })), ..ReadOp::all(TABLE) };
    let rows = fixture.read(read(7));
    assert_eq!(rows, [0.into(), 2.into(), 4.into(), 6.into(), Datum::from("saw 8")]);
    let mut stream = fixture.shards.read(read(-1)).unwrap();
    let error = stream.next_batch(Budget::default(), &mut Vec::new()).unwrap_err();
    let TableError::Program(error) = error else { panic!("{error}") };
    assert!(error.downcast::<OddEnd>().is_ok());
    assert!(!stream.next_batch(Budget::default(), &mut Vec::new()).unwrap());
}

#[test]
fn raw_entries_find_each_document_once() {
    let fixture = Fixture::new();
    let cells = |cells: &[&str]| Datum::array(cells.iter().map(|cell| Datum::from(*cell)));
    fixture.insert(vec![
        row(1, &[("at", cells(&["aa", "ab"]))]),
        row(2, &[("at", cells(&["ab", "ba"]))]),
        row(3, &[("at", cells(&["ca"]))]),
    ]);
    let mut by_cell = index(1, "at", false);
    by_cell.geo = true;
    fixture.add_index(by_cell.clone());
    let read = |prefixes: &[&'static str]| {
        let ranges = prefixes.iter().map(|prefix| KeyRange::prefix(prefix.as_bytes())).collect();
        let op = ReadOp::new(TABLE, Source::RawIndex { index: by_cell.id, ranges });
        let found = ids(&fixture.read(op.clone()));
        assert_eq!(fixture.shards.count(&op).unwrap(), found.len() as u64);
        found
    };
    assert_eq!(read(&["a"]), [1, 2]);
    assert_eq!(read(&["b", "a"]), [2, 1]);
    assert_eq!(read(&["c", "d"]), [3]);
}
