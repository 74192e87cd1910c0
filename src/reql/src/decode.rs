//! Queries from their JSON wire form.

use photondb_datum::{Datum, Text};
use smallvec::SmallVec;

use crate::check::check;
use crate::lexer::Kind;
use crate::term::GLOBAL_OPTARGS;
use crate::term_decoder::TermDecoder;
use crate::{Ast, ReqlError, TermId};

/// The query type that asks for the plan of a query; RethinkDB's own end at 5.
pub const EXPLAIN_QUERY_TYPE: u64 = 100;
/// The query type that asks for a physical backup.
pub const BACKUP_QUERY_TYPE: u64 = 101;

/// The query type that asks for the data file to be compacted.
pub const COMPACT_QUERY_TYPE: u64 = 102;

/// What a driver asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Run a query, or tell its plan.
    Start(Box<StartQuery>),
    /// Send the next batch.
    Continue,
    /// Forget the query.
    Stop,
    /// Answer when every query without reply is done.
    NoreplyWait,
    /// Say who you are.
    ServerInfo,
    /// Send a physical backup: of everything, or of what was written behind a mark of the log.
    Backup(Option<Text>),
    /// Give room that is lost in the data file back.
    Compact,
}

/// A query to run.
#[derive(Clone, Debug, PartialEq)]
pub struct StartQuery {
    /// The query; global options hang in the same arena, without a parent.
    pub ast: Ast,
    /// Options of the query as a whole, as expressions.
    pub optargs: SmallVec<[(Text, TermId); 4]>,
    /// Whether the plan is asked for instead of the result.
    pub explain: bool,
}

impl StartQuery {
    /// A global option by name.
    pub fn optarg(&self, name: &str) -> Option<TermId> {
        self.optargs.iter().find(|(key, _)| key.as_str() == name).map(|(_, id)| *id)
    }

    /// The value of a global option that is a literal.
    pub fn constant_optarg(&self, name: &str) -> Option<&Datum> {
        self.ast.constant(self.optarg(name)?)
    }

    /// A global option that must be known before anything runs, such as `noreply`:
    /// whatever is not literally a bool counts as the default.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        match self.constant_optarg(name) {
            Some(Datum::Bool(value)) => *value,
            _ => default,
        }
    }
}

/// Decodes a query as a driver sends it: `[type, term, options]`.
pub fn decode_query(text: &[u8]) -> Result<Query, ReqlError> {
    // As drivers write it, for each event of a feed.
    if text == b"[2]" {
        return Ok(Query::Continue);
    }
    let mut decoder = TermDecoder::new(text);
    let query = envelope(&mut decoder)?;
    decoder.lexer.end()?;
    Ok(query)
}

/// Decodes and checks a term that stands alone, such as a stored index function.
pub fn decode_term(text: &[u8]) -> Result<Ast, ReqlError> {
    let mut decoder = TermDecoder::new(text);
    let root = decoder.node()?;
    decoder.lexer.end()?;
    decoder.ast.set_root(root);
    check(&decoder.ast, root)?;
    Ok(decoder.ast)
}

fn envelope(decoder: &mut TermDecoder<'_>) -> Result<Query, ReqlError> {
    let kind = decoder.lexer.kind()?;
    if kind != Kind::Array {
        let message = format!("Expected a query to be an array, but found {}.", kind.name());
        return Err(envelope_error(&message));
    }
    let mut first = true;
    decoder.lexer.expect(b'[')?;
    if !decoder.lexer.element(&mut first, b']')? {
        return Err(count_error(0));
    }
    let kind = decoder.lexer.kind()?;
    if kind != Kind::Number {
        let message = format!("Expected a query type as a number, but found {}.", kind.name());
        return Err(envelope_error(&message));
    }
    let (number, text) = decoder.number()?;
    let query = match number {
        Some(1) => return start_query(decoder, false),
        Some(EXPLAIN_QUERY_TYPE) => return start_query(decoder, true),
        Some(BACKUP_QUERY_TYPE) => return backup(decoder),
        Some(2) => Query::Continue,
        Some(3) => Query::Stop,
        Some(4) => Query::NoreplyWait,
        Some(5) => Query::ServerInfo,
        Some(COMPACT_QUERY_TYPE) => Query::Compact,
        _ => {
            return Err(envelope_error(&format!(
                "Unrecognized QueryType: {}.",
                String::from_utf8_lossy(text)
            )));
        }
    };
    let mut count = 1;
    while decoder.lexer.element(&mut first, b']')? {
        decoder.lexer.value()?;
        count += 1;
    }
    if count > 3 { Err(count_error(count)) } else { Ok(query) }
}

