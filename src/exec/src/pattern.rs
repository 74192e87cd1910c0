//! Object patterns, as `filter({a: 1})` takes them.

use photondb_datum::{Datum, DatumRef, FieldLookup, PseudoType, pseudo};

use crate::error::{EvalError, Result};
use crate::row_expression::Bounds;
use crate::value::wrong_type;

/// Which values match: those that have the fields of an object with equal values, objects in
/// depth. A literal in the pattern must be equal as a whole.
pub(crate) enum Pattern {
    Equal(Datum),
    Fields(Vec<(FieldLookup, Pattern)>),
    /// A literal of nothing.
    Nothing,
}

/// How a value compares with a pattern.
pub(crate) enum Match<'a> {
    Yes,
    No,
    /// The field of this name is not there.
    Absent(&'a str),
    /// Fields are wanted of something that is no object.
    NoObject,
}

impl Pattern {
    /// The pattern that a value stands for.
    pub(crate) fn new(value: &Datum) -> Self {
        let Datum::Object(object) = value else { return Self::Equal(value.clone()) };
        match object.pseudo_type() {
            None => {
                let field = |(name, value)| (FieldLookup::new(name), Self::new(&value));
                Self::Fields(object.iter().map(field).collect())
            }
            Some(PseudoType::Literal) => {
                pseudo::literal_value(object).flatten().map_or(Self::Nothing, Self::Equal)
            }
            Some(_) => Self::Equal(value.clone()),
        }
    }

    /// Compares a value.
    pub(crate) fn compare(&self, row: DatumRef<'_>) -> Match<'_> {
        let fields = match self {
            Self::Equal(value) => return if value.view() == row { Match::Yes } else { Match::No },
            Self::Nothing => return Match::No,
            Self::Fields(fields) => fields,
        };
        let DatumRef::Object(row) = row else { return Match::NoObject };
        for (field, wanted) in fields {
            let Some(found) = field.of(row) else { return Match::Absent(field.name()) };
            match wanted.compare(found) {
                Match::Yes => {}
                // An object is wanted where something else is.
                Match::No | Match::NoObject => return Match::No,
                absent @ Match::Absent(_) => return absent,
            }
        }
        Match::Yes
    }

    /// The bounds of the fields of values that match.
    pub(crate) fn bounds(&self) -> Bounds {
        let mut bounds = Bounds { never_fails: true, ..Bounds::default() };
        if let Self::Fields(fields) = self {
            for (field, wanted) in fields {
                if let Self::Equal(value) = wanted {
                    bounds.and(Bounds::equal(field.name().clone(), value));
                }
            }
        }
        bounds
    }

    /// Whether a value matches. One that lacks a field does not.
    pub(crate) fn matches(&self, row: DatumRef<'_>) -> bool {
        matches!(self.compare(row), Match::Yes)
    }

    /// The same with RethinkDB's errors for rows that lack a field, which the `default` of
    /// `filter` decides about, and for rows that are no objects.
    pub(crate) fn try_matches(&self, row: &Datum) -> Result<bool> {
        match self.compare(row.view()) {
            Match::Yes => Ok(true),
            Match::No => Ok(false),
            Match::Absent(name) => Err(EvalError::no_attribute(name, row)),
            Match::NoObject => Err(wrong_type("OBJECT", row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use photondb_datum::json::{ParseLimits, parse};

    use super::*;

    fn json(text: &str) -> Datum {
        parse(text.as_bytes(), ParseLimits::default()).unwrap()
    }

    #[test]
    fn patterns_match_in_depth() {
        let row = json(r#"{"a":1,"b":{"c":2,"d":3},"e":[1]}"#);
        let cases = [
            (r#"{}"#, Some(true)),
            (r#"{"a":1}"#, Some(true)),
            (r#"{"a":2,"x":1}"#, Some(false)),
            (r#"{"b":{"c":2}}"#, Some(true)),
            (r#"{"b":{"$reql_type$":"LITERAL","value":{"c":2}}}"#, Some(false)),
            (r#"{"b":{"$reql_type$":"LITERAL","value":{"c":2,"d":3}}}"#, Some(true)),
            (r#"{"a":{"c":2}}"#, Some(false)),
            (r#"{"x":1}"#, None),
            (r#"{"b":{"x":1}}"#, None),
            (r#"{"e":[1]}"#, Some(true)),
        ];
        for (pattern, expected) in cases {
            let compiled = Pattern::new(&json(pattern));
            assert_eq!(compiled.matches(row.view()), expected.unwrap_or(false), "{pattern}");
            match compiled.try_matches(&row) {
                Ok(result) => assert_eq!(Some(result), expected, "{pattern}"),
                Err(error) => assert!(expected.is_none() && error.is_absent(), "{pattern}"),
            }
        }
    }
}
