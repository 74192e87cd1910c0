//! Documents out of JSON text, one by one.

use std::io::Read;

use photondb_base::limits::VALUE_BYTES_MAX;
use photondb_datum::json::{self, ParseLimits};
use photondb_datum::{Datum, DatumError};

use crate::error::ArchiveError;

/// Bytes asked for at once.
const READ_BYTES: usize = 256 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads an array of documents, or documents one behind the other (on lines of their own or
/// not). Holds no more than one document and a piece of what follows.
pub struct Documents<R> {
    source: R,
    name: String,
    buffer: Vec<u8>,
    /// What of the buffer was read by the caller, and how many bytes lie before it.
    start: usize,
    offset: u64,
    at_end: bool,
    row: u64,
    /// Ends of lines before `start`.
    lines: u64,
    /// The line on which the last document begins, from one.
    document_line: u64,
    shape: Shape,
    document_bytes_max: usize,
    may_be_empty: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unknown,
    Array,
    Lines,
    Done,
}

impl<R: Read> Documents<R> {
    /// Documents from a source, which errors call by a name.
    pub fn new(name: impl Into<String>, source: R) -> Self {
        Self {
            source,
            name: name.into(),
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            at_end: false,
            row: 0,
            lines: 0,
            document_line: 0,
            shape: Shape::Unknown,
            document_bytes_max: VALUE_BYTES_MAX,
            may_be_empty: false,
        }
    }

    /// Refuses documents whose text is longer.
    #[must_use]
    pub fn with_document_bytes_max(mut self, bytes: usize) -> Self {
        self.document_bytes_max = bytes;
        self
    }

    /// Takes a source without any text for one without documents, which it is where each has a
    /// line of its own.
    #[must_use]
    pub fn with_empty_allowed(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// How many bytes of the source the documents so far took.
    pub fn bytes_read(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// The line on which the last document begins, counted from one.
    pub fn line(&self) -> u64 {
        self.document_line
    }

    /// The text of the next document, which is an object as far as its brackets tell.
    pub fn next_text(&mut self) -> Result<Option<&[u8]>, ArchiveError> {
        if self.shape == Shape::Unknown {
            self.begin()?;
        } else if self.shape == Shape::Array {
            self.next_item()?;
        }
        if self.shape == Shape::Done {
            return Ok(None);
        }
        match self.peek()? {
            Some(b'{') => {}
            None if self.shape == Shape::Lines => {
                self.shape = Shape::Done;
                return Ok(None);
            }
            None => return Err(self.error("the text ends before the array does")),
            Some(byte) => return Err(self.unexpected(byte, "a document, which begins with {")),
        }
        let length = self.object_bytes()?;
        self.row += 1;
        let start = self.start;
        self.document_line = self.lines + 1;
        self.pass(length);
        Ok(self.buffer.get(start..start + length))
    }

    /// The next document.
    pub fn next_document(&mut self) -> Result<Option<Datum>, ArchiveError> {
        let limits = ParseLimits { array_size_max: usize::MAX, ..ParseLimits::default() };
        let parsed = match self.next_text()? {
            None => return Ok(None),
            Some(text) => json::parse(text, limits).map_err(|error| (error, text.len())),
        };
        parsed.map(Some).map_err(|(error, length)| {
            let inside = match &error {
                DatumError::Json { offset, .. } => *offset,
                _ => 0,
            };
            let offset = (self.bytes_read() - length as u64) + inside as u64;
            let (name, line) = (self.name.clone(), self.document_line);
            ArchiveError::Row { name, row: self.row, line, offset, detail: error.to_string() }
        })
    }

    /// Finds out whether there is an array.
    fn begin(&mut self) -> Result<(), ArchiveError> {
        while self.unread().len() < BYTE_ORDER_MARK.len() && self.fill()? {}
        if self.unread().starts_with(BYTE_ORDER_MARK) {
            self.pass(BYTE_ORDER_MARK.len());
        }
        self.shape = Shape::Lines;
        match self.peek()? {
            Some(b'[') => {
                self.pass(1);
                self.shape = Shape::Array;
                if self.peek()? == Some(b']') {
                    self.end_array()?;
                }
                Ok(())
            }
            Some(b'{') => Ok(()),
            Some(byte) => Err(self.unexpected(byte, "an array of documents or a document")),
            None if self.may_be_empty => Ok(()),
            None => Err(self.error("there is no text; no documents are written as []")),
        }
    }

    /// Goes from one item of an array to the next, or past its end.
    fn next_item(&mut self) -> Result<(), ArchiveError> {
        if self.row == 0 {
            return Ok(());
        }
        match self.peek()? {
            Some(b',') => {
                self.pass(1);
                Ok(())
            }
            Some(b']') => self.end_array(),
            Some(byte) => Err(self.unexpected(byte, "`,` or `]`")),
            None => Err(self.error("the text ends before the array does")),
        }
    }

    fn end_array(&mut self) -> Result<(), ArchiveError> {
        self.pass(1);
        self.shape = Shape::Done;
        match self.peek()? {
            None => Ok(()),
            Some(byte) => Err(self.unexpected(byte, "nothing behind the array")),
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Result<Option<u8>, ArchiveError> {
        loop {
            let unread = self.unread();
            let blank = unread.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            let byte = unread.get(blank).copied();
            self.pass(blank);
            if byte.is_some() || !self.fill()? {
                return Ok(byte);
            }
        }
    }

    /// The length of the object that begins here, by its brackets.
    fn object_bytes(&mut self) -> Result<usize, ArchiveError> {
        let (mut at, mut depth, mut in_string) = (0, 0_usize, false);
        loop {
            let unread = self.unread();
            while let Some(byte) = unread.get(at) {
                at += 1;
                match byte {
                    b'"' => in_string = !in_string,
                    // What is escaped is never looked at, and may not be here yet.
                    b'\\' if in_string => at += 1,
                    b'{' | b'[' if !in_string => depth += 1,
                    b'}' | b']' if !in_string => {
                        depth -= 1;
                        if depth == 0 {
                            self.check_length(at)?;
                            return Ok(at);
                        }
                    }
                    _ => {}
                }
            }
            self.check_length(unread.len())?;
            if !self.fill()? {
                return Err(self.error("the text ends within a document"));
            }
        }
    }

    fn check_length(&self, bytes: usize) -> Result<(), ArchiveError> {
        if bytes <= self.document_bytes_max {
            return Ok(());
        }
        Err(self.error(format!("the document is longer than {} bytes", self.document_bytes_max)))
    }

    /// Leaves bytes behind that were looked at.
    fn pass(&mut self, bytes: usize) {
        let passed = self.unread().get(..bytes).unwrap_or_default();
        self.lines += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.start += bytes;
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads more. Says whether there was any.
    fn fill(&mut self) -> Result<bool, ArchiveError> {
        if self.at_end {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.offset += self.start as u64;
        self.start = 0;
        let before = self.buffer.len();
        // A long document is read in pieces that grow with it.
        let wanted = READ_BYTES.max(before) as u64;
        let read = self.source.by_ref().take(wanted).read_to_end(&mut self.buffer);
        read.map_err(ArchiveError::io("read", &self.name))?;
        self.at_end = self.buffer.len() == before;
        Ok(!self.at_end)
    }

    fn unexpected(&self, byte: u8, wanted: &str) -> ArchiveError {
        self.error(format!("expected {wanted}, found `{}`", byte.escape_ascii()))
    }

    fn error(&self, detail: impl Into<String>) -> ArchiveError {
        let (name, offset) = (self.name.clone(), self.bytes_read());
        ArchiveError::Row { name, row: self.row + 1, line: self.lines + 1, offset, detail: detail.into() }
    }
}

impl<R: Read> Iterator for Documents<R> {
    type Item = Result<Datum, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_document();
        if next.is_err() {
            self.shape = Shape::Done;
        }
        next.transpose()
    }
}
