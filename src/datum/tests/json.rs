//! JSON: both ways, RethinkDB's words, hostile text.

mod strategy;

use photondb_datum::json::{self, JsonType, ParseLimits, Reader};
use photondb_datum::packed::{Duplicates, Writer};
use photondb_datum::{Datum, Grouped};
use proptest::prelude::*;
use strategy::{datum, repacked};

fn parse(text: &str) -> Datum {
    json::parse(text.as_bytes(), ParseLimits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    json::parse(text.as_bytes(), ParseLimits::default()).unwrap_err().to_string()
}

fn written(value: &Datum) -> String {
    json::to_string(value).unwrap()
}

proptest! {
    #[test]
    fn values_come_back(value in datum()) {
        let text = written(&value);
        prop_assert_eq!(&written(&repacked(&value)), &text);
        let back = parse(&text);
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(written(&back), text.clone());
        // Another reader understands the same.
        let other: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parse(&serde_json::to_string_pretty(&other).unwrap()), value);
    }

    #[test]
    fn the_printed_form_is_json_too(value in datum()) {
        prop_assert_eq!(parse(&value.print()), value.clone());
        prop_assert!(value.print_truncated().len() <= 300);
    }

    #[test]
    fn numbers_come_back(number in strategy::number()) {
        let text = written(&Datum::Number(number));
        prop_assert_eq!(parse(&text).as_number().unwrap().to_bits(), number.to_bits());
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
    }

    #[test]
    fn any_text_can_be_read(text in "[\\[\\]{}\",:0-9a-fenultr\\\\ .+-]{0,40}") {
        let ours = json::parse(text.as_bytes(), ParseLimits::default());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        if let Ok(ours) = &ours {
            prop_assert!(theirs.is_ok(), "{:?} read as {:?}", text, ours);
        } else if let Ok(theirs) = theirs {
            // The other reader takes repeated names.
            prop_assert!(ours.unwrap_err().to_string().starts_with("Duplicate key"), "{}", theirs);
        }
    }

    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let ours = json::parse(&bytes, ParseLimits::default()).is_ok();
        prop_assert!(!ours || serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
    }

    #[test]
    fn skipping_is_reading(value in datum()) {
        let text = written(&value);
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        let start = reader.position();
        reader.skip().unwrap();
        reader.finish().unwrap();
        prop_assert_eq!(reader.text_between(start, reader.position()), &text);
        reader.rewind(start);
        prop_assert_eq!(reader.value().unwrap(), value);
    }
}

#[test]
fn errors_in_rethinkdb_words() {
    let cases = [
        ("[1,2", "Failed to parse \"[1,2\" as JSON: Missing a comma or ']' after an array element."),
        ("", "Failed to parse \"\" as JSON: The document is empty."),
        ("  ", "Failed to parse \"  \" as JSON: The document is empty."),
        ("1 2", "Failed to parse \"1 2\" as JSON: The document root must not be followed by other values."),
        ("nul", "Failed to parse \"nul\" as JSON: Invalid value."),
        ("NaN", "Failed to parse \"NaN\" as JSON: Invalid value."),
        ("Infinity", "Failed to parse \"Infinity\" as JSON: Invalid value."),
        ("-", "Failed to parse \"-\" as JSON: Invalid value."),
        ("01", "Failed to parse \"01\" as JSON: The document root must not be followed by other values."),
        ("1.", "Failed to parse \"1.\" as JSON: Miss fraction part in number."),
        ("1e", "Failed to parse \"1e\" as JSON: Miss exponent in number."),
        ("1e999", "Failed to parse \"1e999\" as JSON: Number too big to be stored in double."),
        ("{1:2}", "Failed to parse \"{1:2}\" as JSON: Missing a name for object member."),
        ("{\"a\"}", "Failed to parse \"{\"a\"}\" as JSON: Missing a colon after a name of object member."),
        ("{\"a\":1", "Failed to parse \"{\"a\":1\" as JSON: Missing a comma or '}' after an object member."),
        ("{\"a\":1,}", "Failed to parse \"{\"a\":1,}\" as JSON: Missing a name for object member."),
        ("[1,]", "Failed to parse \"[1,]\" as JSON: Invalid value."),
        ("\"a", "Failed to parse \"\"a\" as JSON: Missing a closing quotation mark in string."),
        ("\"\\x\"", "Failed to parse \"\"\\x\"\" as JSON: Invalid escape character in string."),
        (
            "\"\\u12g4\"",
            "Failed to parse \"\"\\u12g4\"\" as JSON: Incorrect hex digit after \\u escape in string.",
        ),
        ("\"\\ud800\"", "Failed to parse \"\"\\ud800\"\" as JSON: The surrogate pair in string is invalid."),
        ("\"\\udc00\"", "Failed to parse \"\"\\udc00\"\" as JSON: The surrogate pair in string is invalid."),
        ("\"\n\"", "Failed to parse \"\"\n\"\" as JSON: Invalid encoding in string."),
        ("{\"a\":1,\"a\":2}", "Duplicate key \"a\" in JSON."),
        ("{\"b\":1,\"a\":1,\"b\":2}", "Duplicate key \"b\" in JSON."),
    ];
    for (text, message) in cases {
        assert_eq!(error(text), message);
    }
    let invalid = json::parse(b"\"\xff\"", ParseLimits::default()).unwrap_err();
    assert!(invalid.to_string().ends_with("as JSON: Invalid encoding in string."));
}

