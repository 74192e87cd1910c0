//! Terms from their JSON wire form.
//!
//! The decoder keeps its own stack, so that the depth of a query costs heap and not the
//! stack of whoever serves it. Literals stay JSON until something that is no literal, or
//! the end, is met: then the largest piece is packed at once. What drivers usually write is read
//! faster, in [`crate::usual`].

use photondb_base::limits::NESTING_DEPTH_MAX;
use photondb_datum::{Datum, DatumError, Text};

use crate::check::is_surely_right;
use crate::lexer::{Kind, Lexer, Malformed};
use crate::literal::pack;
use crate::{Args, Ast, Effect, ErrorKind, Frame, Optargs, ReqlError, TermId, TermType};

/// Room for what most queries need, so that it need not grow.
const NODES_USUAL: usize = 24;
/// A number of at most so many digits is surely a whole one below 2^32.
const WHOLE_DIGITS_MAX: usize = 9;
const MALFORMED: &str = "Client is buggy (failed to deserialize query).";

impl From<Malformed> for ReqlError {
    fn from(_: Malformed) -> Self {
        Self::client(MALFORMED)
    }
}

/// A finished part of a query.
#[derive(Clone, Copy)]
enum Part {
    /// Nothing but literals: where its JSON stands in `TermDecoder::plain`.
    Literal { start: usize, end: usize },
    /// A node of the tree.
    Node(TermId),
}

/// A part with its name, which positional arguments leave empty.
struct Child<'a> {
    /// A JSON string.
    key: &'a [u8],
    part: Part,
}

/// What comes next in a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// An argument, or the end of the arguments.
    Args,
    /// An option, or the end of the options.
    Optargs,
    /// A field of a JSON object, or its end.
    Fields,
}

/// A term or object that has begun and not ended.
struct Level<'a> {
    term: TermType,
    stage: Stage,
    /// No element of this stage was met yet.
    first: bool,
    /// Whether everything so far is literal, and may become one literal.
    literal: bool,
    /// Where its JSON starts, while it is literal.
    start: usize,
    /// Its first child.
    children: usize,
    /// How many of its children are positional, once that is known.
    args: usize,
    /// Elements of the raw term so far: number, arguments, options.
    elements: usize,
    /// The name of the child that is being read.
    key: &'a [u8],
}

/// Reads terms into a tree.
pub(crate) struct TermDecoder<'a> {
    pub(crate) lexer: Lexer<'a>,
    /// The whole query, if it is UTF-8.
    pub(crate) text: Option<&'a str>,
    pub(crate) ast: Ast,
    /// JSON of the literals that are not in the tree yet, without the marks of the wire.
    plain: Vec<u8>,
    levels: Vec<Level<'a>>,
    /// Children of all levels.
    children: Vec<Child<'a>>,
    /// Nothing that was read so far needs to be looked at again, see [`crate::check`].
    pub(crate) is_checked: bool,
    /// A write was met. Only as the last term of all it surely stands where it may.
    pub(crate) has_write: bool,
}

