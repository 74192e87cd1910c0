//! The memory budget of one query.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use photondb_datum::{Array, Datum, Guard};

use super::pool::{MemoryPool, MemoryUse};
use crate::error::{EvalError, Result};

/// Values smaller than this are not counted by themselves.
const CHARGED_BYTES_MIN: usize = 4 * 1024;
/// Rows that are sorted in memory; more go to disk.
const SORTED_BYTES_MAX: usize = 256 << 20;

/// What memory is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Values,
    Rows,
    Sort,
    Groups,
    Distinct,
    Join,
    Changes,
}

impl Purpose {
    const ALL: [Self; 7] =
        [Self::Values, Self::Rows, Self::Sort, Self::Groups, Self::Distinct, Self::Join, Self::Changes];

    /// As messages name it.
    fn name(self) -> &'static str {
        match self {
            Self::Values => "arrays, objects and strings",
            Self::Rows => "collected rows",
            Self::Sort => "rows being sorted",
            Self::Groups => "groups",
            Self::Distinct => "distinct values",
            Self::Join => "rows being joined",
            Self::Changes => "changes to return",
        }
    }
}

/// How much memory one query may take, and what it takes it for.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    pool: Arc<MemoryPool>,
    usage: Arc<MemoryUse>,
    bytes_max: usize,
    by_purpose: [AtomicUsize; Purpose::ALL.len()],
}

impl MemoryBudget {
    pub(crate) fn new(pool: Arc<MemoryPool>, usage: Arc<MemoryUse>, bytes_max: usize) -> Self {
        Self { pool, usage, bytes_max, by_purpose: Default::default() }
    }

    /// A budget apart from those of queries, for functions that are stored with a table.
    pub(crate) fn detached() -> Self {
        let pool = MemoryPool::default();
        let bytes_max = pool.limits().query_bytes;
        Self::new(Arc::new(pool), Arc::default(), bytes_max)
    }

    /// What the rows of a sort may take. What they are sorted by comes on top, and the query
    /// has other things in memory, too.
    pub(crate) fn sort_bytes_max(&self) -> usize {
        SORTED_BYTES_MAX.min(self.bytes_max / 4)
    }

    /// What the query takes.
    #[cfg(test)]
    pub(crate) fn usage(&self) -> &MemoryUse {
        &self.usage
    }

    /// Takes bytes until they are given back.
    pub(crate) fn take(&self, purpose: Purpose, bytes: usize) -> Result<()> {
        if !self.usage.take(bytes, self.bytes_max) {
            return Err(self.over_limit(purpose, bytes));
        }
        if !self.pool.take(bytes) {
            self.usage.give_back(bytes);
            return Err(self.over_total(purpose, bytes));
        }
        self.by_purpose[purpose as usize].fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn give_back(&self, purpose: Purpose, bytes: usize) {
        self.by_purpose[purpose as usize].fetch_sub(bytes, Ordering::Relaxed);
        self.pool.give_back(bytes);
        self.usage.give_back(bytes);
    }

    /// Fails when there is no room for a value of so many bytes, before it is made.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<()> {
        if bytes < CHARGED_BYTES_MIN {
            return Ok(());
        }
        self.take(Purpose::Values, bytes)?;
        self.give_back(Purpose::Values, bytes);
        Ok(())
    }

    /// Counts an array or object for as long as it lives, unless it is small or belongs to
    /// somebody else already.
    #[inline]
    pub(crate) fn charge(self: &Arc<Self>, datum: Datum) -> Result<Datum> {
        if datum.memory_bytes() < CHARGED_BYTES_MIN { Ok(datum) } else { self.charge_large(datum) }
    }

    /// Counts the array of some items for as long as it lives.
    pub(crate) fn array(self: &Arc<Self>, items: Vec<Datum>) -> Result<Array> {
        match self.charge(Datum::from(items))? {
            Datum::Array(array) => Ok(array),
            _ => Ok(Array::empty()),
        }
    }

    fn charge_large(self: &Arc<Self>, mut datum: Datum) -> Result<Datum> {
        self.check_whole(&datum)?;
        if datum.unguarded_bytes() >= CHARGED_BYTES_MIN {
            datum.guard_with(|bytes| self.guard(bytes))?;
        }
        Ok(datum)
    }

    /// Counts a value that was just made, whatever it is, for as long as it or a part of it
    /// lives.
    pub(crate) fn charge_new(self: &Arc<Self>, datum: Datum) -> Result<Datum> {
        if datum.memory_bytes() < CHARGED_BYTES_MIN {
            return Ok(datum);
        }
        self.check_whole(&datum)?;
        datum.guarded(|bytes| self.guard(bytes))
    }

    /// A value may share its parts and be small in memory; whoever walks through it meets
    /// them one by one.
    fn check_whole(&self, datum: &Datum) -> Result<()> {
        let bytes = datum.memory_bytes();
        if bytes > self.bytes_max { Err(self.over_limit(Purpose::Values, bytes)) } else { Ok(()) }
    }

    fn guard(self: &Arc<Self>, bytes: usize) -> Result<Guard> {
        self.take(Purpose::Values, bytes)?;
        Ok(Box::new(Charge { budget: Arc::clone(self), bytes }))
    }

    fn over_limit(&self, purpose: Purpose, bytes: usize) -> EvalError {
        let mut message = format!(
            "Query over its memory limit of {}: {} more are needed for {}",
            print_bytes(self.bytes_max),
            print_bytes(bytes),
            purpose.name(),
        );
        self.print_use(&mut message);
        let bound = self.pool.limits().query_bytes_max;
        message.push_str(".  Use an index, `limit` or an aggregation to work on fewer rows at a time");
        if bound > self.bytes_max {
            let bound = print_bytes(bound);
            message.push_str(&format!(
                ", or raise the limit with the `memory_limit` option to `.run` (up to {bound} on this server)"
            ));
        } else {
            message.push_str(", or start the server with a higher `--query-memory-max`");
        }
        message.push('.');
        EvalError::resource(message)
    }

