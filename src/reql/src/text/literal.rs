//! Arrays and objects. What holds nothing but literals is one literal.

use photondb_datum::{Datum, ObjectBuilder, Text};

use crate::text::parser::{Field, Parser, Part, Result};
use crate::text::span::{Span, TextError};
use crate::text::token::Token;
use crate::{Args, Optargs, TermType};

impl Parser<'_> {
    pub(super) fn array(&mut self) -> Result<Part> {
        let start = self.span;
        let mut parts = Vec::new();
        self.advance()?;
        while self.token != Token::Mark(']') {
            let part = self.expression()?;
            parts.push(self.settle(part)?);
            if !self.take(&Token::Mark(','))? && self.token != Token::Mark(']') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        self.advance()?;
        let span = Span { start: start.start, end: self.end };
        let literals = parts.iter().all(|part| matches!(part, Part::Literal(..)));
        if literals {
            self.ast.note_array_size(parts.len());
            let items = parts.into_iter().filter_map(|part| match part {
                Part::Literal(datum, _) => Some(datum),
                _ => None,
            });
            return Ok(Part::Literal(Datum::array(items), span));
        }
        let args = parts.into_iter().map(|part| self.node(part)).collect::<Result<Args>>()?;
        self.term(TermType::MakeArray, args, Optargs::new(), span)
    }

    pub(super) fn object(&mut self) -> Result<Part> {
        let start = self.span;
        let mut fields = Vec::new();
        self.advance()?;
        while self.token != Token::Mark('}') {
            let (name, span) = match self.token.clone() {
                Token::Name(name) => (Text::from(name), self.span),
                Token::String(name) => (Text::from(name.as_ref()), self.span),
                Token::Number(number) => (Text::from(number.to_string().as_str()), self.span),
                _ => return Err(self.unexpected("the name of a field")),
            };
            self.advance()?;
            self.expect(':')?;
            let value = self.expression()?;
            let value = self.settle(value)?;
            fields.push(Field { name, span, value });
            if !self.take(&Token::Mark(','))? && self.token != Token::Mark('}') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        self.advance()?;
        Ok(Part::Object(fields, Span { start: start.start, end: self.end }))
    }

    /// An object as a value: a literal if all of it is.
    pub(super) fn settle(&mut self, part: Part) -> Result<Part> {
        let Part::Object(fields, span) = part else { return Ok(part) };
        if fields.iter().any(|field| !matches!(field.value, Part::Literal(..))) {
            let mut optargs = Optargs::new();
            for Field { name, span, value } in fields {
                if optargs.iter().any(|(known, _)| *known == name) {
                    return Err(duplicate(&name, span));
                }
                let value = self.node(value)?;
                optargs.push((name, value));
            }
            return self.term(TermType::MakeObj, Args::new(), optargs, span);
        }
        let mut object = ObjectBuilder::with_capacity(fields.len());
        for Field { name, span, value } in fields {
            if let Part::Literal(value, _) = value
                && object.insert(name.clone(), value).is_some()
            {
                return Err(duplicate(&name, span));
            }
        }
        let datum = object.into_datum().map_err(|error| TextError::new(error.to_string(), span))?;
        Ok(Part::Literal(datum, span))
    }
}

fn duplicate(name: &Text, span: Span) -> TextError {
    TextError::new(format!("The field `{}` is there twice.", name.as_str()), span)
}
