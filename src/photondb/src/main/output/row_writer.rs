//! Rows on their way out, in any format.

use std::io::{BufWriter, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use photondb_datum::{Datum, json};

use super::OutputFormat;
use super::cell::{csv_text, plain_text};
use crate::command_error::CommandError;

/// Rows that are looked at together to find the columns and their widths.
const ROWS_TOGETHER_MAX: usize = 1_000;
/// The column of rows that are no objects.
const VALUE_COLUMN: &str = "value";
/// Columns narrower than this are no use; the fields stand one below the other then.
const COLUMN_WIDTH_MIN: usize = 8;
/// Lines of one cell.
const CELL_LINES_MAX: usize = 6;

/// Writes rows in a format. Nothing but a bounded number of rows is held.
pub struct RowWriter<W: Write> {
    out: BufWriter<W>,
    format: OutputFormat,
    columns: Vec<String>,
    pending: Vec<Datum>,
    written: u64,
    header_written: bool,
    width: Option<usize>,
    delimiter: u8,
}

impl<W: Write> RowWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W, format: OutputFormat) -> Self {
        Self {
            out: BufWriter::new(out),
            format,
            columns: Vec::new(),
            pending: Vec::new(),
            written: 0,
            header_written: false,
            width: terminal_width(),
            delimiter: b',',
        }
    }

    /// Shows these fields, in this order; otherwise the fields of the first rows are the columns.
    #[must_use]
    pub fn with_columns(mut self, columns: Vec<String>) -> Self {
        self.columns = columns;
        self
    }

    /// Separates the fields of CSV by this.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Takes a row.
    pub fn push(&mut self, row: Datum) -> Result<(), CommandError> {
        match self.format {
            OutputFormat::Json => {
                let before = if self.written == 0 { "[\n" } else { ",\n" };
                self.write_json(before, &row, "")
            }
            OutputFormat::Ndjson => self.write_json("", &row, "\n"),
            OutputFormat::Table | OutputFormat::Csv => {
                self.pending.push(row);
                if self.pending.len() >= ROWS_TOGETHER_MAX {
                    self.write_pending()?;
                }
                Ok(())
            }
        }
    }

    /// Shows what is here: whoever watches need not wait for the end.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        self.write_pending()?;
        self.out.flush().map_err(CommandError::Output)
    }

    /// Writes what is missing at the end.
    pub fn finish(mut self) -> Result<(), CommandError> {
        self.write_pending()?;
        match self.format {
            OutputFormat::Json => self.write_text(if self.written == 0 { "[]\n" } else { "\n]\n" })?,
            OutputFormat::Csv if !self.header_written && !self.columns.is_empty() => {
                let columns = self.columns.clone();
                self.write_record(&columns)?;
            }
            _ => {}
        }
        self.out.flush().map_err(CommandError::Output)
    }

    fn write_pending(&mut self) -> Result<(), CommandError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        match self.format {
            OutputFormat::Csv => self.write_csv(&rows),
            _ => self.write_table(&rows),
        }
    }

    fn write_table(&mut self, rows: &[Datum]) -> Result<(), CommandError> {
        let columns = match self.columns.is_empty() {
            true => columns_of(rows),
            false => self.columns.clone(),
        };
        self.written += rows.len() as u64;
        if self.width.is_some_and(|width| columns.len() * COLUMN_WIDTH_MIN > width) {
            return self.write_records(&columns, rows);
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        match self.width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        table.set_header(&columns);
        for row in rows {
            let cells = columns.iter().map(|column| match field(row, column) {
                None => Cell::new(""),
                Some(value @ Datum::Number(_)) => {
                    Cell::new(plain_text(&value)).set_alignment(CellAlignment::Right)
                }
                Some(value) => Cell::new(plain_text(&value)),
            });
            let mut row = comfy_table::Row::from(cells.collect::<Vec<Cell>>());
            row.max_height(CELL_LINES_MAX);
            table.add_row(row);
        }
        self.write_text(&format!("{}\n", table.trim_fmt()))
    }

    fn write_records(&mut self, columns: &[String], rows: &[Datum]) -> Result<(), CommandError> {
        let width = columns.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        for row in rows {
            let mut text = String::new();
            for (column, value) in columns.iter().filter_map(|name| Some((name, field(row, name)?))) {
                text.push_str(&format!("{column:width$}  {}\n", plain_text(&value)));
            }
            self.write_text(&format!("{text}\n"))?;
        }
        Ok(())
    }

    fn write_csv(&mut self, rows: &[Datum]) -> Result<(), CommandError> {
        if !self.header_written {
            if self.columns.is_empty() {
                self.columns = columns_of(rows);
            }
            self.header_written = true;
            let columns = self.columns.clone();
            self.write_record(&columns)?;
        }
        for row in rows {
            self.written += 1;
            if let Some(name) =
                columns_of(std::slice::from_ref(row)).into_iter().find(|name| !self.columns.contains(name))
            {
                return Err(CommandError::Refused(format!(
                    "row {} has a field `{name}` that the first {ROWS_TOGETHER_MAX} rows do not have and that \
                     no column is for; name the fields with `pluck`, or write ndjson",
                    self.written
                )));
            }
            let cells: Vec<String> = self
                .columns
                .iter()
                .map(|column| field(row, column).as_ref().map(csv_text).unwrap_or_default())
                .collect();
            self.write_record(&cells)?;
        }
        Ok(())
    }

    fn write_record(&mut self, cells: &[String]) -> Result<(), CommandError> {
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(&mut self.out);
        let written = writer.write_record(cells).map_err(std::io::Error::from);
        written.and_then(|()| writer.flush()).map_err(CommandError::Output)
    }

    fn write_json(&mut self, before: &str, row: &Datum, after: &str) -> Result<(), CommandError> {
        let mut text = before.as_bytes().to_vec();
        json::write(row, &mut text).map_err(|error| CommandError::Query(error.to_string()))?;
        text.extend_from_slice(after.as_bytes());
        self.written += 1;
        self.out.write_all(&text).map_err(CommandError::Output)
    }

    fn write_text(&mut self, text: &str) -> Result<(), CommandError> {
        self.out.write_all(text.as_bytes()).map_err(CommandError::Output)
    }
}

