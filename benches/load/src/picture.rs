//! Latencies as a picture: a histogram for each workload, on one logarithmic scale.

use std::fmt::Write;

use crate::report::Report;

const WIDTH: f64 = 900.0;
const LABEL_WIDTH: f64 = 190.0;
const ROW_HEIGHT: f64 = 34.0;
const HEAD_HEIGHT: f64 = 46.0;
const BARS: usize = 120;
const LATENCY_US_MIN: f64 = 10.0;
const LATENCY_US_MAX: f64 = 10_000_000.0;
/// Where lines are drawn, with what stands above them.
const MARKS: [(f64, &str); 7] = [
    (10.0, "10 µs"),
    (100.0, "100 µs"),
    (1e3, "1 ms"),
    (1e4, "10 ms"),
    (1e5, "100 ms"),
    (1e6, "1 s"),
    (1e7, "10 s"),
];

/// An SVG that is readable on light and dark grounds.
pub fn draw(reports: &[Report]) -> String {
    let height = HEAD_HEIGHT + ROW_HEIGHT * reports.len() as f64 + 12.0;
    let mut svg = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" font-family="sans-serif" "#,
            r#"font-size="12"><rect width="100%" height="100%" fill="white"/>"#,
            r#"<text x="10" y="18" font-weight="bold">Latency by workload: share of queries; "#,
            r#"marks at the median and the 99th percentile</text>"#
        ),
        WIDTH, height
    );
    for (latency, label) in MARKS {
        let x = position(latency);
        let text_x = x.min(WIDTH - 22.0);
        let mut push = |part: String| svg.push_str(&part);
        push(format!(r#"<text x="{text_x:.1}" y="38" text-anchor="middle" fill="gray">{label}</text>"#));
        push(format!(r#"<path d="M{x:.1} 42V{:.1}" stroke="lightgray"/>"#, height - 6.0));
    }
    for (row, report) in reports.iter().enumerate() {
        let base = HEAD_HEIGHT + ROW_HEIGHT * (row + 1) as f64;
        draw_row(&mut svg, report, base);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, report: &Report, base: f64) {
    let bars = bars(report);
    let highest = bars.iter().copied().max().unwrap_or(0).max(1) as f64;
    let width = (WIDTH - LABEL_WIDTH) / BARS as f64;
    let mut path = String::new();
    for (bar, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        // What is rare is what people look for: it keeps a pixel.
        let height = (*count as f64 / highest * (ROW_HEIGHT - 6.0)).max(1.0);
        let x = LABEL_WIDTH + bar as f64 * width;
        write!(path, "M{x:.1} {base:.1}v-{height:.1}h{width:.1}v{height:.1}z")
            .expect("strings take everything");
    }
    let text_y = base - 8.0;
    let mut push = |part: String| svg.push_str(&part);
    push(format!(r#"<text x="10" y="{text_y:.1}">{}</text>"#, report.name));
    push(format!(r##"<path d="{path}" fill="#4078c0"/>"##));
    for (quantile, color) in [(0.5, "#101010"), (0.99, "#d04020")] {
        let x = position(report.latencies.value_at_quantile(quantile) as f64);
        push(format!(r#"<path d="M{x:.1} {base:.1}v-{:.1}" stroke="{color}"/>"#, ROW_HEIGHT - 4.0));
    }
}

/// Queries by latency, in equal steps of the logarithm.
fn bars(report: &Report) -> [u64; BARS] {
    let mut bars = [0; BARS];
    for step in report.latencies.iter_recorded() {
        let share = (position(step.value_iterated_to() as f64) - LABEL_WIDTH) / (WIDTH - LABEL_WIDTH);
        let bar = ((share * BARS as f64) as usize).min(BARS - 1);
        bars[bar] += u64::from(step.count_at_value());
    }
    bars
}

fn position(latency_us: f64) -> f64 {
    let share = (latency_us.clamp(LATENCY_US_MIN, LATENCY_US_MAX) / LATENCY_US_MIN).log10()
        / (LATENCY_US_MAX / LATENCY_US_MIN).log10();
    LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH)
}
