//! Queries from their JSON wire form.

use photondb_base::limits::NESTING_DEPTH_MAX;
use photondb_datum::json::{self, ParseLimits};
use photondb_datum::{Datum, DatumError, Text};
use smallvec::SmallVec;

use crate::check::check;
use crate::lexer::{Kind, Lexer, Malformed};
use crate::term::GLOBAL_OPTARGS;
use crate::{Args, Ast, Frame, Optargs, ReqlError, TermId, TermType};

/// What a driver asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Run a query.
    Start(Box<StartQuery>),
    /// Send the next batch.
    Continue,
    /// Forget the query.
    Stop,
    /// Answer when every query without reply is done.
    NoreplyWait,
    /// Say who you are.
    ServerInfo,
}

/// A query to run.
#[derive(Clone, Debug, PartialEq)]
pub struct StartQuery {
    /// The query; global options hang in the same arena, without a parent.
    pub ast: Ast,
    /// Options of the query as a whole, as expressions.
    pub optargs: SmallVec<[(Text, TermId); 4]>,
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

const MALFORMED: &str = "Client is buggy (failed to deserialize query).";

impl From<Malformed> for ReqlError {
    fn from(_: Malformed) -> Self {
        Self::client(MALFORMED)
    }
}

/// Decodes a query as a driver sends it: `[type, term, options]`.
pub fn decode_query(text: &[u8]) -> Result<Query, ReqlError> {
    let mut decoder = Decoder::new(text);
    let query = decoder.query()?;
    decoder.lexer.end()?;
    Ok(query)
}

/// Decodes and checks a term that stands alone, such as a stored index function.
pub fn decode_term(text: &[u8]) -> Result<Ast, ReqlError> {
    let mut decoder = Decoder::new(text);
    let root = decoder.node(0)?;
    decoder.lexer.end()?;
    decoder.ast.set_root(root);
    check(&decoder.ast, root)?;
    Ok(decoder.ast)
}

/// A decoded part of a query.
enum Part {
    /// Nothing but literals: its plain JSON text starts here in `Decoder::plain`, and
    /// goes on to the end, or to the next part.
    Literal { start: usize },
    /// A node of the tree.
    Node(TermId),
}

struct Decoder<'a> {
    lexer: Lexer<'a>,
    ast: Ast,
    /// Plain JSON of the literals that are not in the tree yet. Literals next to each
    /// other join into larger ones, so that each byte is packed once.
    plain: Vec<u8>,
}

