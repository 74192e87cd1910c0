//! Functions: `row => ..`, `(a, b) => ..`, `function (a) { return ..; }` and `r.row`.

use photondb_datum::Datum;

use crate::text::parser::{Parser, Part, Result};
use crate::text::span::{Span, TextError};
use crate::text::token::Token;
use crate::{Args, Optargs, TermId, TermType};

impl<'a> Parser<'a> {
    /// The names of an arrow function, if one begins at this parenthesis.
    pub(super) fn arrow_parameters(&self) -> Result<Option<Vec<&'a str>>> {
        let mut ahead = self.tokens.clone();
        let mut names = Vec::new();
        loop {
            match ahead.next()?.0 {
                Token::Name(name) => names.push(name),
                Token::Mark(')') => break,
                _ => return Ok(None),
            }
            match ahead.next()?.0 {
                Token::Mark(',') => {}
                Token::Mark(')') => break,
                _ => return Ok(None),
            }
        }
        Ok((ahead.next()?.0 == Token::Arrow).then_some(names))
    }

    pub(super) fn arrow(&mut self, names: &[&'a str]) -> Result<Part> {
        let start = self.span;
        while self.token != Token::Arrow {
            self.advance()?;
        }
        self.arrow_body(names, start)
    }

    pub(super) fn arrow_body(&mut self, names: &[&'a str], start: Span) -> Result<Part> {
        self.advance()?;
        if self.token != Token::Mark('{') {
            return self.body(names, start, |parser| parser.expression());
        }
        self.body(names, start, Self::block)
    }

    /// `function (a, b) { return expression; }`, after the first word.
    pub(super) fn function(&mut self, start: Span) -> Result<Part> {
        if let Token::Name(_) = self.token {
            self.advance()?;
        }
        self.expect('(')?;
        let mut names = Vec::new();
        while self.token != Token::Mark(')') {
            names.push(self.name("the name of a parameter")?.0);
            if !self.take(&Token::Mark(','))? && self.token != Token::Mark(')') {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        self.advance()?;
        self.body(&names, start, Self::block)
    }

    /// `{ return expression; }`
    fn block(&mut self) -> Result<Part> {
        let start = self.span;
        self.expect('{')?;
        if self.token != Token::Name("return") {
            let message = "Braces after the parameters of a function need a `return` in them; an object as the \
                           result stands in parentheses: row => ({..}).";
            return Err(TextError::new(message, start.to(self.span)));
        }
        self.advance()?;
        let part = self.expression()?;
        let part = self.settle(part)?;
        self.take(&Token::Mark(';'))?;
        self.expect('}')?;
        Ok(part)
    }

    fn body(
        &mut self,
        names: &[&'a str],
        start: Span,
        read: impl FnOnce(&mut Self) -> Result<Part>,
    ) -> Result<Part> {
        let reach = self.parameters.len();
        let outer = self.row.take();
        let mut numbers = Vec::with_capacity(names.len());
        for name in names {
            if self.parameters[reach..].iter().any(|(known, _)| known == name) {
                return Err(TextError::new(format!("The parameter `{name}` is there twice."), start));
            }
            numbers.push(self.variable());
            self.parameters.push((name, self.variables));
        }
        let part = read(self)?;
        let body = self.node(part)?;
        self.parameters.truncate(reach);
        // A function of one parameter is what `r.row` in it refers to.
        let row = self.row.take().filter(|_| names.len() != 1);
        self.row = outer.or(row);
        self.function_node(numbers, body, Span { start: start.start, end: self.end }).map(Part::Node)
    }

    pub(super) fn function_of_row(&mut self, body: TermId) -> Result<TermId> {
        let number = self.variable();
        let span = self.spans[body.index()];
        self.function_node(vec![number], body, span)
    }

    fn function_node(&mut self, numbers: Vec<Datum>, body: TermId, span: Span) -> Result<TermId> {
        let parameters = self.constant(Datum::array(numbers), span);
        self.term_node(TermType::Func, Args::from_slice(&[parameters, body]), Optargs::new(), span)
    }

    /// The number of a new variable.
    fn variable(&mut self) -> Datum {
        self.variables += 1;
        Datum::Number(f64::from(self.variables))
    }
}
