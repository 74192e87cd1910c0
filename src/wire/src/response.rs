//! Answers, written row by row into the bytes that go to the socket.

use photondb_datum::{Datum, json};
use photondb_reql::{Frame, ReqlError};

use crate::frame::{HEADER_BYTES, Token, begin_frame, end_frame};

/// What kind of answer a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseType {
    /// One value.
    SuccessAtom = 1,
    /// The last rows.
    SuccessSequence = 2,
    /// Rows, and there is more.
    SuccessPartial = 3,
    /// Every query without reply is done.
    WaitComplete = 4,
    /// The server's id and name.
    ServerInfo = 5,
    /// The driver's mistake.
    ClientError = 16,
    /// The query is malformed.
    CompileError = 17,
    /// The evaluation failed.
    RuntimeError = 18,
}

impl ResponseType {
    /// The type with a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::SuccessAtom,
            2 => Self::SuccessSequence,
            3 => Self::SuccessPartial,
            4 => Self::WaitComplete,
            5 => Self::ServerInfo,
            16 => Self::ClientError,
            17 => Self::CompileError,
            18 => Self::RuntimeError,
            _ => return None,
        })
    }

    /// Whether the answer is an error.
    pub const fn is_error(self) -> bool {
        self as u8 >= 16
    }
}

/// What a driver is told about the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseNote {
    /// A feed of a sequence.
    SequenceFeed = 1,
    /// A feed of one document.
    AtomFeed = 2,
    /// A feed of the first documents of an order.
    OrderByLimitFeed = 3,
    /// A feed of several feeds.
    UnionedFeed = 4,
    /// The feed tells its states.
    IncludesStates = 5,
}

impl ResponseNote {
    /// The note with a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::SequenceFeed,
            2 => Self::AtomFeed,
            3 => Self::OrderByLimitFeed,
            4 => Self::UnionedFeed,
            5 => Self::IncludesStates,
            _ => return None,
        })
    }
}

/// An answer under construction: rows are written as they come, no tree is built, and the
/// length is filled in at the end.
#[must_use = "an answer must be finished"]
pub struct ResponseWriter<'a> {
    output: &'a mut Vec<u8>,
    start: usize,
    token: Token,
    rows: usize,
}

impl<'a> ResponseWriter<'a> {
    /// Begins an answer without error.
    pub fn begin(token: Token, kind: ResponseType, output: &'a mut Vec<u8>) -> Self {
        let start = begin_frame(token, output);
        output.extend_from_slice(b"{\"t\":");
        write_number(kind as u64, output);
        output.extend_from_slice(b",\"r\":[");
        Self { output, start, token, rows: 0 }
    }

    /// Writes one row. Fails for a row that holds `r.minval` or `r.maxval`, and leaves the
    /// answer as it was: it may be abandoned for the error.
    pub fn row(&mut self, row: &Datum) -> Result<(), ReqlError> {
        self.row_with(|output| Ok(json::write(row, output)?))
    }

