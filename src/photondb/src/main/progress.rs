//! How far a command is, for people who watch.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the line is drawn anew.
const DRAWS_PER_SECOND: u8 = 5;
const TEMPLATE: &str = "[{bar:24}] {percent:>3} %  {rows}  {eta} left  {msg}";
const TEMPLATE_WITHOUT_TOTAL: &str = "{spinner} {rows}  {msg}";
/// Below it a time that is left is not told: it would be a guess.
const WARM_UP: Duration = Duration::from_secs(1);

/// A bar on stderr with rows, their rate and the time that is left. Nothing is drawn where
/// nobody watches. Several threads may advance it.
pub struct Progress {
    bar: ProgressBar,
    rows: Arc<AtomicU64>,
    started: Instant,
}

impl Progress {
    /// Begins. Work is counted in whatever its total is known in, rows or bytes; zero stands
    /// for a total that is not known.
    pub fn start(total_work: u64, is_quiet: bool) -> Self {
        let target = match is_quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
        };
        let rows = Arc::new(AtomicU64::new(0));
        let bar = ProgressBar::with_draw_target((total_work > 0).then_some(total_work), target);
        bar.set_style(style(total_work > 0, Arc::clone(&rows)));
        Self { bar, rows, started: Instant::now() }
    }

    /// Counts rows, and the work that they were.
    pub fn advance(&self, rows: u64, work: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bar.inc(work);
    }

    /// Says what takes its time now.
    pub fn say(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// Goes to a share of the work, from 0 to 1, where shares alone are known.
    pub fn set_share(&self, share: f64) {
        let total = self.bar.length().unwrap_or_default();
        self.bar.set_position((share.clamp(0.0, 1.0) * total as f64) as u64);
    }

    /// Takes the bar away; gives the rows and the time they took.
    pub fn finish(self) -> (u64, Duration) {
        self.bar.finish_and_clear();
        (self.rows.load(Ordering::Relaxed), self.started.elapsed())
    }
}

fn style(has_total: bool, rows: Arc<AtomicU64>) -> ProgressStyle {
    let template = if has_total { TEMPLATE } else { TEMPLATE_WITHOUT_TOTAL };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars("=> ")
        .with_key("rows", move |state: &ProgressState, out: &mut dyn Write| {
            // A line that cannot be written is a line less.
            out.write_str(&rate(rows.load(Ordering::Relaxed), state.elapsed())).ok();
        })
        .with_key("eta", |state: &ProgressState, out: &mut dyn Write| {
            let text = if state.elapsed() < WARM_UP { "?".to_owned() } else { left(state.eta()) };
            out.write_str(&text).ok();
        })
}

fn rate(rows: u64, elapsed: Duration) -> String {
    match rows {
        0 => String::new(),
        rows => {
            let per_second = rows as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            format!("{rows} rows  {per_second:.0} rows/s")
        }
    }
}

fn left(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts() {
        assert_eq!(rate(30, Duration::from_secs(3)), "30 rows  10 rows/s");
        assert_eq!(rate(0, Duration::from_secs(3)), "");
        assert_eq!(left(Duration::from_secs(59)), "59 s");
        assert_eq!(left(Duration::from_secs(61)), "1 min 1 s");
        assert_eq!(left(Duration::from_secs(7_380)), "2 h 3 min");
        let progress = Progress::start(0, true);
        progress.advance(2, 10);
        assert_eq!(progress.finish().0, 2);
    }

    #[test]
    fn the_templates_are_templates() {
        for template in [TEMPLATE, TEMPLATE_WITHOUT_TOTAL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