    fn over_total(&self, purpose: Purpose, bytes: usize) -> EvalError {
        let mut message = format!(
            "Server over its memory limit of {} for all queries: {} more are needed for {}",
            print_bytes(self.pool.limits().total_bytes_max),
            print_bytes(bytes),
            purpose.name(),
        );
        self.print_use(&mut message);
        message.push_str(
            ".  Try again when other queries have ended, or start the server with a higher \
             `--total-query-memory-max`.",
        );
        EvalError::resource(message)
    }

    /// What this query holds, the most first.
    fn print_use(&self, message: &mut String) {
        let mut parts: Vec<(usize, &str)> = Purpose::ALL
            .iter()
            .map(|purpose| (self.by_purpose[*purpose as usize].load(Ordering::Relaxed), purpose.name()))
            .filter(|(bytes, _)| *bytes > 0)
            .collect();
        parts.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (position, (bytes, name)) in parts.into_iter().enumerate() {
            let before = if position == 0 { ", where it holds" } else { "," };
            message.push_str(&format!("{before} {} of {name}", print_bytes(bytes)));
        }
    }
}

/// A value that is counted.
struct Charge {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(Purpose::Values, self.bytes);
    }
}

/// "512 MiB", "1.5 GiB"
pub(crate) fn print_bytes(bytes: usize) -> String {
    let (unit, size) = match bytes {
        ..0x400 => return format!("{bytes} B"),
        0x400..0x10_0000 => ("KiB", 0x400),
        0x10_0000..0x4000_0000 => ("MiB", 0x10_0000),
        _ => ("GiB", 0x4000_0000),
    };
    let number = bytes as f64 / size as f64;
    if number < 10.0 && !bytes.is_multiple_of(size) {
        format!("{number:.1} {unit}")
    } else {
        format!("{number:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryLimits, Reservation};

    fn budget(bytes_max: usize, total_bytes_max: usize) -> Arc<MemoryBudget> {
        let limits =
            MemoryLimits { query_bytes_max: 4 * bytes_max, total_bytes_max, ..MemoryLimits::default() };
        let pool = Arc::new(MemoryPool::new(limits));
        Arc::new(MemoryBudget::new(pool, Arc::default(), bytes_max))
    }

    #[test]
    fn sizes_are_printed_for_people() {
        let cases = [
            (7, "7 B"),
            (65_536, "64 KiB"),
            (512 << 20, "512 MiB"),
            (3 << 29, "1.5 GiB"),
            (1 << 50, "1048576 GiB"),
        ];
        for (bytes, printed) in cases {
            assert_eq!(print_bytes(bytes), printed);
        }
    }

    #[test]
    fn values_are_counted_while_they_live() {
        let budget = budget(1 << 20, usize::MAX);
        let array = || Datum::array((0..1000).map(Datum::from));
        let first = budget.charge(array()).unwrap();
        let used = budget.usage().used_bytes();
        assert!(used >= 1000 * size_of::<Datum>());
        // A second owner and a value that contains the first take nothing more.
        let twice = budget.charge(Datum::array([first.clone(), first.clone()])).unwrap();
        let again = budget.charge(first.clone()).unwrap();
        assert_eq!(budget.usage().used_bytes(), used);
        drop((first, again));
        assert_eq!(budget.usage().used_bytes(), used);
        drop(twice);
        assert_eq!((budget.usage().used_bytes(), budget.pool.used_bytes()), (0, 0));
        assert_eq!(budget.usage().peak_bytes(), used);
    }

    #[test]
    fn a_value_that_is_large_by_repetition_is_refused() {
        let budget = budget(1 << 20, usize::MAX);
        let mut value = budget.charge(Datum::array((0..1000).map(Datum::from))).unwrap();
        let error = loop {
            match budget.charge(Datum::array([value.clone(), value])) {
                Ok(double) => value = double,
                Err(error) => break error,
            }
        };
        assert!(error.message().starts_with("Query over its memory limit of 1 MiB: "), "{}", error.message());
        assert_eq!(budget.usage().used_bytes(), 0);
    }

    #[test]
    fn the_message_tells_how_much_what_and_what_to_do() {
        let budget = budget(1 << 20, 1 << 21);
        let mut rows = Reservation::new(Purpose::Rows);
        rows.grow(&budget, 900 << 10).unwrap();
        let text = Datum::string("x".repeat(200 << 10));
        let error = budget.charge_new(text.clone()).unwrap_err();
        assert_eq!(
            error.message(),
            "Query over its memory limit of 1 MiB: 200 KiB more are needed for arrays, objects and strings, where \
             it holds 900 KiB of collected rows.  Use an index, `limit` or an aggregation to work on fewer rows at a \
             time, or raise the limit with the `memory_limit` option to `.run` (up to 4 MiB on this server)."
        );
        let other = Arc::new(MemoryBudget::new(Arc::clone(&budget.pool), Arc::default(), 4 << 20));
        let mut more = Reservation::new(Purpose::Sort);
        more.grow(&other, 1100 << 10).unwrap();
        let error = other.charge_new(text).unwrap_err();
        assert_eq!(
            error.message(),
            "Server over its memory limit of 2 MiB for all queries: 200 KiB more are needed for arrays, objects and \
             strings, where it holds 1.1 MiB of rows being sorted.  Try again when other queries have ended, or \
             start the server with a higher `--total-query-memory-max`."
        );
    }
}