impl<'a> Decoder<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { lexer: Lexer::new(text), ast: Ast::new(), plain: Vec::new() }
    }

    fn query(&mut self) -> Result<Query, ReqlError> {
        let kind = self.lexer.kind()?;
        if kind != Kind::Array {
            let message = format!("Expected a query to be an array, but found {}.", kind.name());
            return Err(envelope_error(&message));
        }
        let mut first = true;
        self.lexer.expect(b'[')?;
        if !self.lexer.element(&mut first, b']')? {
            return Err(count_error(0));
        }
        let kind = self.lexer.kind()?;
        if kind != Kind::Number {
            let message = format!("Expected a query type as a number, but found {}.", kind.name());
            return Err(envelope_error(&message));
        }
        let number = self.number()?;
        let query = match number {
            1 => return self.start_query(),
            2 => Query::Continue,
            3 => Query::Stop,
            4 => Query::NoreplyWait,
            5 => Query::ServerInfo,
            _ => return Err(envelope_error(&format!("Unrecognized QueryType: {number}."))),
        };
        let mut count = 1;
        while self.lexer.element(&mut first, b']')? {
            self.lexer.value()?;
            count += 1;
        }
        if count > 3 { Err(count_error(count)) } else { Ok(query) }
    }

    fn start_query(&mut self) -> Result<Query, ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Err(envelope_error("Expected a term in a START query."));
        }
        let root = self.node(0)?;
        self.ast.set_root(root);
        let mut optargs = SmallVec::new();
        let mut count = 2;
        while self.lexer.element(&mut first, b']')? {
            count += 1;
            if count > 3 {
                self.lexer.value()?;
                continue;
            }
            let kind = self.lexer.kind()?;
            if kind != Kind::Object {
                let message = format!("Expected global optargs as an object, but found {}.", kind.name());
                return Err(envelope_error(&message));
            }
            optargs = self.global_optargs()?;
        }
        if count > 3 {
            return Err(count_error(count));
        }
        check(&self.ast, root)?;
        for (name, value) in &optargs {
            if !GLOBAL_OPTARGS.contains(&name.as_str()) {
                let message = format!("Unrecognized global optional argument `{}`.", name.as_str());
                return Err(ReqlError::compile(message));
            }
            check(&self.ast, *value)?;
        }
        Ok(Query::Start(Box::new(StartQuery { ast: std::mem::take(&mut self.ast), optargs })))
    }

    fn global_optargs(&mut self) -> Result<SmallVec<[(Text, TermId); 4]>, ReqlError> {
        let mut optargs: SmallVec<[(Text, TermId); 4]> = SmallVec::new();
        let mut first = true;
        self.lexer.expect(b'{')?;
        while self.lexer.element(&mut first, b'}')? {
            let name = self.key()?;
            let value = self.node(0)?;
            if optargs.iter().any(|(key, _)| *key == name) {
                let message = format!("Duplicate global optional argument: `{}`.", name.as_str());
                return Err(ReqlError::compile(message));
            }
            optargs.push((name, value));
        }
        Ok(optargs)
    }

    /// A term as a node, literal or not.
    fn node(&mut self, depth: usize) -> Result<TermId, ReqlError> {
        let part = self.part(depth)?;
        self.settle(part)
    }

    /// Turns the last part into a node.
    fn settle(&mut self, part: Part) -> Result<TermId, ReqlError> {
        match part {
            Part::Node(id) => Ok(id),
            Part::Literal { start } => {
                let value = parse_literal(&self.plain[start..])?;
                self.plain.truncate(start);
                Ok(self.ast.add_constant(value))
            }
        }
    }

    fn part(&mut self, depth: usize) -> Result<Part, ReqlError> {
        if depth > NESTING_DEPTH_MAX {
            return Err(depth_error());
        }
        match self.lexer.kind()? {
            Kind::Array => self.term(depth),
            Kind::Object => self.object(depth),
            _ => {
                let text = self.lexer.scalar()?;
                Ok(self.literal(text))
            }
        }
    }

    fn literal(&mut self, text: &[u8]) -> Part {
        let start = self.plain.len();
        self.plain.extend_from_slice(text);
        Part::Literal { start }
    }

    /// `[number, arguments, options]`
    fn term(&mut self, depth: usize) -> Result<Part, ReqlError> {
        let mut first = true;
        self.lexer.expect(b'[')?;
        if !self.lexer.element(&mut first, b']')? {
            return Err(size_error(0));
        }
        let kind = self.lexer.kind()?;
        if kind != Kind::Number {
            let message = format!("Expected a TermType as a NUMBER but found {}.", kind.name());
            return Err(ReqlError::compile(message));
        }
        let number = self.number()?;
        let term = u64::try_from(number).ok().and_then(TermType::from_id);
        match term {
            None => Err(ReqlError::compile(format!("Unrecognized TermType: {number}."))),
            Some(TermType::Datum) => self.raw_datum(depth),
            Some(TermType::MakeArray) => self.make_array(depth),
            Some(term) => self.ordinary_term(term, depth),
        }
    }

    /// `[1, value]`: the value is no term, whatever it looks like.
    fn raw_datum(&mut self, depth: usize) -> Result<Part, ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Err(ReqlError::compile("Expected 2 items in array, but found 1."));
        }
        let (text, value_depth) = self.lexer.value()?;
        if depth + value_depth > NESTING_DEPTH_MAX {
            return Err(depth_error());
        }
        self.lexer.expect(b']')?;
        // An element and its comma take two bytes at least.
        self.ast.note_array_size(text.len() / 2);
        Ok(self.literal(text))
    }

    /// `[2, [elements]]`: a literal as long as its elements are.
    fn make_array(&mut self, depth: usize) -> Result<Part, ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Ok(self.literal(b"[]"));
        }
        if self.lexer.kind()? != Kind::Array {
            return self.ordinary_parts(TermType::MakeArray, depth);
        }
        let start = self.plain.len();
        self.plain.push(b'[');
        self.lexer.expect(b'[')?;
        let mut literal = true;
        let mut starts: Vec<usize> = Vec::new();
        let mut args = Args::new();
        let mut first_element = true;
        while self.lexer.element(&mut first_element, b']')? {
            let position = if literal { starts.len() } else { args.len() };
            let part = self.part(depth + 1).map_err(|error| error.below(Frame::Position(position as u32)))?;
            match part {
                Part::Literal { start } if literal => {
                    starts.push(start);
                    self.plain.push(b',');
                }
                part => {
                    if std::mem::take(&mut literal) {
                        args = self.unfold(&starts, start, part)?;
                    } else {
                        args.push(self.settle(part)?);
                    }
                }
            }
        }
        self.ast.note_array_size(starts.len());
        let optargs = self.trailing_optargs(depth)?;
        if literal && optargs.is_empty() {
            close(&mut self.plain, b']');
            return Ok(Part::Literal { start });
        }
        if literal {
            args = self.unfold_all(&starts, start)?;
        }
        Ok(Part::Node(self.ast.add_term(TermType::MakeArray, args, optargs)))
    }

    /// A JSON object: a literal as long as its fields are, else `MAKE_OBJ`.
    fn object(&mut self, depth: usize) -> Result<Part, ReqlError> {
        let start = self.plain.len();
        self.plain.push(b'{');
        self.lexer.expect(b'{')?;
        let mut literal = true;
        let mut starts: Vec<usize> = Vec::new();
        let mut keys: Vec<&'a [u8]> = Vec::new();
        let mut nodes = Args::new();
        let mut first = true;
        while self.lexer.element(&mut first, b'}')? {
            if self.lexer.kind()? != Kind::String {
                return Err(Malformed.into());
            }
            let key = self.lexer.scalar()?;
            self.lexer.expect(b':')?;
            keys.push(key);
            if literal {
                self.plain.extend_from_slice(key);
                self.plain.push(b':');
            }
            let part = self.part(depth + 1).map_err(|error| below_key(error, key))?;
            match part {
                Part::Literal { start } if literal => {
                    starts.push(start);
                    self.plain.push(b',');
                }
                part => {
                    if std::mem::take(&mut literal) {
                        nodes = self.unfold_fields(&starts, &keys, start, part)?;
                    } else {
                        nodes.push(self.settle(part)?);
                    }
                }
            }
        }
        if literal {
            close(&mut self.plain, b'}');
            return Ok(Part::Literal { start });
        }
        let mut optargs = Optargs::new();
        for (key, node) in keys.into_iter().zip(nodes) {
            optargs.push((text_of(key)?, node));
        }
        Ok(Part::Node(self.ast.add_term(TermType::MakeObj, Args::new(), optargs)))
    }

    /// The literal elements before `part`, which is the first that is none, become nodes.
    fn unfold(&mut self, starts: &[usize], start: usize, part: Part) -> Result<Args, ReqlError> {
        let last = self.settle(part)?;
        let mut args = self.unfold_all(starts, start)?;
        args.push(last);
        Ok(args)
    }

    /// All literal elements, each followed by a comma, become nodes.
    fn unfold_all(&mut self, starts: &[usize], start: usize) -> Result<Args, ReqlError> {
        let mut args = Args::with_capacity(starts.len() + 1);
        for (position, from) in starts.iter().enumerate() {
            let to = starts.get(position + 1).copied().unwrap_or(self.plain.len()) - 1;
            let value = parse_literal(&self.plain[*from..to])?;
            args.push(self.ast.add_constant(value));
        }
        self.plain.truncate(start);
        Ok(args)
    }

    /// As `unfold`, where a key and a colon stand before each value.
    fn unfold_fields(
        &mut self,
        starts: &[usize],
        keys: &[&[u8]],
        start: usize,
        part: Part,
    ) -> Result<Args, ReqlError> {
        let last = self.settle(part)?;
        let mut nodes = Args::with_capacity(starts.len() + 1);
        for (position, from) in starts.iter().enumerate() {
            // The next key is in the buffer, too, even that of the part that is no literal.
            let next_key = keys.get(position + 1).map_or(0, |key| key.len() + 1);
            let end = starts.get(position + 1).copied().unwrap_or(self.plain.len());
            let value = parse_literal(&self.plain[*from..end - next_key - 1])?;
            nodes.push(self.ast.add_constant(value));
        }
        self.plain.truncate(start);
        nodes.push(last);
        Ok(nodes)
    }

    /// The rest of a term after its number.
    fn ordinary_term(&mut self, term: TermType, depth: usize) -> Result<Part, ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Ok(Part::Node(self.ast.add_term(term, Args::new(), Optargs::new())));
        }
        self.ordinary_parts(term, depth)
    }

    fn ordinary_parts(&mut self, term: TermType, depth: usize) -> Result<Part, ReqlError> {
        let (args, optargs) = match self.lexer.kind()? {
            Kind::Array => {
                let mut args = Args::new();
                let mut first = true;
                self.lexer.expect(b'[')?;
                while self.lexer.element(&mut first, b']')? {
                    let position = args.len() as u32;
                    let arg = self.node(depth + 1);
                    args.push(arg.map_err(|error| error.below(Frame::Position(position)))?);
                }
                (args, self.trailing_optargs(depth)?)
            }
            Kind::Object => {
                let optargs = self.optargs(depth)?;
                self.end_term(2)?;
                (Args::new(), optargs)
            }
            _ => {
                let message =
                    "Second element in a non-DATUM Term is neither arguments nor optional arguments.";
                return Err(ReqlError::compile(message));
            }
        };
        Ok(Part::Node(self.ast.add_term(term, args, optargs)))
    }

    /// What follows the arguments: nothing, or options.
    fn trailing_optargs(&mut self, depth: usize) -> Result<Optargs, ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Ok(Optargs::new());
        }
        if self.lexer.kind()? != Kind::Object {
            let message = "Third element in a non-DATUM Term is not optional arguments.";
            return Err(ReqlError::compile(message));
        }
        let optargs = self.optargs(depth)?;
        self.end_term(3)?;
        Ok(optargs)
    }

    fn optargs(&mut self, depth: usize) -> Result<Optargs, ReqlError> {
        let mut optargs = Optargs::new();
        let mut first = true;
        self.lexer.expect(b'{')?;
        while self.lexer.element(&mut first, b'}')? {
            let name = self.key()?;
            let value = self.node(depth + 1).map_err(|error| error.below(Frame::Optarg(name.clone())))?;
            if optargs.iter().any(|(key, _)| *key == name) {
                let message = format!("Duplicate optional argument: {}", name.as_str());
                return Err(ReqlError::compile(message));
            }
            optargs.push((name, value));
        }
        Ok(optargs)
    }

    fn end_term(&mut self, mut size: usize) -> Result<(), ReqlError> {
        let mut first = false;
        if !self.lexer.element(&mut first, b']')? {
            return Ok(());
        }
        loop {
            self.lexer.value()?;
            size += 1;
            if !self.lexer.element(&mut first, b']')? {
                return Err(size_error(size));
            }
        }
    }

    fn key(&mut self) -> Result<Text, ReqlError> {
        if self.lexer.kind()? != Kind::String {
            return Err(Malformed.into());
        }
        let key = text_of(self.lexer.scalar()?)?;
        self.lexer.expect(b':')?;
        Ok(key)
    }

    /// An integer; RethinkDB cuts fractions.
    fn number(&mut self) -> Result<i64, ReqlError> {
        let text = std::str::from_utf8(self.lexer.scalar()?).map_err(|_| Malformed)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number as i64),
            _ => Err(Malformed.into()),
        }
    }
}

