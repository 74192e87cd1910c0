//! Queries as clients write them: text or the drivers' JSON, with options.

use std::collections::BTreeMap;

use bytes::Bytes;
use photondb_reql::text::{Span, TextQuery};
use photondb_reql::{
    EXPLAIN_QUERY_TYPE, Query, ReqlError, TermType, decode_query, encode, encode_canonical, print_term,
};
use photondb_server::door::DoorQuery;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::HttpError;
use crate::stack::with_room;

/// Number of the term `DB` on the wire.
const DB_TERM: u16 = TermType::Db.id();

/// A query and how it is to be run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryRequest {
    /// A string with ReQL, or a term as drivers send it.
    pub query: Box<RawValue>,
    /// The run options by their names on the wire, such as `read_mode`.
    #[serde(default)]
    pub options: BTreeMap<String, Box<RawValue>>,
    /// Whether the plan is asked for instead of the result.
    #[serde(default)]
    pub explain: bool,
    /// Rows of each batch.
    #[serde(default)]
    pub batch_rows: Option<usize>,
}

/// A query that has been decoded.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub query: DoorQuery,
    pub source: QuerySource,
    pub explain: bool,
}

/// What errors of a query are pointed out in.
#[derive(Debug)]
pub(crate) enum QuerySource {
    /// The client's own text.
    Text(String),
    /// The query as it went over the wire.
    Wire(Bytes),
}

impl QueryRequest {
    /// A query in ReQL, with no options.
    pub(crate) fn text(text: &str) -> Result<Self, HttpError> {
        let query = serde_json::value::to_raw_value(text)
            .map_err(|error| HttpError::bad_request(error.to_string()))?;
        Ok(Self { query, options: BTreeMap::new(), explain: false, batch_rows: None })
    }

    /// Decodes the query. Takes as long as the query is large.
    pub(crate) fn prepare(self) -> Result<Prepared, HttpError> {
        with_room(|| self.prepare_here())
    }

    fn prepare_here(self) -> Result<Prepared, HttpError> {
        let kind = if self.explain { EXPLAIN_QUERY_TYPE } else { 1 };
        let mut wire = format!("[{kind},").into_bytes();
        let raw = self.query.get();
        let text = if raw.starts_with('"') {
            let text: String = serde_json::from_str(raw)
                .map_err(|error| HttpError::bad_request(format!("The query cannot be read: {error}.")))?;
            let parsed = TextQuery::parse(&text).map_err(|error| HttpError::text(error, text.clone()))?;
            wire.extend(encode(&parsed.ast, parsed.ast.root()));
            Some(text)
        } else {
            wire.extend_from_slice(raw.as_bytes());
            None
        };
        wire.push(b',');
        write_options(&self.options, self.batch_rows, &mut wire);
        wire.push(b']');
        let wire = Bytes::from(wire);
        let source = match text {
            Some(text) => QuerySource::Text(text),
            None => QuerySource::Wire(wire.clone()),
        };
        match DoorQuery::decode(wire) {
            Ok(query) => Ok(Prepared { query, source, explain: self.explain }),
            Err(error) => Err(source.locate(error)),
        }
    }
}

impl QuerySource {
    /// An error of the query, at its place in the query's text.
    pub(crate) fn locate(&self, error: ReqlError) -> HttpError {
        with_room(|| self.locate_here(error))
    }

    fn locate_here(&self, error: ReqlError) -> HttpError {
        match self {
            Self::Text(text) => match TextQuery::parse(text) {
                Ok(query) => {
                    let span = query.span(&error.backtrace);
                    HttpError::reql(error, Some((text.clone(), span)), true)
                }
                Err(_) => HttpError::reql(error, None, true),
            },
            Self::Wire(wire) => {
                let printed = printed(wire, &error);
                HttpError::reql(error, printed, false)
            }
        }
    }
}

