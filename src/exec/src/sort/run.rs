//! Runs: rows in order, in a file.
//!
//! A row is a length of four bytes, little-endian, and a packed array: what the row is sorted
//! by, each value in an array of its own that is empty when there is none, and the row.

use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use photondb_datum::{Datum, packed};

use crate::error::{EvalError, Result};
use crate::sort::spill::SpillFile;

/// Bytes that go to the disk, or come from it, together.
pub(super) const BUFFER_BYTES: usize = 16 << 10;

/// What a row is sorted by, and the row.
pub(super) type Keyed = (Vec<Option<Datum>>, Datum);

/// A run that is complete.
pub(super) struct Run {
    file: Box<dyn SpillFile>,
    bytes: u64,
}

/// A run that is being written.
pub(super) struct RunWriter {
    file: BufWriter<Box<dyn SpillFile>>,
    row: Vec<u8>,
    bytes: u64,
}

/// A run that is being read.
pub(super) struct RunReader {
    file: BufReader<Box<dyn SpillFile>>,
    bytes_left: u64,
}

/// The complaint about a disk that does not do what it should.
pub(super) fn failed(error: &io::Error) -> EvalError {
    EvalError::resource(format!(
        "The rows to be sorted or grouped do not fit into the memory of the query, and putting them on disk \
         failed: {error}"
    ))
}

/// The complaint about a sort of far too many rows.
pub(super) fn too_much(bytes_max: u64) -> EvalError {
    EvalError::resource(format!(
        "The rows to be sorted or grouped take more than {} GB of disk. Use an index to order them, or fewer or \
         smaller rows.",
        bytes_max >> 30
    ))
}

impl Run {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn read(mut self) -> Result<RunReader> {
        self.file.seek(SeekFrom::Start(0)).map_err(|error| failed(&error))?;
        Ok(RunReader { file: BufReader::with_capacity(BUFFER_BYTES, self.file), bytes_left: self.bytes })
    }
}

impl RunWriter {
    pub(super) fn new(file: Box<dyn SpillFile>) -> Self {
        Self { file: BufWriter::with_capacity(BUFFER_BYTES, file), row: Vec::new(), bytes: 0 }
    }

    pub(super) fn write(&mut self, values: Vec<Option<Datum>>, row: Datum) -> Result<()> {
        let values = values.into_iter().map(|value| Datum::from(value.into_iter().collect::<Vec<_>>()));
        let values = Datum::from(values.collect::<Vec<_>>());
        self.row.clear();
        packed::encode_into(&Datum::from(vec![values, row]), &mut self.row);
        let length =
            u32::try_from(self.row.len()).map_err(|_| failed(&io::ErrorKind::FileTooLarge.into()))?;
        let written =
            self.file.write_all(&length.to_le_bytes()).and_then(|()| self.file.write_all(&self.row));
        written.map_err(|error| failed(&error))?;
        self.bytes += 4 + u64::from(length);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Run> {
        let file = self.file.into_inner().map_err(|error| failed(error.error()))?;
        Ok(Run { file, bytes: self.bytes })
    }
}

impl RunReader {
    pub(super) fn next(&mut self) -> Result<Option<Keyed>> {
        if self.bytes_left == 0 {
            return Ok(None);
        }
        let row = self.read_row().map_err(|error| failed(&error))?;
        keyed(packed::decode(row.into())?).map(Some).ok_or_else(|| failed(&io::ErrorKind::InvalidData.into()))
    }

    fn read_row(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let rest = self.bytes_left.checked_sub(4 + u64::from(length)).ok_or(io::ErrorKind::InvalidData)?;
        let mut row = vec![0; length as usize];
        self.file.read_exact(&mut row)?;
        self.bytes_left = rest;
        Ok(row)
    }
}

fn keyed(datum: Datum) -> Option<Keyed> {
    let Datum::Array(pair) = datum else { return None };
    let (Datum::Array(values), row) = (pair.get(0)?, pair.get(1)?) else { return None };
    let value = |value: Datum| match value {
        Datum::Array(value) => Some(value.get(0)),
        _ => None,
    };
    Some((values.iter().map(value).collect::<Option<_>>()?, row))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn rows() -> Vec<Keyed> {
        let long = Datum::from("x".repeat(3 * BUFFER_BYTES).as_str());
        vec![
            (vec![None, Some(Datum::Null)], Datum::Number(1.0)),
            (vec![Some(Datum::MinVal), Some(Datum::from(vec![]))], long),
            (vec![Some(Datum::MaxVal), None], Datum::object([("a", Datum::Bool(true))])),
        ]
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut writer = RunWriter::new(Box::new(Cursor::new(Vec::new())));
        for (values, row) in rows() {
            writer.write(values, row).unwrap();
        }
        let mut reader = writer.finish().unwrap().read().unwrap();
        for row in rows() {
            assert_eq!(reader.next().unwrap(), Some(row));
        }
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn a_file_that_lost_bytes_is_an_error() {
        let mut writer = RunWriter::new(Box::new(Cursor::new(Vec::new())));
        writer.write(vec![None], Datum::from("a row")).unwrap();
        let whole = writer.finish().unwrap();
        let bytes = whole.bytes;
        let cut = Run { file: Box::new(Cursor::new(vec![0; 3])), bytes };
        assert!(cut.read().unwrap().next().is_err());
        let wrong = Run { file: Box::new(Cursor::new(vec![0xff; bytes as usize])), bytes };
        assert!(wrong.read().unwrap().next().is_err());
    }
}
