//! Requests for more of feeds, read together.
//!
//! A client with many feeds on one connection asks for more of each as it comes to it, with a
//! segment for every request. Reading and answering them one by one is a good part of what an event
//! costs. So when for a while each read has brought such a request
//! and nothing else, each of another feed than the one before, the next read waits a little and
//! brings many, as network cards do with interrupts. A client with one feed is never kept waiting.

use std::time::{Duration, Instant};

use photondb_wire::Token;

/// So many reads in a row that brought one request, and the next one waits.
const LONE_READS_MAX: u32 = 4;
/// Reads are in a row when they are not further apart.
const ROW_GAP_MAX: Duration = Duration::from_micros(200);
/// How long the next read waits. Shorter is not to be had from timers.
const PAUSE: Duration = Duration::from_millis(1);

/// What the reads of a connection brought lately.
#[derive(Default)]
pub(crate) struct Coalescing {
    /// The queries of this read, and the feed that the last one asked for more of.
    queries: u32,
    request: Option<Token>,
    /// The read before, if it brought one request alone.
    before: Option<LoneRead>,
    lone_reads: u32,
}

/// A read that brought one request alone.
struct LoneRead {
    request: Token,
    /// When it was done with.
    at: Instant,
}

impl Coalescing {
    /// Notes a query, and of which feed it asked for more if it did.
    pub(crate) fn note(&mut self, request: Option<Token>) {
        self.queries += 1;
        self.request = request;
    }

    /// All that a read brought is done with: how long to wait before the next one.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        match (std::mem::take(&mut self.queries), self.request) {
            (1, Some(request)) => self.lone_read(LoneRead { request, at: Instant::now() }),
            _ => {
                (self.before, self.lone_reads) = (None, 0);
                None
            }
        }
    }

    fn lone_read(&mut self, read: LoneRead) -> Option<Duration> {
        let is_in_row = |before: &LoneRead| {
            before.request != read.request && read.at.duration_since(before.at) <= ROW_GAP_MAX
        };
        self.lone_reads = if self.before.as_ref().is_some_and(is_in_row) { self.lone_reads + 1 } else { 0 };
        self.before = Some(read);
        if self.lone_reads < LONE_READS_MAX {
            return None;
        }
        self.lone_reads = 0;
        Some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often there is a pause, when requests of so many feeds in turn come at such a distance.
    fn pauses(reads: u32, feeds: u64, distance: Duration) -> usize {
        let (mut coalescing, start) = (Coalescing::default(), Instant::now());
        let told = (0..reads).map(|read| {
            let request = Token(u64::from(read) % feeds);
            coalescing.lone_read(LoneRead { request, at: start + distance * read })
        });
        told.flatten().count()
    }

    #[test]
    fn only_requests_of_different_feeds_that_come_fast_are_waited_for() {
        let fast = Duration::from_micros(10);
        assert_eq!(pauses(5, 50, fast), 1);
        assert_eq!(pauses(50, 50, fast), 12);
        assert_eq!(pauses(50, 1, fast), 0);
        assert_eq!(pauses(50, 50, Duration::from_micros(300)), 0);
    }

    #[test]
    fn other_queries_end_a_row() {
        let mut coalescing = Coalescing::default();
        for round in 0..20 {
            coalescing.note((round % 4 < 3).then_some(Token(round)));
            assert_eq!(coalescing.pause(), None);
        }
        // Several at once need no waiting.
        for round in 0..20 {
            coalescing.note(Some(Token(round)));
            coalescing.note(Some(Token(round + 100)));
            assert_eq!(coalescing.pause(), None);
        }
    }
}
