//! Literals in one pass.
//!
//! Most of the bytes of a query are documents, and most documents have nothing in them but
//! values. Such a literal is packed while its end is being looked for. What turns out to be
//! anything else, or wrong, is left to the decoder, which knows what to make of it.

use photondb_datum::json::{JsonType, Reader};
use photondb_datum::packed::{Duplicates, Writer};
use photondb_datum::{Datum, DatumError};
use smallvec::SmallVec;

use crate::TermType;

/// Deeper literals are left to the decoder.
const DEPTH_MAX: usize = 16;

/// A literal that was read.
pub(crate) struct Literal {
    pub(crate) value: Datum,
    /// Of its text.
    pub(crate) bytes: usize,
    /// Of its largest array.
    pub(crate) items_max: usize,
}

/// What is open.
enum Open {
    Object,
    /// `[2,[`, and so many items.
    Array(usize),
}

/// Reads the literal at the front of a text, an object or the term of an array.
pub(crate) fn literal(text: &str) -> Option<Literal> {
    Writer::lent(|writer| read(text, writer)).ok().flatten()
}

fn read(text: &str, writer: &mut Writer) -> Result<Option<Literal>, DatumError> {
    let mut reader = Reader::of_text(text, crate::literal::limits());
    let mut open: SmallVec<[Open; DEPTH_MAX]> = SmallVec::new();
    let mut items_max = 0;
    loop {
        match reader.peek()? {
            JsonType::Array | JsonType::Object if open.len() == DEPTH_MAX => return Ok(None),
            JsonType::Array => {
                if !begin_array(&mut reader)? {
                    return Ok(None);
                }
                writer.begin_array();
                open.push(Open::Array(0));
            }
            JsonType::Object => {
                reader.begin_object()?;
                writer.begin_object();
                open.push(Open::Object);
            }
            JsonType::Null => {
                reader.null()?;
                writer.null();
            }
            JsonType::Bool => writer.bool(reader.bool()?),
            JsonType::Number => writer.number(reader.number()?),
            JsonType::String => writer.string(&reader.string()?),
        }
        // Goes to the next value, ending what ends before it.
        loop {
            match open.last_mut() {
                None => {
                    let bytes = reader.offset();
                    return Ok(Some(Literal { value: writer.take_datum()?, bytes, items_max }));
                }
                Some(Open::Object) => {
                    if let Some(key) = reader.next_key()? {
                        writer.key(&key);
                        break;
                    }
                    writer.end_object(Duplicates::Reject)?;
                }
                Some(Open::Array(items)) => {
                    if reader.next_item()? {
                        *items += 1;
                        break;
                    }
                    items_max = items_max.max(*items);
                    writer.end_array();
                    // Options are for the decoder.
                    if reader.next_item()? {
                        return Ok(None);
                    }
                }
            }
            open.pop();
        }
    }
}

/// `[2,[` of the term of an array; `false` when it is another one.
fn begin_array(reader: &mut Reader<'_>) -> Result<bool, DatumError> {
    reader.begin_array()?;
    let is_array = reader.next_item()?
        && reader.peek()? == JsonType::Number
        && reader.number()? == f64::from(TermType::MakeArray.id())
        && reader.next_item()?
        && reader.peek()? == JsonType::Array;
    if is_array {
        reader.begin_array()?;
    }
    Ok(is_array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_a_literal_is_read_to_its_end() {
        let cases = [
            (r#"{"a":1,"b":{"c":null}},5"#, r#"{"a":1,"b":{"c":null}}"#, 22, 0),
            (r#"[2,[1,{"a":[2,["x",true,3]]}]]]"#, r#"[1,{"a":["x",true,3]}]"#, 30, 3),
            (r#"[2, [ ] ]"#, "[]", 9, 0),
            (r#"{ "é" : "\u00e9" }x"#, r#"{"é":"é"}"#, 19, 0),
            (r#"{"$reql_type$":"BINARY","data":"YQ=="}"#, r#"{"$reql_type$":"BINARY","data":"YQ=="}"#, 38, 0),
        ];
        for (text, expected, bytes, items_max) in cases {
            let read = literal(text).unwrap_or_else(|| panic!("{text}"));
            let expected = crate::literal::pack(expected.as_bytes()).unwrap();
            assert_eq!((read.value, read.bytes, read.items_max), (expected, bytes, items_max), "{text}");
        }
    }

    #[test]
    fn everything_else_is_left_alone() {
        let deep = "{\"a\":".repeat(DEPTH_MAX + 1) + "1";
        for text in [
            r#"{"a":[24,[1,2]]}"#,
            r#"{"a":[2]}"#,
            r#"[2,[1],{"b":1}]"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1"#,
            r#"{"a":1e999}"#,
            r#"{"$reql_type$":"TIME"}"#,
            "[2,[1,]]",
            "[2,{}]",
            "",
            &deep,
        ] {
            assert!(literal(text).is_none(), "{text}");
        }
    }
}
