//! How far a command is, for people who watch.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const PERIOD: Duration = Duration::from_millis(200);
/// Goes to the beginning of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// A line on stderr that counts rows. Nothing is written where nobody watches.
pub struct Progress {
    is_watched: bool,
    total_work: u64,
    work: u64,
    rows: u64,
    started: Instant,
    told: Instant,
}

impl Progress {
    /// Begins. Work is counted in whatever its total is known in, rows or bytes.
    pub fn start(total_work: u64) -> Self {
        let now = Instant::now();
        Self { is_watched: io::stderr().is_terminal(), total_work, work: 0, rows: 0, started: now, told: now }
    }

    /// Counts rows of a table, and the work that they were.
    pub fn advance(&mut self, table: &str, rows: u64, work: u64) {
        self.rows += rows;
        self.work += work;
        if self.is_watched && self.told.elapsed() >= PERIOD {
            self.told = Instant::now();
            let line = self.line(table, self.started.elapsed());
            self.write(&format!("{CLEAR_LINE}{line}"));
        }
    }

    /// Says what takes its time now.
    pub fn say(&self, text: &str) {
        self.write(&format!("{CLEAR_LINE}{text}"));
    }

    /// Takes the line away; gives the rows and the time they took.
    pub fn finish(self) -> (u64, Duration) {
        self.write(CLEAR_LINE);
        (self.rows, self.started.elapsed())
    }

    fn line(&self, table: &str, elapsed: Duration) -> String {
        let rate = self.rows as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        // The total is what was known at the beginning; rows may have come since.
        let percent = (self.work * 100).checked_div(self.total_work).map_or(100, |percent| percent.min(100));
        format!("{percent:3} %  {} rows  {rate:.0} rows/s  {table}", self.rows)
    }

    fn write(&self, text: &str) {
        if self.is_watched {
            // A terminal that is gone is no reason to stop.
            write!(io::stderr(), "{text}").ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts() {
        let mut progress = Progress::start(200);
        progress.advance("shop.orders", 30, 50);
        let line = progress.line("shop.orders", Duration::from_secs(3));
        assert_eq!(line, " 25 %  30 rows  10 rows/s  shop.orders");
        progress.advance("shop.orders", 1, 1_000);
        assert!(progress.line("", Duration::from_secs(1)).starts_with("100 %"));
        assert!(Progress::start(0).line("", Duration::ZERO).starts_with("100 %"));
    }
}
