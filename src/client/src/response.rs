//! One answer, read.

use photondb_base::limits::NESTING_DEPTH_MAX;
use photondb_datum::Datum;
use photondb_datum::json::{self, ParseLimits};
use photondb_datum::packed::Duplicates;
use photondb_reql::{Backtrace, ErrorKind, Frame, ReqlError};
use photondb_wire::{ResponseNote, ResponseType};

use crate::ClientError;

/// The server has checked its values; an answer wraps them in two levels of its own.
const LIMITS: ParseLimits = ParseLimits {
    depth_max: NESTING_DEPTH_MAX + 2,
    array_size_max: usize::MAX,
    duplicates: Duplicates::Reject,
};

/// One answer without error.
#[derive(Clone, Debug)]
pub struct Response {
    /// What kind.
    pub kind: ResponseType,
    /// The rows; for an atom, one.
    pub rows: Vec<Datum>,
    /// What is told about the rows.
    pub notes: Vec<ResponseNote>,
    /// The profile, if the query asked for it.
    pub profile: Option<Datum>,
}

impl Response {
    /// Reads the body of a frame; an answer with an error becomes that error.
    pub fn parse(body: &[u8]) -> Result<Self, ClientError> {
        let answer = json::parse(body, LIMITS).map_err(|_| ClientError::Malformed("no JSON"))?;
        let kind = answer
            .get("t")
            .and_then(|number| number.as_number())
            .and_then(|number| ResponseType::from_number(number as u8))
            .ok_or(ClientError::Malformed("no type"))?;
        let rows: Vec<Datum> = match answer.get("r") {
            Some(Datum::Array(rows)) => rows.iter().collect(),
            _ => return Err(ClientError::Malformed("no rows")),
        };
        if kind.is_error() {
            return Err(error(kind, &answer, &rows).into());
        }
        let notes = match answer.get("n") {
            Some(Datum::Array(notes)) => {
                notes.iter().filter_map(|note| ResponseNote::from_number(note.as_number()? as u8)).collect()
            }
            _ => Vec::new(),
        };
        Ok(Self { kind, rows, notes, profile: answer.get("p") })
    }

    /// Whether more follows.
    pub fn is_partial(&self) -> bool {
        self.kind == ResponseType::SuccessPartial
    }
}

fn error(kind: ResponseType, answer: &Datum, rows: &[Datum]) -> ReqlError {
    let code = answer.get("e").and_then(|code| code.as_number()).map(|code| code as u32);
    let kind = ErrorKind::from_wire(kind as u8, code).unwrap_or(ErrorKind::Internal);
    let message = rows.first().and_then(Datum::as_str).unwrap_or_default();
    let backtrace: Backtrace = match answer.get("b") {
        Some(Datum::Array(frames)) => frames.iter().filter_map(frame).collect(),
        _ => Backtrace::new(),
    };
    ReqlError::new(kind, message).at(backtrace)
}

fn frame(frame: Datum) -> Option<Frame> {
    match frame {
        Datum::Number(position) => Some(Frame::Position(position as u32)),
        Datum::String(name) => Some(Frame::Optarg(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let body = br#"{"t":3,"r":[1,{"a":null}],"n":[1,5,99],"p":[]}"#;
        let response = Response::parse(body).expect("an answer");
        assert!(response.is_partial());
        assert_eq!(response.rows, [Datum::Number(1.0), Datum::object([("a", Datum::Null)])]);
        assert_eq!(response.notes, [ResponseNote::SequenceFeed, ResponseNote::IncludesStates]);
        assert!(response.profile.is_some());
    }

    #[test]
    fn errors() {
        let body = br#"{"t":18,"e":3100000,"r":["No."],"b":[0,"index"]}"#;
        let place = vec![Frame::Position(0), Frame::Optarg("index".into())];
        let error = Response::parse(body).expect_err("an error");
        assert_eq!(error.query(), Some(&ReqlError::non_existence("No.").at(place)));
        for body in ["", "[]", r#"{"t":77,"r":[]}"#, r#"{"t":1}"#] {
            assert!(matches!(Response::parse(body.as_bytes()), Err(ClientError::Malformed(_))), "{body}");
        }
    }
}
