//! Paths: which fields `pluck`, `without` and `hasFields` mean.

use photondb_datum::{Datum, Object, ObjectBuilder, Text};

use crate::error::{EvalError, Result};

/// Fields of an object, and fields of their values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Path {
    Field(Text),
    All(Vec<Path>),
    /// Paths below fields.
    Below(Vec<(Text, Path)>),
}

impl Path {
    /// The path of a term's arguments.
    pub(super) fn of_arguments(arguments: &[Datum]) -> Result<Self> {
        arguments.iter().map(Self::parse).collect::<Result<Vec<_>>>().map(Self::all)
    }

    fn all(mut paths: Vec<Self>) -> Self {
        match paths.pop() {
            Some(only) if paths.is_empty() => only,
            Some(last) => {
                paths.push(last);
                Self::All(paths)
            }
            None => Self::All(paths),
        }
    }

    fn parse(datum: &Datum) -> Result<Self> {
        match datum {
            Datum::String(name) => Ok(Self::Field(name.clone())),
            Datum::Array(items) => {
                items.iter().map(|item| Self::parse(&item)).collect::<Result<Vec<_>>>().map(Self::all)
            }
            Datum::Object(object) => {
                let mut fields = Vec::new();
                let mut below = Vec::new();
                for (name, value) in object {
                    match value {
                        Datum::Bool(true) => fields.push(Self::Field(name)),
                        value => below.push((name, Self::parse(&value)?)),
                    }
                }
                if fields.is_empty() {
                    return Ok(Self::Below(below));
                }
                if !below.is_empty() {
                    fields.push(Self::Below(below));
                }
                Ok(Self::all(fields))
            }
            other => Err(EvalError::logic(format!("Invalid path argument `{}`.", other.print()))),
        }
    }

    /// The object reduced to the paths.
    pub(super) fn project(&self, object: &Object) -> Datum {
        let mut out = ObjectBuilder::new();
        self.project_into(object, &mut out);
        Datum::Object(out.build())
    }

    fn project_into(&self, object: &Object, out: &mut ObjectBuilder) {
        match self {
            Self::Field(name) => {
                if let Some(value) = object.get(name) {
                    out.insert(name.clone(), value);
                }
            }
            Self::All(paths) => {
                for path in paths {
                    path.project_into(object, out);
                }
            }
            Self::Below(fields) => {
                for (name, path) in fields {
                    if let Some(value) = object.get(name)
                        && let Some(value) = path.project_value(&value)
                    {
                        out.insert(name.clone(), value);
                    }
                }
            }
        }
    }

    /// The value of a field reduced to the paths, arrays element by element; `None` when
    /// the paths ask for fields of something that has none.
    fn project_value(&self, value: &Datum) -> Option<Datum> {
        match value {
            Datum::Array(items) => items
                .iter()
                .map(|item| self.project_element(&item))
                .collect::<Option<Vec<_>>>()
                .map(Datum::from),
            other => self.project_element(other),
        }
    }

    fn project_element(&self, value: &Datum) -> Option<Datum> {
        match value {
            Datum::Object(object) => Some(self.project(object)),
            _ if self.is_empty() => Some(Datum::Object(Object::empty())),
            _ => None,
        }
    }

    /// Whether the path asks for no field.
    fn is_empty(&self) -> bool {
        match self {
            Self::Field(_) => false,
            Self::All(paths) => paths.iter().all(Self::is_empty),
            Self::Below(fields) => fields.is_empty(),
        }
    }

    /// The object without the paths.
    pub(super) fn unproject(&self, object: Object) -> Datum {
        let mut out = object.into_builder();
        self.remove_from(&mut out);
        Datum::Object(out.build())
    }

    fn remove_from(&self, out: &mut ObjectBuilder) {
        match self {
            Self::Field(name) => {
                out.remove(name);
            }
            Self::All(paths) => paths.iter().for_each(|path| path.remove_from(out)),
            Self::Below(fields) => {
                for (name, path) in fields {
                    if let Some(value) = out.get_mut(name)
                        && let Some(reduced) = path.unproject_value(value)
                    {
                        *value = reduced;
                    }
                }
            }
        }
    }

    /// The value of a field without the paths, arrays element by element; `None` when it
    /// is to stay as it is.
    fn unproject_value(&self, value: &Datum) -> Option<Datum> {
        match value {
            Datum::Object(object) => Some(self.unproject(object.clone())),
            Datum::Array(items) => items
                .iter()
                .map(|item| match item {
                    Datum::Object(object) => Some(self.unproject(object)),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
                .map(Datum::from),
            _ => None,
        }
    }

    /// Whether the object has a value that is not null at each of the paths.
    pub(super) fn is_in(&self, object: &Object) -> bool {
        match self {
            Self::Field(name) => object.get(name).is_some_and(|value| !value.is_null()),
            Self::All(paths) => paths.iter().all(|path| path.is_in(object)),
            Self::Below(fields) => fields.iter().all(|(name, path)| match object.get(name) {
                Some(Datum::Object(inner)) => path.is_in(&inner),
                Some(_) => path.is_empty(),
                None => false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Datum {
        use photondb_datum::json::{ParseLimits, parse};
        parse(text.as_bytes(), ParseLimits::default()).unwrap()
    }

    fn object(text: &str) -> Object {
        match json(text) {
            Datum::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    fn path(text: &str) -> Path {
        Path::of_arguments(&[json(text)]).unwrap()
    }

    #[test]
    fn paths_reduce_objects() {
        let cases = [
            (r#""a""#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"b":2}"#),
            (r#"["a","x"]"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"b":2}"#),
            (r#"{}"#, r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            (r#"[]"#, r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            (
                r#"{"a":true,"b":{"c":true}}"#,
                r#"{"a":1,"b":{"c":2,"d":3}}"#,
                r#"{"a":1,"b":{"c":2}}"#,
                r#"{"b":{"d":3}}"#,
            ),
            (
                r#"{"a":"b"}"#,
                r#"{"a":[{"b":1,"c":2},{"c":3}]}"#,
                r#"{"a":[{"b":1},{}]}"#,
                r#"{"a":[{"c":2},{"c":3}]}"#,
            ),
            (r#"{"a":"b"}"#, r#"{"a":[{"b":1},2]}"#, "{}", r#"{"a":[{"b":1},2]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":1}}"#, r#"{"a":{}}"#, r#"{"a":{"b":1}}"#),
        ];
        for (paths, row, plucked, rest) in cases {
            assert_eq!(path(paths).project(&object(row)), Datum::Object(object(plucked)), "{paths} {row}");
            assert_eq!(path(paths).unproject(object(row)), Datum::Object(object(rest)), "{paths} {row}");
        }
    }

    #[test]
    fn fields_are_there_when_they_are_not_null() {
        let row = object(r#"{"a":1,"b":null,"c":{"d":2,"e":null},"f":[{"g":1}]}"#);
        let cases = [
            (r#""a""#, true),
            (r#""b""#, false),
            (r#""x""#, false),
            (r#"["a",{"c":"d"}]"#, true),
            (r#"{"c":{"e":true}}"#, false),
            (r#"{"f":"g"}"#, false),
            ("[]", true),
        ];
        for (paths, expected) in cases {
            assert_eq!(path(paths).is_in(&row), expected, "{paths}");
        }
    }

    #[test]
    fn numbers_are_no_paths() {
        let error = Path::of_arguments(&[Datum::from(1)]).unwrap_err();
        assert_eq!(error.message(), "Invalid path argument `1`.");
    }
}