/// The fields of rows in the order in which they are met, a field `id` first.
fn columns_of(rows: &[Datum]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for row in rows {
        let names: Vec<String> = match row.as_object().filter(|_| row.is_plain_object()) {
            Some(object) => object.keys().map(|key| key.as_str().to_owned()).collect(),
            None => vec![VALUE_COLUMN.to_owned()],
        };
        columns.extend(names.into_iter().filter(|name| known.insert(name.clone())));
    }
    columns.sort_by_key(|name| name != "id");
    columns
}

fn field(row: &Datum, column: &str) -> Option<Datum> {
    match row.is_plain_object() {
        true => row.get(column),
        false => (column == VALUE_COLUMN).then(|| row.clone()),
    }
}

/// Characters of a line of the terminal, when the output goes there.
fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: OutputFormat, columns: &[&str], rows: &[Datum], width: Option<usize>) -> String {
        let mut out = Vec::new();
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut writer = RowWriter::new(&mut out, format).with_columns(columns);
        writer.width = width;
        rows.iter().for_each(|row| writer.push(row.clone()).expect("takes it"));
        writer.finish().expect("writes");
        String::from_utf8(out).expect("text")
    }

    fn rows() -> [Datum; 2] {
        [
            Datum::object([("a", Datum::from("x,\"y\"")), ("id", Datum::from(1))]),
            Datum::object([("b", Datum::Null), ("id", Datum::from(20))]),
        ]
    }

    #[test]
    fn every_format() {
        let rows = rows();
        assert_eq!(
            written(OutputFormat::Table, &[], &rows, None),
            "┌────┬───────┬──────┐\n\
             │ id ┆ a     ┆ b    │\n\
             ╞════╪═══════╪══════╡\n\
             │  1 ┆ x,\"y\" ┆      │\n\
             │ 20 ┆       ┆ null │\n\
             └────┴───────┴──────┘\n"
        );
        assert_eq!(written(OutputFormat::Csv, &[], &rows, None), "id,a,b\n1,\"x,\"\"y\"\"\",\n20,,\n");
        assert_eq!(
            written(OutputFormat::Json, &[], &rows, None),
            "[\n{\"a\":\"x,\\\"y\\\"\",\"id\":1},\n{\"b\":null,\"id\":20}\n]\n"
        );
        assert_eq!(
            written(OutputFormat::Ndjson, &[], &rows, None),
            "{\"a\":\"x,\\\"y\\\"\",\"id\":1}\n{\"b\":null,\"id\":20}\n"
        );
    }

    #[test]
    fn nothing_and_little_room() {
        assert_eq!(written(OutputFormat::Json, &[], &[], None), "[]\n");
        assert_eq!(written(OutputFormat::Csv, &["a", "b"], &[], None), "a,b\n");
        assert_eq!(written(OutputFormat::Table, &[], &[], None), "");
        let narrow = written(OutputFormat::Table, &[], &rows(), Some(20));
        assert_eq!(narrow, "id  1\na   x,\"y\"\n\nid  20\nb   null\n\n");
        assert_eq!(written(OutputFormat::Csv, &[], &[Datum::from(3)], None), "value\n3\n");
    }

    #[test]
    fn a_late_field_is_not_lost_in_silence() {
        let mut many: Vec<Datum> =
            (0..ROWS_TOGETHER_MAX as u32).map(|id| Datum::object([("id", Datum::from(id))])).collect();
        many.push(Datum::object([("late", Datum::Null)]));
        let mut writer = RowWriter::new(Vec::new(), OutputFormat::Csv);
        many.into_iter().for_each(|row| writer.push(row).expect("takes it"));
        let error = writer.finish().expect_err("no column").to_string();
        assert!(error.contains("row 1001 has a field `late`"), "{error}");
    }
}
