//! Messages: to stderr for the operator, to the log book for the `logs` table.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use photondb::LogBook;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::command_line::LogFormat;

/// Starts logging. Panics are logged as errors from now on.
pub fn start(level: &str, format: LogFormat, book: Arc<LogBook>) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(level)?;
    let output = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let output = match format {
        LogFormat::Text => output.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => output.json().with_filter(filter).boxed(),
    };
    // What the table has does not depend on what the operator wants to see on stderr.
    let book = BookLayer(book).with_filter(LevelFilter::INFO);
    // Fails only when logging was started before, and then it works.
    drop(registry().with(output).with(book).try_init());
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "panic: {text}");
    }));
    Ok(())
}

/// Copies messages into the log book.
struct BookLayer(Arc<LogBook>);

impl<S: Subscriber> Layer<S> for BookLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            // The filter lets nothing else through.
            _ => return,
        };
        let mut text = MessageText::default();
        event.record(&mut text);
        self.0.push(level, text.message + &text.fields);
    }
}

#[derive(Default)]
struct MessageText {
    message: String,
    fields: String,
}

impl Visit for MessageText {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let target = if field.name() == "message" { &mut self.message } else { &mut self.fields };
        if field.name() != "message" {
            target.push_str(&format!(" {}=", field.name()));
        }
        target.push_str(&format!("{value:?}"));
    }
}