/// A query as text, and the part of it that an error is about. `None` when the text would not
/// be the same query.
fn printed(wire: &[u8], error: &ReqlError) -> Option<(String, Span)> {
    let Ok(Query::Start(start)) = decode_query(wire) else { return None };
    let text = print_term(&start.ast, start.ast.root());
    let parsed = TextQuery::parse(&text).ok()?;
    let same =
        encode_canonical(&parsed.ast, parsed.ast.root()) == encode_canonical(&start.ast, start.ast.root());
    let span = if same { parsed.span(&error.backtrace) } else { Span { start: 0, end: text.len() } };
    Some((text, span))
}

/// Writes the options as drivers send them.
fn write_options(options: &BTreeMap<String, Box<RawValue>>, batch_rows: Option<usize>, out: &mut Vec<u8>) {
    out.push(b'{');
    let batches = batch_rows
        .map(|rows| [("max_batch_rows", rows.to_string()), ("first_batch_scaledown_factor", "1".to_owned())]);
    let batches = batches.into_iter().flatten().filter(|(name, _)| !options.contains_key(*name));
    let given = options.iter().map(|(name, value)| (name.as_str(), option_value(name, value)));
    for (position, (name, value)) in given.chain(batches).enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(json_string(name).as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
}

/// The database may be given by its name.
fn option_value(name: &str, value: &RawValue) -> String {
    let value = value.get();
    match name {
        "db" if value.starts_with('"') => format!("[{DB_TERM},[{value}]]"),
        _ => value.to_owned(),
    }
}

pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> QueryRequest {
        serde_json::from_str(json).expect("a request")
    }

    fn error(json: &str) -> serde_json::Value {
        match request(json).prepare() {
            Ok(_) => panic!("{json} is a query"),
            Err(error) => error.to_json(),
        }
    }

    #[test]
    fn text_and_wire_form_are_the_same_query() {
        let text =
            request(r#"{"query": "r.table('x').count()", "options": {"db": "shop", "profile": true}}"#);
        let wire =
            request(r#"{"query": [43,[[15,["x"]]]], "options": {"db": [14,["shop"]], "profile": true}}"#);
        let (text, wire) = (text.prepare().expect("text"), wire.prepare().expect("wire"));
        assert_eq!(text.query.query(), wire.query.query());
    }

    #[test]
    fn the_size_of_batches_is_an_option() {
        let prepared = request(r#"{"query": "r.range()", "batch_rows": 7}"#).prepare().expect("a query");
        let rows = prepared.query.query().constant_optarg("max_batch_rows").and_then(|rows| rows.as_number());
        assert_eq!(rows, Some(7.0));
    }

    #[test]
    fn mistakes_are_pointed_out() {
        let text = error(r#"{"query": "r.table('x')\n  .flter(1)"}"#);
        assert_eq!(text["kind"], "ReqlTextError");
        assert_eq!(text["position"]["line"], 2);
        let arity = error(r#"{"query": [15,[]]}"#);
        assert_eq!(arity["kind"], "ReqlServerCompileError");
        let unknown = error(r#"{"query": "r.now()", "options": {"speed": 3}}"#);
        assert!(unknown["message"].as_str().is_some_and(|message| message.contains("`speed`")), "{unknown}");
    }

    #[test]
    fn errors_of_wire_queries_are_shown_in_printed_form() {
        // r.expr(1).add(r.expr("a").upcase())
        let wire = request(r#"{"query": [24,[1,[141,["a"]]]]}"#).prepare().expect("a query");
        let error = ReqlError::logic("x").at(vec![photondb_reql::Frame::Position(1)]);
        let shown = wire.source.locate(error).to_json();
        let (text, span) = (shown["query"].as_str().expect("text"), &shown["span"]);
        let part = |name: &str| span[name].as_u64().expect("a number") as usize;
        assert!(text[part("start")..part("end")].contains("upcase"), "{shown}");
        assert_eq!(shown["backtrace"], serde_json::json!([1]));
    }
}