impl<'a> TermDecoder<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            lexer: Lexer::new(text),
            text: std::str::from_utf8(text).ok(),
            ast: Ast::with_capacity(NODES_USUAL),
            plain: Vec::new(),
            levels: Vec::new(),
            children: Vec::new(),
            is_checked: true,
            has_write: false,
        }
    }

    /// Takes a whole term, which becomes a node without a parent.
    pub(crate) fn node(&mut self) -> Result<TermId, ReqlError> {
        if let Some(term) = self.usual() {
            return Ok(term);
        }
        self.any_node()
    }

    /// A whole term, however it is written.
    pub(crate) fn any_node(&mut self) -> Result<TermId, ReqlError> {
        loop {
            let mut finished = self.begin().map_err(|error| self.place(error, self.levels.len()))?;
            loop {
                if let Some(part) = finished {
                    if self.levels.is_empty() {
                        return self.settle(part);
                    }
                    self.accept(part).map_err(|error| self.place(error, self.levels.len() - 1))?;
                }
                finished = self.advance().map_err(|error| self.place(error, self.levels.len() - 1))?;
                if finished.is_none() {
                    break;
                }
            }
        }
    }

    /// Begins a value: a part that is finished at once, or a level that waits for its parts.
    fn begin(&mut self) -> Result<Option<Part>, ReqlError> {
        match self.lexer.kind()? {
            Kind::Array => self.begin_term(),
            Kind::Object => {
                self.lexer.expect(b'{')?;
                self.open(TermType::MakeObj, Stage::Fields)?;
                Ok(None)
            }
            _ => {
                let text = self.lexer.scalar()?;
                Ok(Some(if self.is_in_literal() {
                    self.literal(text)
                } else {
                    Part::Node(self.ast.add_constant(parse_literal(text)?))
                }))
            }
        }
    }

    /// Whether what comes next may be a part of a larger literal.
    fn is_in_literal(&self) -> bool {
        self.levels.last().is_some_and(|level| level.literal)
    }

    /// `[number, arguments, options]`
    fn begin_term(&mut self) -> Result<Option<Part>, ReqlError> {
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
        let (number, text) = self.number()?;
        let term = number.and_then(TermType::from_id).ok_or_else(|| {
            ReqlError::compile(format!("Unrecognized TermType: {}.", String::from_utf8_lossy(text)))
        })?;
        let more = self.lexer.element(&mut first, b']')?;
        if term == TermType::Datum {
            return self.raw_datum(more).map(Some);
        }
        if !more {
            return Ok(Some(match term {
                TermType::MakeArray => self.literal(b"[]"),
                TermType::MakeObj => self.literal(b"{}"),
                term => Part::Node(self.add_term(term, Args::new(), Optargs::new())),
            }));
        }
        let stage = match self.lexer.kind()? {
            Kind::Array => Stage::Args,
            Kind::Object => Stage::Optargs,
            _ => {
                let message =
                    "Second element in a non-DATUM Term is neither arguments nor optional arguments.";
                return Err(ReqlError::compile(message));
            }
        };
        self.lexer.expect(if stage == Stage::Args { b'[' } else { b'{' })?;
        self.open(term, stage)?;
        Ok(None)
    }

    /// `[1, value]`: the value is no term, whatever it looks like.
    fn raw_datum(&mut self, present: bool) -> Result<Part, ReqlError> {
        if !present {
            return Err(ReqlError::compile("Expected 2 items in array, but found 1."));
        }
        let (text, depth) = self.lexer.value()?;
        if self.levels.len() + depth > NESTING_DEPTH_MAX {
            return Err(depth_error());
        }
        self.lexer.expect(b']')?;
        // An element and its comma take two bytes at least.
        self.ast.note_array_size(text.len() / 2);
        Ok(self.literal(text))
    }

    fn open(&mut self, term: TermType, stage: Stage) -> Result<(), ReqlError> {
        if self.levels.len() == NESTING_DEPTH_MAX {
            return Err(depth_error());
        }
        let bracket = match (term, stage) {
            (TermType::MakeArray, Stage::Args) => Some(b'['),
            (TermType::MakeObj, Stage::Fields | Stage::Optargs) => Some(b'{'),
            _ => None,
        };
        self.levels.push(Level {
            term,
            stage,
            first: true,
            literal: bracket.is_some(),
            start: self.plain.len(),
            children: self.children.len(),
            args: 0,
            elements: 2,
            key: b"",
        });
        self.plain.extend(bracket);
        Ok(())
    }

    /// Gives a part to the level that waits for it.
    fn accept(&mut self, part: Part) -> Result<(), ReqlError> {
        let Some(level) = self.levels.last() else { return Ok(()) };
        let (key, literal) = (level.key, level.literal);
        let part = match part {
            Part::Literal { .. } if literal => {
                self.plain.push(b',');
                part
            }
            // A literal stands at the end of the buffer: it goes before its elder siblings.
            part => {
                Part::Node(self.settle(part).map_err(|error| self.below(error, self.children.len(), key))?)
            }
        };
        self.children.push(Child { key, part });
        if literal && matches!(part, Part::Node(_)) {
            self.unfold()?;
        }
        Ok(())
    }

    /// The first part that is no literal was met: its elder siblings become nodes, too.
    fn unfold(&mut self) -> Result<(), ReqlError> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.literal = false;
        let (first, start) = (level.children, level.start);
        for position in first..self.children.len() {
            let Child { key, part } = &self.children[position];
            if let Part::Literal { start, end } = *part {
                let key = *key;
                let value = parse_literal(&self.plain[start..end])
                    .map_err(|error| self.below(error, position, key))?;
                self.children[position].part = Part::Node(self.ast.add_constant(value));
            }
        }
        self.plain.truncate(start);
        Ok(())
    }

    /// Goes to the next part of the last level: `None` when a value follows, the level's
    /// own part when it has ended.
    fn advance(&mut self) -> Result<Option<Part>, ReqlError> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            let close = if level.stage == Stage::Args { b']' } else { b'}' };
            if self.lexer.element(&mut level.first, close)? {
                // An array with options is no literal.
                if level.stage == Stage::Optargs && level.literal && level.term == TermType::MakeArray {
                    self.unfold()?;
                }
                let Some(level) = self.levels.last_mut() else { return Ok(None) };
                if level.stage != Stage::Args {
                    if self.lexer.kind()? != Kind::String {
                        return Err(Malformed.into());
                    }
                    level.key = self.lexer.scalar()?;
                    self.lexer.expect(b':')?;
                    if level.literal {
                        self.plain.extend_from_slice(level.key);
                        self.plain.push(b':');
                    }
                }
                return Ok(None);
            }
            match level.stage {
                Stage::Fields => return self.finish().map(Some),
                Stage::Optargs => {
                    let elements = level.elements;
                    self.end_term(elements)?;
                    return self.finish().map(Some);
                }
                Stage::Args => {
                    level.args = self.children.len() - level.children;
                    if !self.lexer.element(&mut false, b']')? {
                        return self.finish().map(Some);
                    }
                    if self.lexer.kind()? != Kind::Object {
                        let message = "Third element in a non-DATUM Term is not optional arguments.";
                        return Err(ReqlError::compile(message));
                    }
                    self.lexer.expect(b'{')?;
                    level.stage = Stage::Optargs;
                    level.first = true;
                    level.elements = 3;
                    if level.term == TermType::MakeObj && level.args == 0 {
                        level.literal = true;
                        level.start = self.plain.len();
                        self.plain.push(b'{');
                    }
                }
            }
        }
    }

    /// Ends the last level.
    fn finish(&mut self) -> Result<Part, ReqlError> {
        let Some(level) = self.levels.last() else { return Err(Malformed.into()) };
        let (term, literal, start, first) = (level.term, level.literal, level.start, level.children);
        let args_end = first + level.args;
        if literal {
            if term == TermType::MakeArray {
                self.ast.note_array_size(level.args);
            }
            close(&mut self.plain, if term == TermType::MakeArray { b']' } else { b'}' });
            self.children.truncate(first);
            self.levels.pop();
            return Ok(Part::Literal { start, end: self.plain.len() });
        }
        if first == self.children.len() && matches!(term, TermType::MakeArray | TermType::MakeObj) {
            self.levels.pop();
            return Ok(self.literal(if term == TermType::MakeArray { b"[]" } else { b"{}" }));
        }
        let node = |child: &Child<'_>| match child.part {
            Part::Node(id) => Ok(id),
            Part::Literal { .. } => Err(ReqlError::internal("A literal was left in a term.")),
        };
        let mut args = Args::with_capacity(args_end - first);
        for child in &self.children[first..args_end] {
            args.push(node(child)?);
        }
        let mut optargs = Optargs::new();
        for child in &self.children[args_end..] {
            let name = text_of(child.key)?;
            if optargs.iter().any(|(other, _)| *other == name) {
                return Err(duplicate_error(term, &name));
            }
            optargs.push((name, node(child)?));
        }
        self.children.truncate(first);
        self.levels.pop();
        Ok(Part::Node(self.add_term(term, args, optargs)))
    }

    /// Adds a term, and looks whether there is anything that a check would not let pass.
    pub(crate) fn add_term(&mut self, term: TermType, args: Args, optargs: Optargs) -> TermId {
        self.is_checked &= !self.has_write && is_surely_right(&self.ast, term, &args, &optargs);
        self.has_write |= term.info().effect == Effect::Write;
        self.ast.add_term(term, args, optargs)
    }

    /// Nothing may follow in a term that has `size` elements.
    fn end_term(&mut self, mut size: usize) -> Result<(), ReqlError> {
        if !self.lexer.element(&mut false, b']')? {
            return Ok(());
        }
        loop {
            self.lexer.value()?;
            size += 1;
            if !self.lexer.element(&mut false, b']')? {
                return Err(size_error(size));
            }
        }
    }

    /// Turns the part at the end of the buffer into a node.
    fn settle(&mut self, part: Part) -> Result<TermId, ReqlError> {
        match part {
            Part::Node(id) => Ok(id),
            Part::Literal { start, end } => {
                let value = parse_literal(&self.plain[start..end])?;
                self.plain.truncate(start);
                Ok(self.ast.add_constant(value))
            }
        }
    }

    fn literal(&mut self, text: &[u8]) -> Part {
        let start = self.plain.len();
        self.plain.extend_from_slice(text);
        Part::Literal { start, end: self.plain.len() }
    }

    /// The name of an option and the colon after it.
    pub(crate) fn key(&mut self) -> Result<Text, ReqlError> {
        if self.lexer.kind()? != Kind::String {
            return Err(Malformed.into());
        }
        let key = text_of(self.lexer.scalar()?)?;
        self.lexer.expect(b':')?;
        Ok(key)
    }

    /// The number of a term or a query type, and how it is written. What is no whole number
    /// is the number of nothing.
    pub(crate) fn number(&mut self) -> Result<(Option<u64>, &'a [u8]), ReqlError> {
        let bytes = self.lexer.scalar()?;
        // Nearly always.
        if bytes.len() <= WHOLE_DIGITS_MAX && bytes.iter().all(u8::is_ascii_digit) {
            return Ok((Some(bytes.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'))), bytes));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        let number: f64 = text.parse().map_err(|_| Malformed)?;
        let whole = number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
        Ok((whole.then_some(number as u64), bytes))
    }

    /// Places an error below the first `count` levels.
    fn place(&self, mut error: ReqlError, count: usize) -> ReqlError {
        for (position, level) in self.levels[..count].iter().enumerate().rev() {
            let next = match self.levels.get(position + 1) {
                Some(below) => below.children,
                None => self.children.len(),
            };
            error = below(error, level, next - level.children);
        }
        error
    }

    /// Places an error below a child of the last level.
    fn below(&self, error: ReqlError, child: usize, key: &[u8]) -> ReqlError {
        match self.levels.last() {
            Some(level) => below(error, &Level { key, ..*level }, child - level.children),
            None => error,
        }
    }
}

/// Places an error below the child of a level. A text that is no query has no places.
fn below(error: ReqlError, level: &Level<'_>, position: usize) -> ReqlError {
    if error.kind == ErrorKind::Client {
        return error;
    }
    if level.stage == Stage::Args {
        return error.below(Frame::Position(position as u32));
    }
    match text_of(level.key) {
        Ok(name) => error.below(Frame::Optarg(name)),
        Err(_) => error,
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

fn size_error(size: usize) -> ReqlError {
    ReqlError::compile(format!("Expected between 1 and 3 elements in a raw term, but found {size}."))
}

fn depth_error() -> ReqlError {
    DatumError::NestingTooDeep { max: NESTING_DEPTH_MAX }.into()
}

fn duplicate_error(term: TermType, name: &Text) -> ReqlError {
    match term {
        TermType::MakeObj => DatumError::DuplicateKey(name.as_str().to_owned()).into(),
        _ => ReqlError::compile(format!("Duplicate optional argument: {}", name.as_str())),
    }
}

/// Packs a literal. JSON by its brackets that is none by its contents is the driver's
/// mistake; a value that cannot be is the query's.
fn parse_literal(text: &[u8]) -> Result<Datum, ReqlError> {
    pack(text).map_err(|error| match error {
        DatumError::Json { .. } => Malformed.into(),
        other => other.into(),
    })
}