/// Closes a literal array or object: the comma after its last element becomes the bracket.
fn close(plain: &mut Vec<u8>, bracket: u8) {
    match plain.last_mut() {
        Some(last @ b',') => *last = bracket,
        _ => plain.push(bracket),
    }
}

/// What a JSON string says.
fn text_of(literal: &[u8]) -> Result<Text, ReqlError> {
    match parse_literal(literal)? {
        Datum::String(text) => Ok(text),
        _ => Err(Malformed.into()),
    }
}

fn envelope_error(message: &str) -> ReqlError {
    ReqlError::client(format!("Server could not parse query: {message}"))
}

fn count_error(count: usize) -> ReqlError {
    envelope_error(&format!("Expected 1 to 3 elements in the top-level query, but found {count}."))
}

fn size_error(size: usize) -> ReqlError {
    ReqlError::compile(format!("Expected between 1 and 3 elements in a raw term, but found {size}."))
}

fn depth_error() -> ReqlError {
    DatumError::NestingTooDeep { max: NESTING_DEPTH_MAX }.into()
}

/// Places an error below a field of an object, whose name may be broken itself.
fn below_key(error: ReqlError, key: &[u8]) -> ReqlError {
    match text_of(key) {
        Ok(name) => error.below(Frame::Optarg(name)),
        Err(_) => error,
    }
}

/// Packs a literal. JSON by its brackets that is none by its contents is the driver's
/// mistake; a value that cannot be is the query's. How long arrays may be is not known
/// before the options of the query are: see [`Ast::check_array_sizes`].
fn parse_literal(text: &[u8]) -> Result<Datum, ReqlError> {
    let limits = ParseLimits { array_size_max: usize::MAX, ..ParseLimits::default() };
    json::parse(text, limits).map_err(|error| match error {
        DatumError::Json { .. } => Malformed.into(),
        other => other.into(),
    })
}
