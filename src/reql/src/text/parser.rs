//! Tokens to a syntax tree, by recursive descent.

use photondb_base::limits::NESTING_DEPTH_MAX;
use photondb_datum::{Datum, Text};

use crate::text::call;
use crate::text::span::{Span, TextError};
use crate::text::suggestion::did_you_mean;
use crate::text::token::{Token, Tokens};
use crate::{Args, Ast, Optargs, TermId, TermType};

pub(super) type Result<T> = std::result::Result<T, TextError>;

/// Reads a whole text: the tree, and what each of its nodes was read from.
pub(super) fn parse(text: &str) -> Result<(Ast, Vec<Span>)> {
    let mut parser = Parser::new(text)?;
    let part = parser.expression()?;
    parser.take(&Token::Mark(';'))?;
    if parser.token != Token::End {
        return Err(parser.unexpected("the end of the query"));
    }
    if let Some(span) = parser.row {
        let message = "`r.row` has to stand in an argument of a term that takes a function, such as filter \
                       or update; inside other functions, name a parameter.";
        return Err(TextError::new(message, span));
    }
    let root = parser.node(part)?;
    parser.ast.set_root(root);
    Ok((parser.ast, parser.spans))
}

/// What was read. Literals become nodes only where a node is needed, so that a document of
/// literals is one value.
pub(super) enum Part {
    Literal(Datum, Span),
    Node(TermId),
    /// An object that may turn out to hold options.
    Object(Vec<Field>, Span),
}

pub(super) struct Field {
    pub(super) name: Text,
    pub(super) span: Span,
    pub(super) value: Part,
}

/// An argument of a term.
struct Argument {
    part: Part,
    /// Whether `r.row` in it waits for a function.
    pub(super) row: Option<Span>,
}

