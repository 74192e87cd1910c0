//! How answers are written: for people as tables, for programs as JSON, lines of JSON or CSV.

mod cell;
mod pretty;
mod row_writer;

use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};
use photondb_datum::Datum;

pub use cell::plain_text;
pub use pretty::write_pretty;
pub use row_writer::RowWriter;

use crate::command_error::CommandError;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table for people; times in words, one document a row
    Table,
    /// One JSON text; the rows of a sequence are an array
    Json,
    /// JSON, one row on each line
    Ndjson,
    /// Comma-separated values under a line of names
    Csv,
}

/// How the answer of a command is written.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OutputArguments {
    /// How the answer is written: a table at a terminal, otherwise JSON
    #[arg(short, long, value_name = "FORMAT", env = "PHOTONDB_OUTPUT", global = true)]
    output: Option<OutputFormat>,
}

impl OutputArguments {
    /// The same, with a format by its name.
    pub fn with_format(self, name: &str) -> Result<Self, String> {
        let format = OutputFormat::from_str(name, true)
            .map_err(|_| format!("`{name}` is no format; formats are table, json, ndjson and csv"))?;
        Ok(Self { output: Some(format) })
    }

    /// The format of rows.
    pub fn format(&self) -> OutputFormat {
        self.output.unwrap_or_else(|| match io::stdout().is_terminal() {
            true => OutputFormat::Table,
            false => OutputFormat::Json,
        })
    }

    /// Prints rows that are all here, under these columns.
    pub fn list(&self, columns: &[&str], rows: impl IntoIterator<Item = Datum>) -> Result<(), CommandError> {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut writer = RowWriter::new(io::stdout().lock(), self.format()).with_columns(columns);
        for row in rows {
            writer.push(row)?;
        }
        writer.finish()
    }

    /// Prints names: a column of them, or an array of strings.
    pub fn names(&self, column: &str, names: Vec<String>) -> Result<(), CommandError> {
        let names = names.into_iter().map(Datum::string);
        match self.format() {
            OutputFormat::Json | OutputFormat::Ndjson => self.list(&[], names),
            OutputFormat::Table | OutputFormat::Csv => {
                self.list(&[column], names.map(|name| Datum::object([(column.to_owned(), name)])))
            }
        }
    }

    /// Prints one object: its fields one below the other, or one row.
    pub fn record(&self, fields: Vec<(&str, Datum)>) -> Result<(), CommandError> {
        if self.format() != OutputFormat::Table {
            let columns: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            return self.one(&columns, Datum::object(fields.iter().cloned()));
        }
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let lines = fields.iter().map(|(name, value)| format!("{name:width$}  {}\n", plain_text(value)));
        write_all(&lines.collect::<String>())
    }

    /// Says what was done: a sentence, or on request an object of fields.
    pub fn report(&self, sentence: &str, fields: &[(&str, Datum)]) -> Result<(), CommandError> {
        match self.output {
            None | Some(OutputFormat::Table) => write_all(&format!("{sentence}\n")),
            Some(_) => {
                let columns: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
                self.one(&columns, Datum::object(fields.iter().cloned()))
            }
        }
    }

    /// One object, which no array stands around.
    fn one(&self, columns: &[&str], object: Datum) -> Result<(), CommandError> {
        let format = match self.format() {
            OutputFormat::Json => OutputFormat::Ndjson,
            other => other,
        };
        Self { output: Some(format) }.list(columns, [object])
    }
}

/// Writes a text to the standard output.
pub fn write_all(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CommandError::Output)
}

/// A count as a value.
pub fn number(count: u64) -> Datum {
    Datum::Number(count as f64)
}

/// A count and what is counted: `1 table`, `2 tables`, `0 indexes`.
pub fn counted(count: u64, thing: &str) -> String {
    match thing {
        _ if count == 1 => format!("1 {thing}"),
        _ if thing.ends_with(['x', 's']) => format!("{count} {thing}es"),
        _ => match thing.strip_suffix("ry") {
            Some(stem) => format!("{count} {stem}ries"),
            None => format!("{count} {thing}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        assert_eq!(counted(1, "table"), "1 table");
        assert_eq!(counted(0, "table"), "0 tables");
        assert_eq!(counted(2, "index"), "2 indexes");
        assert_eq!(counted(3, "index entry"), "3 index entries");
    }
}
