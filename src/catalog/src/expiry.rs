//! The `ttl` of a table: how its documents expire.

use photondb_base::{IndexId, TreeId};
use photondb_datum::{Datum, Text};
use photondb_table::ExpiryLayout;
use thiserror::Error;

/// What a user says about how documents expire.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeToLive {
    /// The field with a time.
    pub field: Text,
    /// Seconds after that time; at that time when absent.
    pub seconds: Option<f64>,
}

/// How the documents of a table expire.
#[derive(Clone, Debug, PartialEq)]
pub struct Expiry {
    /// What the user said.
    pub ttl: TimeToLive,
    /// Identifies the order of expiry.
    pub id: IndexId,
    /// The tree of the order of expiry.
    pub tree: TreeId,
    /// Whether the tree is complete.
    pub ready: bool,
}

/// Why a `ttl` cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimeToLiveError {
    /// It is something else.
    #[error("`ttl` must be an object with a `field` and, if need be, `seconds`, or null (got {0}).")]
    NotAnObject(&'static str),
    /// It has a field that means nothing.
    #[error("Unexpected key `{0}` in `ttl`; it has a `field` and, if need be, `seconds`.")]
    UnexpectedKey(String),
    /// The field is missing or no text.
    #[error("`field` in `ttl` must be the name of a field that holds a time.")]
    Field,
    /// The seconds are no number or a negative one.
    #[error("`seconds` in `ttl` must be a number and not negative.")]
    Seconds,
}

impl TimeToLive {
    /// Reads what a user says; null is `None`.
    pub fn parse(datum: &Datum) -> Result<Option<Self>, TimeToLiveError> {
        let object = match datum {
            Datum::Null => return Ok(None),
            Datum::Object(object) if object.pseudo_type().is_none() => object,
            other => return Err(TimeToLiveError::NotAnObject(other.type_name())),
        };
        let (mut field, mut seconds) = (None, None);
        for (name, value) in object.iter() {
            match name.as_str() {
                "field" => {
                    let name = value.as_text().filter(|name| !name.is_empty()).cloned();
                    field = Some(name.ok_or(TimeToLiveError::Field)?);
                }
                "seconds" => {
                    let number = value.as_number().filter(|seconds| *seconds >= 0.0);
                    seconds = Some(number.ok_or(TimeToLiveError::Seconds)?);
                }
                other => return Err(TimeToLiveError::UnexpectedKey(other.to_owned())),
            }
        }
        Ok(Some(Self { field: field.ok_or(TimeToLiveError::Field)?, seconds }))
    }

    /// As a user says it.
    pub fn describe(&self) -> Datum {
        let mut fields = vec![("field", Datum::String(self.field.clone()))];
        fields.extend(self.seconds.map(|seconds| ("seconds", Datum::Number(seconds))));
        Datum::object(fields)
    }
}

impl Expiry {
    /// What the tables' layer has to know.
    pub fn layout(&self) -> ExpiryLayout {
        ExpiryLayout {
            id: self.id,
            tree: self.tree,
            field: self.ttl.field.clone(),
            after_seconds: self.ttl.seconds.unwrap_or(0.0),
            ready: self.ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_say() {
        let both = Datum::object([("field", Datum::from("at")), ("seconds", Datum::from(60))]);
        let parsed = TimeToLive::parse(&both).unwrap().unwrap();
        assert_eq!(parsed, TimeToLive { field: Text::from("at"), seconds: Some(60.0) });
        assert_eq!(parsed.describe(), both);
        let alone = Datum::object([("field", Datum::from("at"))]);
        assert_eq!(TimeToLive::parse(&alone).unwrap().unwrap().describe(), alone);
        assert_eq!(TimeToLive::parse(&Datum::Null), Ok(None));
        let refused = |datum: Datum| TimeToLive::parse(&datum).unwrap_err();
        assert_eq!(refused(Datum::from(1)), TimeToLiveError::NotAnObject("NUMBER"));
        assert_eq!(refused(Datum::object([("seconds", Datum::from(1))])), TimeToLiveError::Field);
        assert_eq!(refused(Datum::object([("field", Datum::from(""))])), TimeToLiveError::Field);
        let negative = Datum::object([("field", Datum::from("a")), ("seconds", Datum::from(-1))]);
        assert_eq!(refused(negative), TimeToLiveError::Seconds);
        let more = Datum::object([("field", Datum::from("a")), ("hours", Datum::from(1))]);
        assert_eq!(refused(more), TimeToLiveError::UnexpectedKey("hours".to_owned()));
    }
}