pub(super) struct Parser<'a> {
    pub(super) tokens: Tokens<'a>,
    pub(super) token: Token<'a>,
    pub(super) span: Span,
    /// Where the last token that was taken has ended.
    pub(super) end: usize,
    pub(super) ast: Ast,
    /// By node: what it was read from, and how deep it is.
    pub(super) spans: Vec<Span>,
    depths: Vec<usize>,
    /// Parameters in reach, the innermost last.
    pub(super) parameters: Vec<(&'a str, u32)>,
    pub(super) variables: u32,
    /// The first `r.row` that no function has taken so far.
    pub(super) row: Option<Span>,
    /// Expressions that have begun and not ended.
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self> {
        let mut tokens = Tokens::new(text);
        let (token, span) = tokens.next()?;
        Ok(Self {
            tokens,
            token,
            span,
            end: 0,
            ast: Ast::new(),
            spans: Vec::new(),
            depths: Vec::new(),
            parameters: Vec::new(),
            variables: 0,
            row: None,
            nesting: 0,
        })
    }

    pub(super) fn expression(&mut self) -> Result<Part> {
        if self.nesting == NESTING_DEPTH_MAX {
            return Err(self.too_deep(self.span));
        }
        self.nesting += 1;
        let start = self.span;
        let mut part = self.primary()?;
        loop {
            part = match self.token {
                Token::Mark('.') => {
                    self.advance()?;
                    let (name, span) = self.name("the name of a term")?;
                    self.method(part, name, span)?
                }
                Token::Mark('(') => self.bracket(part, ')')?,
                Token::Mark('[') => self.bracket(part, ']')?,
                Token::Mark(sign @ ('+' | '-')) => {
                    let method = if sign == '+' { "add" } else { "sub" };
                    let message = format!("Operators are methods here: write .{method}(..).");
                    return Err(TextError::new(message, self.span));
                }
                Token::Arrow => {
                    let message = "The parameters of a function are names: write row => .. or (a, b) => ..";
                    return Err(TextError::new(message, start.to(self.span)));
                }
                _ => break,
            };
        }
        self.nesting -= 1;
        Ok(part)
    }

    fn primary(&mut self) -> Result<Part> {
        let span = self.span;
        match self.token.clone() {
            Token::Number(number) => {
                self.advance()?;
                Ok(Part::Literal(Datum::Number(number), span))
            }
            Token::String(text) => {
                self.advance()?;
                Ok(Part::Literal(Datum::string(text.as_ref()), span))
            }
            Token::Mark('-' | '+') => self.signed(),
            Token::Mark('[') => self.array(),
            Token::Mark('{') => self.object(),
            Token::Mark('(') => match self.arrow_parameters()? {
                Some(names) => self.arrow(&names),
                None => {
                    self.advance()?;
                    let part = self.expression()?;
                    self.expect(')')?;
                    // In parentheses an object is a value, whatever follows.
                    self.settle(part)
                }
            },
            Token::Name(name) => self.named(name),
            _ => Err(self.unexpected("a term or a value")),
        }
    }

    /// A number behind its sign.
    fn signed(&mut self) -> Result<Part> {
        let (sign, start) = (self.token.clone(), self.span);
        self.advance()?;
        let Token::Number(number) = self.token else {
            let message = "A sign has to stand before a number; for other values write .mul(-1).";
            return Err(TextError::new(message, start));
        };
        let span = start.to(self.span);
        self.advance()?;
        let number = if sign == Token::Mark('-') { 0.0 - number } else { number };
        Ok(Part::Literal(Datum::Number(number), span))
    }

    fn named(&mut self, name: &'a str) -> Result<Part> {
        let span = self.span;
        self.advance()?;
        if self.token == Token::Arrow {
            return self.arrow_body(&[name], span);
        }
        if let Some((_, number)) = self.parameters.iter().rev().find(|(known, _)| *known == name) {
            let number = Datum::Number(f64::from(*number));
            let number = self.constant(number, span);
            return self.term(TermType::Var, Args::from_slice(&[number]), Optargs::new(), span);
        }
        match name {
            "r" => self.root(span),
            "true" => Ok(Part::Literal(Datum::Bool(true), span)),
            "false" => Ok(Part::Literal(Datum::Bool(false), span)),
            "null" => Ok(Part::Literal(Datum::Null, span)),
            "function" => self.function(span),
            _ => Err(self.unknown_name(name, span)),
        }
    }

    fn unknown_name(&self, name: &str, span: Span) -> TextError {
        let message = match name {
            "undefined" | "NaN" | "Infinity" => format!("`{name}` is no value of ReQL; null is."),
            "new" | "Date" => "Times are made by terms: r.now(), r.ISO8601('2024-05-06T07:08:09Z'), \
                               r.epochTime(seconds)."
                .to_owned(),
            "return" | "var" | "let" | "const" | "if" | "for" => {
                format!("`{name}`: a query is one expression, without statements; r.do(..) names a value.")
            }
            _ if self.token == Token::Mark('(') && call::term_of(name, span).is_ok() => {
                format!("Terms begin with r or a value: write r.{name}(..).")
            }
            _ => {
                let names = self.parameters.iter().map(|(known, _)| *known);
                let near = did_you_mean(name, names);
                format!("`{name}` is not known here.{near} A string stands in quotes.")
            }
        };
        TextError::new(message, span)
    }

    /// What follows `r`.
    fn root(&mut self, span: Span) -> Result<Part> {
        if self.take(&Token::Mark('('))? {
            return self.value_of_expr();
        }
        if !self.take(&Token::Mark('.'))? {
            let message = "`r` alone is no value: a term follows, as in r.table('..').";
            return Err(TextError::new(message, span));
        }
        let (name, span) = self.name("the name of a term")?;
        if name == "expr" {
            self.expect('(')?;
            return self.value_of_expr();
        }
        let term = call::term_of(name, span)?;
        match self.token {
            _ if call::is_property(term) => self.property(term, span),
            Token::Mark('(') => self.call(term, None, span),
            _ => Err(TextError::new(format!("Parentheses are missing: {name}(..)."), span)),
        }
    }

    fn property(&mut self, term: TermType, span: Span) -> Result<Part> {
        if term == TermType::ImplicitVar {
            self.row.get_or_insert(span);
        }
        self.term(term, Args::new(), Optargs::new(), span)
    }

    /// The argument of `r.expr`, after the parenthesis.
    fn value_of_expr(&mut self) -> Result<Part> {
        let part = self.expression()?;
        self.take(&Token::Mark(','))?;
        self.expect(')')?;
        self.settle(part)
    }

    /// A term with its arguments, the receiver first.
    fn method(&mut self, receiver: Part, name: &str, span: Span) -> Result<Part> {
        if self.token != Token::Mark('(') {
            let message = match call::term_of(name, span) {
                Ok(_) => format!("Parentheses are missing: .{name}(..). The field is ('{name}')."),
                Err(_) => format!("A field is read by ('{name}'), not by .{name}."),
            };
            return Err(TextError::new(message, span));
        }
        let term = call::term_of(name, span)?;
        self.call(term, Some(receiver), span)
    }

    /// `value(field)` and `value[field]`
    fn bracket(&mut self, receiver: Part, close: char) -> Result<Part> {
        let start = self.span;
        self.advance()?;
        let key = self.expression()?;
        self.expect(close)?;
        let span = Span { start: start.start, end: self.end };
        let args = Args::from_slice(&[self.node(receiver)?, self.node(key)?]);
        self.term(TermType::Bracket, args, Optargs::new(), span)
    }

    /// From the opening parenthesis of a term to the closing one.
    fn call(&mut self, term: TermType, receiver: Option<Part>, name: Span) -> Result<Part> {
        let mut arguments = Vec::new();
        arguments.extend(receiver.map(|part| Argument { part, row: None }));
        self.advance()?;
        while self.token != Token::Mark(')') {
            let outer = self.row.take();
            let part = self.expression()?;
            let row = std::mem::replace(&mut self.row, outer);
            arguments.push(Argument { part, row });
            if !self.take(&Token::Mark(','))? && self.token != Token::Mark(')') {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        self.advance()?;
        let span = Span { start: name.start, end: self.end };
        let optargs = self.options(term, &mut arguments)?;
        let mut args = Args::new();
        for argument in arguments {
            let mut id = self.node(argument.part)?;
            match argument.row {
                Some(_) if call::wraps_row(term) => id = self.function_of_row(id)?,
                Some(row) => _ = self.row.get_or_insert(row),
                None => {}
            }
            args.push(id);
        }
        if term == TermType::Funcall {
            // The function stands last in the text and first in the tree.
            args.rotate_right(1);
        }
        self.term(term, args, optargs, span)
    }

    /// Takes the options off the arguments, if the last one holds them.
    fn options(&mut self, term: TermType, arguments: &mut Vec<Argument>) -> Result<Optargs> {
        let object = matches!(arguments.last(), Some(Argument { part: Part::Object(..), .. }));
        if !object || !call::has_options(term, arguments.len()) {
            return Ok(Optargs::new());
        }
        let mut optargs = Optargs::new();
        let Some(Argument { part: Part::Object(fields, _), row }) = arguments.pop() else {
            return Ok(optargs);
        };
        if let Some(row) = row {
            self.row.get_or_insert(row);
        }
        for Field { name, span, value } in fields {
            let option = call::option_of(term, name.as_str(), span)?;
            if optargs.iter().any(|(known, _)| *known == option) {
                return Err(TextError::new(format!("The option `{}` is given twice.", name.as_str()), span));
            }
            let value = self.node(value)?;
            optargs.push((option, value));
        }
        Ok(optargs)
    }

    pub(super) fn node(&mut self, part: Part) -> Result<TermId> {
        match self.settle(part)? {
            Part::Literal(datum, span) => Ok(self.constant(datum, span)),
            Part::Node(id) => Ok(id),
            Part::Object(_, span) => Err(TextError::new("An object was left unread.", span)),
        }
    }

    pub(super) fn constant(&mut self, datum: Datum, span: Span) -> TermId {
        self.spans.push(span);
        self.depths.push(1);
        self.ast.add_constant(datum)
    }

    pub(super) fn term(&mut self, term: TermType, args: Args, optargs: Optargs, span: Span) -> Result<Part> {
        self.term_node(term, args, optargs, span).map(Part::Node)
    }

    /// A chain of terms nests without any brackets within each other: depth is counted here, too.
    pub(super) fn term_node(
        &mut self,
        term: TermType,
        args: Args,
        optargs: Optargs,
        span: Span,
    ) -> Result<TermId> {
        let children = args.iter().chain(optargs.iter().map(|(_, value)| value));
        let depth = 1 + children.map(|child| self.depths[child.index()]).max().unwrap_or(0);
        if depth > NESTING_DEPTH_MAX {
            return Err(self.too_deep(span));
        }
        self.spans.push(span);
        self.depths.push(depth);
        Ok(self.ast.add_term(term, args, optargs))
    }

    fn too_deep(&self, span: Span) -> TextError {
        TextError::new(format!("The query is nested more than {NESTING_DEPTH_MAX} deep."), span)
    }

    pub(super) fn advance(&mut self) -> Result<()> {
        self.end = self.span.end;
        (self.token, self.span) = self.tokens.next()?;
        Ok(())
    }

    pub(super) fn take(&mut self, token: &Token<'_>) -> Result<bool> {
        let found = self.token == *token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, mark: char) -> Result<()> {
        if self.take(&Token::Mark(mark))? { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    pub(super) fn name(&mut self, wanted: &str) -> Result<(&'a str, Span)> {
        let Token::Name(name) = self.token else { return Err(self.unexpected(wanted)) };
        let span = self.span;
        self.advance()?;
        Ok((name, span))
    }

    pub(super) fn unexpected(&self, wanted: &str) -> TextError {
        TextError::new(format!("Expected {wanted} but found {}.", self.token.describe()), self.span)
    }
}