#[test]
fn pseudo_types_are_read_and_checked() {
    let time = parse(r#"{"timezone":"Z","epoch_time":1.00049,"$reql_type$":"TIME"}"#);
    assert_eq!(written(&time), r#"{"$reql_type$":"TIME","epoch_time":1,"timezone":"+00:00"}"#);
    assert!(time.is_time());
    let nested = parse(r#"[{"a":{"$reql_type$":"BINARY","data":"Zm9v"}}]"#);
    assert_eq!(nested.as_array().unwrap().get(0).unwrap().get("a").unwrap().as_binary().unwrap(), "foo");
    assert_eq!(written(&nested), r#"[{"a":{"$reql_type$":"BINARY","data":"Zm9v"}}]"#);
    assert_eq!(nested.depth(), 2);
    assert!(parse(r#"{"$reql_type$":"GEOMETRY","type":"Point","coordinates":[0,0]}"#).is_geometry());
    assert!(parse(r#"{"$reql_type$":"LITERAL","value":1}"#).is_literal());
    let cases = [
        (
            r#"{"$reql_type$":"TIME","timezone":"Z"}"#,
            "Invalid time object constructed (no field `epoch_time`):\n{\n\t\"$reql_type$\":\t\"TIME\",\n\t\"timezone\":\t\"Z\"\n}",
        ),
        (
            r#"{"$reql_type$":"TIME","epoch_time":1}"#,
            "Invalid time object constructed (no field `timezone`):\n{\n\t\"$reql_type$\":\t\"TIME\",\n\t\"epoch_time\":\t1\n}",
        ),
        (
            r#"{"$reql_type$":"TIME","epoch_time":"1","timezone":"Z"}"#,
            "Invalid time object constructed (field `epoch_time` must be a number (got `\"1\"` of type STRING)):\n{\n\t\"$reql_type$\":\t\"TIME\",\n\t\"epoch_time\":\t\"1\",\n\t\"timezone\":\t\"Z\"\n}",
        ),
        (
            r#"{"$reql_type$":"TIME","epoch_time":1,"timezone":"x"}"#,
            "Invalid time object constructed (invalid timezone string `\"x\"`):\n{\n\t\"$reql_type$\":\t\"TIME\",\n\t\"epoch_time\":\t1,\n\t\"timezone\":\t\"x\"\n}",
        ),
        (
            r#"{"$reql_type$":"TIME","epoch_time":1,"timezone":"Z","x":1}"#,
            "Invalid time object constructed (unrecognized field `x`):\n{\n\t\"$reql_type$\":\t\"TIME\",\n\t\"epoch_time\":\t1,\n\t\"timezone\":\t\"Z\",\n\t\"x\":\t1\n}",
        ),
        (r#"{"$reql_type$":"FOO"}"#, "Unknown $reql_type$ `PTYPE<FOO>`."),
        (
            r#"{"$reql_type$":1}"#,
            "Error: Field `$reql_type$` must be a string (got `1` of type NUMBER):\n{\n\t\"$reql_type$\":\t1\n}",
        ),
        (r#"{"$reql_type$":"BINARY"}"#, "Invalid binary pseudotype: lacking `data` key."),
        (r#"{"$reql_type$":"BINARY","data":"","x":1}"#, "Invalid binary pseudotype: illegal `x` key."),
        (r#"{"$reql_type$":"BINARY","data":"a!"}"#, "Invalid base64 character found: '!'."),
        (r#"{"$reql_type$":"LITERAL","x":1}"#, "Invalid literal term with illegal key `x`."),
        (
            r#"{"$reql_type$":"GEOMETRY","type":"Point","coordinates":[],"x":1}"#,
            "Unrecognized field `x` found in geometry object.",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(error(text), message);
    }
}

#[test]
fn extremes_are_not_json() {
    let mut out = b"kept".to_vec();
    let deep = Datum::array([Datum::from(1), Datum::array([Datum::MaxVal])]);
    assert_eq!(json::write(&deep, &mut out).unwrap_err().to_string(), "Cannot convert `r.maxval` to JSON.");
    assert_eq!(out, b"kept");
    assert_eq!(
        json::to_string(&Datum::MinVal).unwrap_err().to_string(),
        "Cannot convert `r.minval` to JSON."
    );
}

#[test]
fn limits_hold() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(parse(&deep(500)).depth(), 500);
    assert_eq!(error(&deep(501)), "Nesting depth limit (500) exceeded.");
    assert_eq!(error(&"[".repeat(1_000_000)), "Nesting depth limit (500) exceeded.");
    assert_eq!(error(&r#"{"a":"#.repeat(1_000_000)), "Nesting depth limit (500) exceeded.");
    let limits = ParseLimits { array_size_max: 3, ..ParseLimits::default() };
    assert!(json::parse(b"[1,2,3]", limits).is_ok());
    assert_eq!(
        json::parse(b"[1,2,3,4]", limits).unwrap_err().to_string(),
        "Array over size limit `3`.  To raise the number of allowed elements, modify the `array_limit` \
         option to `.run` (not available in the Data Explorer), or use an index."
    );
    let limits = ParseLimits { duplicates: Duplicates::LastWins, ..ParseLimits::default() };
    let value = json::parse(br#"{"a":1,"b":2,"a":3}"#, limits).unwrap();
    assert_eq!(written(&value), r#"{"a":3,"b":2}"#);
}

#[test]
fn strings_are_escaped() {
    let text = "\u{0}\u{1}\u{8}\t\n\u{c}\r\u{1f}\"\\/ä\u{2028}\u{1f600}";
    let json = written(&Datum::from(text));
    assert_eq!(json, "\"\\u0000\\u0001\\b\\t\\n\\f\\r\\u001F\\\"\\\\/ä\u{2028}\u{1f600}\"");
    assert_eq!(parse(&json).as_str(), Some(text));
    assert_eq!(parse(r#""\ud83d\ude00\u00e4\/""#).as_str(), Some("\u{1f600}ä/"));
}

#[test]
fn what_needs_no_escape_ends_at_the_first_byte_that_does() {
    for length in 0..100 {
        let plain: Vec<u8> = (0..length).map(|index| [b' ', b'z', 0x7f, 0x80, 0xff][index % 5]).collect();
        assert_eq!(json::plain_prefix(&plain), length);
        for (position, special) in (0..length).flat_map(|at| b"\0\x1f\"\\".map(|special| (at, special))) {
            let mut text = plain.clone();
            text[position] = special;
            if let Some(next) = text.get_mut(position + 1) {
                *next = b'"';
            }
            assert_eq!(json::plain_prefix(&text), position, "{special} among {length}");
        }
    }
}

#[test]
fn printed_values_have_tabs() {
    let value = parse(r#"{"b":[1,{}],"a":[],"c":"x"}"#);
    assert_eq!(value.print(), "{\n\t\"a\":\t[],\n\t\"b\":\t[\n\t\t1,\n\t\t{}\n\t],\n\t\"c\":\t\"x\"\n}");
    let long = Datum::from("ä".repeat(400));
    assert!(long.print_truncated().ends_with("..."));
}

#[test]
fn a_query_is_pulled_apart() {
    let text = br#" [1, [39, [[15, ["t"]], {"a": [2, [1, 2]]}], {}] , {"x":true}]"#;
    let mut reader = Reader::new(text).unwrap();
    reader.begin_array().unwrap();
    assert!(reader.next_item().unwrap());
    assert_eq!(reader.number().unwrap(), 1.0);
    assert!(reader.next_item().unwrap());
    assert_eq!(reader.peek().unwrap(), JsonType::Array);
    reader.skip().unwrap();
    assert!(reader.next_item().unwrap());
    reader.begin_object().unwrap();
    assert_eq!(reader.next_key().unwrap().as_deref(), Some("x"));
    let before = reader.position();
    assert!(reader.bool().unwrap());
    reader.rewind(before);
    let mut writer = Writer::new();
    reader.value_into(&mut writer).unwrap();
    assert_eq!(writer.take_datum().unwrap(), Datum::Bool(true));
    assert_eq!(reader.next_key().unwrap(), None);
    assert!(!reader.next_item().unwrap());
    reader.finish().unwrap();
    assert!(reader.number().is_err());
}

#[test]
fn grouped_data_has_its_own_form() {
    let grouped: Grouped =
        [(Datum::from("b"), Datum::from(2)), (Datum::from(1), Datum::array([Datum::Null]))]
            .into_iter()
            .collect();
    assert_eq!(
        written(&Datum::Object(grouped.clone().into_pseudo_type())),
        r#"{"$reql_type$":"GROUPED_DATA","data":[[1,[null]],["b",2]]}"#
    );
    assert_eq!(
        written(&Datum::Array(grouped.into_ungrouped())),
        r#"[{"group":1,"reduction":[null]},{"group":"b","reduction":2}]"#
    );
}

#[test]
fn binary_lines_are_broken() {
    let value = Datum::Binary(vec![0; 58].into());
    let json = written(&value);
    assert!(json.contains(r"AAAA\r\nAA=="));
    assert_eq!(parse(&json), value);
}

#[test]
fn rows_of_the_same_names_are_written_alike() {
    // Twice each: names are kept from the row before.
    let long = format!(r#"{{"a":"{}","b":1}}"#, "x".repeat(70_000));
    for text in [
        r#"{"a":1,"b\"\n":{"a":1,"b\"\n":2}}"#,
        r#"{"a":2,"b\"\n":[{"a":1}]}"#,
        r#"{"a":3,"b\"":[{"a":1}]}"#,
        r#"{"":0}"#,
        "{}",
        r#"{"a":1,"b":"y"}"#,
        &long,
        r#"{"a":1,"b":"z"}"#,
    ] {
        let value = repacked(&parse(text));
        for _ in 0..3 {
            assert_eq!(written(&value), text);
        }
    }
}