    /// The same for a row that writes itself as JSON.
    pub fn row_with(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), ReqlError>,
    ) -> Result<(), ReqlError> {
        let start = self.output.len();
        if self.rows > 0 {
            self.output.push(b',');
        }
        if let Err(error) = write(self.output) {
            self.output.truncate(start);
            return Err(error);
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes of the answer so far.
    pub fn bytes(&self) -> usize {
        self.output.len() - self.start
    }

    /// Gives the answer up, as if it had never begun: what an error that shows up among
    /// the rows needs.
    pub fn abandon(self) {
        self.output.truncate(self.start);
    }

    /// Ends the answer. Answers with rows of a sequence carry notes, even if there is none.
    pub fn finish(self, notes: Option<&[ResponseNote]>, profile: Option<&Datum>) {
        self.output.push(b']');
        if let Some(profile) = profile {
            self.output.extend_from_slice(b",\"p\":");
            write_profile(profile, self.output);
        }
        if let Some(notes) = notes {
            self.output.extend_from_slice(b",\"n\":[");
            for (position, note) in notes.iter().enumerate() {
                if position > 0 {
                    self.output.push(b',');
                }
                write_number(*note as u64, self.output);
            }
            self.output.push(b']');
        }
        self.output.push(b'}');
        close_frame(self.token, self.start, self.output);
    }
}

/// Writes an answer that is one value, or the error that JSON cannot say it.
pub fn write_atom(token: Token, value: &Datum, profile: Option<&Datum>, output: &mut Vec<u8>) {
    write_value(token, ResponseType::SuccessAtom, value, profile, output);
}

/// Writes the answer to `NOREPLY_WAIT`.
pub fn write_wait_complete(token: Token, output: &mut Vec<u8>) {
    ResponseWriter::begin(token, ResponseType::WaitComplete, output).finish(None, None);
}

/// Writes the answer to `SERVER_INFO`.
pub fn write_server_info(token: Token, info: &Datum, output: &mut Vec<u8>) {
    write_value(token, ResponseType::ServerInfo, info, None, output);
}

/// Writes an error.
pub fn write_error(token: Token, error: &ReqlError, profile: Option<&Datum>, output: &mut Vec<u8>) {
    let start = begin_frame(token, output);
    output.extend_from_slice(b"{\"t\":");
    write_number(u64::from(error.kind.response_type()), output);
    if let Some(code) = error.kind.code() {
        output.extend_from_slice(b",\"e\":");
        write_number(u64::from(code), output);
    }
    output.extend_from_slice(b",\"r\":[");
    json::write_string(&error.message, output);
    output.extend_from_slice(b"],\"b\":[");
    for (position, frame) in error.backtrace.iter().enumerate() {
        if position > 0 {
            output.push(b',');
        }
        match frame {
            Frame::Position(argument) => write_number(u64::from(*argument), output),
            Frame::Optarg(name) => json::write_string(name.as_str(), output),
        }
    }
    output.push(b']');
    if let Some(profile) = profile {
        output.extend_from_slice(b",\"p\":");
        write_profile(profile, output);
    }
    output.push(b'}');
    close_frame(token, start, output);
}

fn write_value(
    token: Token,
    kind: ResponseType,
    value: &Datum,
    profile: Option<&Datum>,
    output: &mut Vec<u8>,
) {
    let mut response = ResponseWriter::begin(token, kind, output);
    match response.row(value) {
        Ok(()) => response.finish(None, profile),
        Err(error) => {
            response.abandon();
            write_error(token, &error, profile, output);
        }
    }
}

/// Profiles are made by the server and hold nothing that JSON cannot say.
fn write_profile(profile: &Datum, output: &mut Vec<u8>) {
    if json::write(profile, output).is_err() {
        output.extend_from_slice(b"null");
    }
}

/// Fills in the length; an answer that no frame can hold becomes an error.
fn close_frame(token: Token, start: usize, output: &mut Vec<u8>) {
    if end_frame(start, output) {
        return;
    }
    let size = output.len() - start - HEADER_BYTES;
    output.truncate(start);
    let message = format!("Response size ({size}) greater than maximum ({}).", u32::MAX - 1);
    write_error(token, &ReqlError::resource_limit(message), None, output);
}

fn write_number(number: u64, output: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut count = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    output.extend(digits.iter().skip(digits.len() - count));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> &str {
        std::str::from_utf8(&bytes[HEADER_BYTES..]).expect("text")
    }

    #[test]
    fn answers_are_compact_json_behind_a_header() {
        let mut output = Vec::new();
        let mut response = ResponseWriter::begin(Token(3), ResponseType::SuccessPartial, &mut output);
        assert_eq!(response.row(&Datum::Number(1.0)), Ok(()));
        assert!(response.row(&Datum::MinVal).is_err());
        assert_eq!(response.row(&Datum::string("a\"b")), Ok(()));
        assert_eq!(response.rows(), 2);
        response.finish(Some(&[ResponseNote::SequenceFeed, ResponseNote::IncludesStates]), None);
        assert_eq!(body(&output), r#"{"t":3,"r":[1,"a\"b"],"n":[1,5]}"#);
        assert_eq!(output[..8], 3u64.to_le_bytes());
        assert_eq!(output[8..12], ((output.len() - HEADER_BYTES) as u32).to_le_bytes());

        output.clear();
        write_atom(Token(1), &Datum::Null, Some(&Datum::Bool(true)), &mut output);
        assert_eq!(body(&output), r#"{"t":1,"r":[null],"p":true}"#);
        output.clear();
        write_wait_complete(Token(1), &mut output);
        assert_eq!(body(&output), r#"{"t":4,"r":[]}"#);
    }

    #[test]
    fn errors_carry_code_and_place() {
        let mut output = Vec::new();
        let place = vec![Frame::Position(0), Frame::Optarg("in\"dex".into())];
        write_error(Token(1), &ReqlError::non_existence("No\nsuch").at(place), None, &mut output);
        assert_eq!(body(&output), r#"{"t":18,"e":3100000,"r":["No\nsuch"],"b":[0,"in\"dex"]}"#);
        output.clear();
        write_error(Token(1), &ReqlError::compile("x"), None, &mut output);
        assert_eq!(body(&output), r#"{"t":17,"r":["x"],"b":[]}"#);
    }

    #[test]
    fn an_abandoned_answer_leaves_nothing() {
        let mut output = b"before".to_vec();
        let mut response = ResponseWriter::begin(Token(3), ResponseType::SuccessSequence, &mut output);
        assert_eq!(response.row(&Datum::Null), Ok(()));
        response.abandon();
        assert_eq!(output, b"before");
    }

    #[test]
    fn numbers() {
        for number in [0, 9, 10, 4_100_000, u64::MAX] {
            let mut output = Vec::new();
            write_number(number, &mut output);
            assert_eq!(output, number.to_string().as_bytes());
        }
    }
}