/// `[101]`, or `[101, "mark"]`.
fn backup(decoder: &mut TermDecoder<'_>) -> Result<Query, ReqlError> {
    let (mut first, mut mark, mut count) = (false, None, 1);
    while decoder.lexer.element(&mut first, b']')? {
        count += 1;
        if decoder.lexer.kind()? != Kind::String {
            return Err(envelope_error("Expected the mark of a log as a string."));
        }
        let text = decoder.lexer.scalar()?;
        mark = text.get(1..text.len() - 1).and_then(|text| std::str::from_utf8(text).ok()).map(Text::from);
    }
    if count > 2 { Err(count_error(count)) } else { Ok(Query::Backup(mark)) }
}

fn start_query(decoder: &mut TermDecoder<'_>, explain: bool) -> Result<Query, ReqlError> {
    let mut first = false;
    if !decoder.lexer.element(&mut first, b']')? {
        let name = if explain { "an EXPLAIN" } else { "a START" };
        return Err(envelope_error(&format!("Expected a term in {name} query.")));
    }
    let root = decoder.node()?;
    decoder.ast.set_root(root);
    let mut optargs = SmallVec::new();
    let mut count = 2;
    while decoder.lexer.element(&mut first, b']')? {
        count += 1;
        if count > 3 {
            decoder.lexer.value()?;
            continue;
        }
        let kind = decoder.lexer.kind()?;
        if kind != Kind::Object {
            let message = format!("Expected global optargs as an object, but found {}.", kind.name());
            return Err(envelope_error(&message));
        }
        optargs = global_optargs(decoder)?;
    }
    if count > 3 {
        return Err(count_error(count));
    }
    // Most queries were found right while they were read; an error is that of a walk in order.
    let is_checked = decoder.is_checked;
    if !is_checked {
        check(&decoder.ast, root)?;
    }
    for (name, value) in &optargs {
        if !GLOBAL_OPTARGS.contains(&name.as_str()) {
            let message = format!("Unrecognized global optional argument `{}`.", name.as_str());
            return Err(ReqlError::compile(message));
        }
        if !is_checked {
            check(&decoder.ast, *value)?;
        }
    }
    Ok(Query::Start(Box::new(StartQuery { ast: std::mem::take(&mut decoder.ast), optargs, explain })))
}

fn global_optargs(decoder: &mut TermDecoder<'_>) -> Result<SmallVec<[(Text, TermId); 4]>, ReqlError> {
    let mut optargs: SmallVec<[(Text, TermId); 4]> = SmallVec::new();
    let mut first = true;
    decoder.lexer.expect(b'{')?;
    while decoder.lexer.element(&mut first, b'}')? {
        let name = decoder.key()?;
        let value = decoder.node()?;
        if optargs.iter().any(|(key, _)| *key == name) {
            let message = format!("Duplicate global optional argument: `{}`.", name.as_str());
            return Err(ReqlError::compile(message));
        }
        optargs.push((name, value));
    }
    Ok(optargs)
}

fn envelope_error(message: &str) -> ReqlError {
    ReqlError::client(format!("Server could not parse query: {message}"))
}

fn count_error(count: usize) -> ReqlError {
    envelope_error(&format!("Expected 1 to 3 elements in the top-level query, but found {count}."))
}
