//! The rows of one file, each with the line on which it begins.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use photondb_archive::Documents;
use photondb_datum::{Datum, ObjectBuilder, Text};

use super::column_type::{ColumnType, TypedColumn};
use crate::command_error::CommandError;
use crate::export::FileFormat;

/// Stands for the standard input.
const FROM_INPUT: &str = "-";

/// How a file is read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    pub format: FileFormat,
    /// These fields alone; all of them when there are none.
    pub fields: Vec<String>,
    pub delimiter: u8,
    pub no_header: bool,
    pub custom_header: Vec<String>,
    pub types: Vec<TypedColumn>,
    pub document_bytes_max: Option<usize>,
    pub nesting_depth_max: Option<usize>,
}

/// The rows of one file.
pub struct FileRows {
    name: String,
    kind: Kind,
    fields: Vec<String>,
    nesting_depth_max: Option<usize>,
}

enum Kind {
    Json(Documents<Box<dyn Read>>),
    Csv(Box<CsvRows>),
}

struct CsvRows {
    reader: csv::Reader<Box<dyn Read>>,
    columns: Vec<(Text, ColumnType)>,
    record: csv::StringRecord,
}

/// A row and where it comes from.
pub struct FileRow {
    pub document: Datum,
    pub line: u64,
}

impl FileRows {
    /// Opens a file, or the standard input.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, CommandError> {
        let source: Box<dyn Read> = match path.as_os_str() == FROM_INPUT {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(CommandError::file("open", path))?),
        };
        let name = path.display().to_string();
        let kind = match options.format {
            FileFormat::Json | FileFormat::Ndjson => {
                let mut documents = Documents::new(name.clone(), source);
                if options.format == FileFormat::Ndjson {
                    documents = documents.with_empty_allowed();
                }
                Kind::Json(match options.document_bytes_max {
                    Some(bytes) => documents.with_document_bytes_max(bytes),
                    None => documents,
                })
            }
            FileFormat::Csv => Kind::Csv(Box::new(CsvRows::open(&name, source, options)?)),
        };
        let (fields, nesting_depth_max) = (options.fields.clone(), options.nesting_depth_max);
        Ok(Self { name, kind, fields, nesting_depth_max })
    }

    /// The next row.
    pub fn next_row(&mut self) -> Result<Option<FileRow>, CommandError> {
        let row = match &mut self.kind {
            Kind::Json(documents) => {
                documents.next_document()?.map(|document| FileRow { document, line: documents.line() })
            }
            Kind::Csv(rows) => rows.next_row(&self.name)?,
        };
        let Some(mut row) = row else { return Ok(None) };
        if let Some(depth_max) = self.nesting_depth_max.filter(|depth_max| row.document.depth() > *depth_max)
        {
            let text = format!("the document is nested more than {depth_max} deep");
            return Err(at_line(&self.name, row.line, &text));
        }
        if !self.fields.is_empty()
            && let Datum::Object(object) = &row.document
        {
            let kept =
                object.iter().filter(|(name, _)| self.fields.iter().any(|field| field == name.as_str()));
            row.document = Datum::object(kept);
        }
        Ok(Some(row))
    }

    /// How many bytes of the file the rows so far took.
    pub fn bytes_read(&self) -> u64 {
        match &self.kind {
            Kind::Json(documents) => documents.bytes_read(),
            Kind::Csv(rows) => rows.reader.position().byte(),
        }
    }
}

impl CsvRows {
    fn open(name: &str, source: Box<dyn Read>, options: &ReadOptions) -> Result<Self, CommandError> {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(options.delimiter).has_headers(!options.no_header).flexible(true);
        let mut reader = builder.from_reader(source);
        let names: Vec<String> = match options.custom_header.is_empty() {
            false => options.custom_header.clone(),
            true => {
                let header = reader.headers().map_err(|error| csv_error(name, error))?;
                header.iter().map(|cell| cell.trim_start_matches('\u{feff}').to_owned()).collect()
            }
        };
        let types: HashMap<&str, ColumnType> =
            options.types.iter().map(|typed| (typed.name.as_str(), typed.kind)).collect();
        if let Some(unknown) = types.keys().find(|typed| !names.iter().any(|name| name == *typed)) {
            let columns = names.join(", ");
            return Err(CommandError::Usage(format!(
                "--types: {name} has no column `{unknown}`, but {columns}"
            )));
        }
        let kind = |name: &str| types.get(name).copied().unwrap_or(ColumnType::String);
        let columns = names.iter().map(|name| (Text::from(name.as_str()), kind(name))).collect();
        Ok(Self { reader, columns, record: csv::StringRecord::new() })
    }

    fn next_row(&mut self, name: &str) -> Result<Option<FileRow>, CommandError> {
        if !self.reader.read_record(&mut self.record).map_err(|error| csv_error(name, error))? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() > self.columns.len() {
            let text = format!("{} values for {} columns", self.record.len(), self.columns.len());
            return Err(at_line(name, line, &text));
        }
        let mut object = ObjectBuilder::new();
        for ((column, kind), cell) in self.columns.iter().zip(&self.record) {
            // Nothing between two commas is no field, as in RethinkDB's tool.
            if cell.is_empty() {
                continue;
            }
            let value =
                kind.read(cell).map_err(|error| at_line(name, line, &format!("`{column}`: {error}")))?;
            object.insert(column.clone(), value);
        }
        let document = object.into_datum().map_err(|error| at_line(name, line, &error.to_string()))?;
        Ok(Some(FileRow { document, line }))
    }
}

fn csv_error(name: &str, error: csv::Error) -> CommandError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            at_line(name, line, &format!("value {} is no UTF-8 text", err.field() + 1))
        }
        _ => CommandError::Refused(format!("{name}: {error}")),
    }
}

fn at_line(name: &str, line: u64, text: &str) -> CommandError {
    CommandError::Refused(format!("{name}: line {line}: {text}"))
}
