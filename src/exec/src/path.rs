//! Paths: which fields `pluck`, `without` and `hasFields` mean.

use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef, FieldLookup, Object, ObjectBuilder, ObjectRef};

use crate::error::{EvalError, Result};
use crate::row_expression::Untold;

/// Fields of an object, and fields of their values.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    Field(FieldLookup),
    /// In order of their names if all are fields.
    All(Vec<Path>),
    /// Paths below fields.
    Below(Vec<(FieldLookup, Path)>),
}

impl Path {
    /// The path of a term's arguments.
    pub(crate) fn of_arguments(arguments: &[Datum]) -> Result<Self> {
        arguments.iter().map(Self::parse).collect::<Result<Vec<_>>>().map(Self::all)
    }

    fn all(mut paths: Vec<Self>) -> Self {
        if paths.iter().all(|path| path.name().is_some()) {
            paths.sort_by(|left, right| left.name().cmp(&right.name()));
            paths.dedup_by(|left, right| left.name() == right.name());
        }
        match paths.pop() {
            Some(only) if paths.is_empty() => only,
            Some(last) => {
                paths.push(last);
                Self::All(paths)
            }
            None => Self::All(paths),
        }
    }

    /// The name of the field that the path is nothing but.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Field(field) => Some(field.name()),
            _ => None,
        }
    }

    fn parse(datum: &Datum) -> Result<Self> {
        match datum {
            Datum::String(name) => Ok(Self::Field(FieldLookup::new(name.clone()))),
            Datum::Array(items) => {
                items.iter().map(|item| Self::parse(&item)).collect::<Result<Vec<_>>>().map(Self::all)
            }
            Datum::Object(object) => {
                let mut fields = Vec::new();
                let mut below = Vec::new();
                for (name, value) in object {
                    match value {
                        Datum::Bool(true) => fields.push(Self::Field(FieldLookup::new(name))),
                        value => below.push((FieldLookup::new(name), Self::parse(&value)?)),
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

    /// Whether a field is meant as a whole.
    pub(crate) fn has_whole(&self, name: &str) -> bool {
        match self {
            Self::All(paths) => {
                let whole = |path: &Self| path.has_whole(name);
                paths.iter().any(whole) && paths.iter().all(|path| whole(path) || !path.mentions(name))
            }
            path => path.name() == Some(name),
        }
    }

    /// Whether a field, or something below it, is meant.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        match self {
            Self::Field(field) => field.name().as_str() == name,
            Self::All(paths) => paths.iter().any(|path| path.mentions(name)),
            Self::Below(fields) => fields.iter().any(|(field, _)| field.name().as_str() == name),
        }
    }

    /// The object reduced to the paths.
    pub(crate) fn project(&self, object: &Object) -> Datum {
        let mut out = ObjectBuilder::new();
        self.project_into(object, &mut out);
        Datum::Object(out.build())
    }

    fn project_into(&self, object: &Object, out: &mut ObjectBuilder) {
        match self {
            Self::Field(field) => {
                if let Some(value) = object.get(field.name()) {
                    out.insert(field.name().clone(), value);
                }
            }
            Self::All(paths) => {
                for path in paths {
                    path.project_into(object, out);
                }
            }
            Self::Below(fields) => {
                for (field, path) in fields {
                    if let Some(value) = object.get(field.name())
                        && let Some(value) = path.project_value(&value)
                    {
                        out.insert(field.name().clone(), value);
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
    pub(crate) fn unproject(&self, object: Object) -> Datum {
        let mut out = object.into_builder();
        self.remove_from(&mut out);
        Datum::Object(out.build())
    }

    fn remove_from(&self, out: &mut ObjectBuilder) {
        match self {
            Self::Field(field) => {
                out.remove(field.name());
            }
            Self::All(paths) => paths.iter().for_each(|path| path.remove_from(out)),
            Self::Below(fields) => {
                for (field, path) in fields {
                    if let Some(value) = out.get_mut(field.name())
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

    /// Writes the object reduced to the paths.
    pub(crate) fn write_projection(&self, object: ObjectRef<'_>, out: &mut Writer) {
        out.begin_object();
        self.write_fields(object, out);
        out.end_object_as_is();
    }

    fn write_fields(&self, object: ObjectRef<'_>, out: &mut Writer) {
        match self {
            Self::Field(field) => {
                if let Some(value) = field.of(object) {
                    out.key(field.name());
                    out.value(value);
                }
            }
            Self::All(paths) => paths.iter().for_each(|path| path.write_fields(object, out)),
            Self::Below(fields) => {
                for (field, path) in fields {
                    let Some(value) = field.of(object) else { continue };
                    let before = out.checkpoint();
                    out.key(field.name());
                    if !path.write_value(value, out) {
                        out.rollback(before);
                    }
                }
            }
        }
    }

    /// Writes the value of a field reduced to the paths, arrays element by element; whether
    /// the paths fit.
    fn write_value(&self, value: DatumRef<'_>, out: &mut Writer) -> bool {
        let DatumRef::Array(items) = value else { return self.write_element(value, out) };
        out.begin_array();
        let fit = items.iter().all(|item| self.write_element(item, out));
        if fit {
            out.end_array();
        }
        fit
    }

    fn write_element(&self, value: DatumRef<'_>, out: &mut Writer) -> bool {
        match value {
            DatumRef::Object(object) => self.write_projection(object, out),
            _ if self.is_empty() => {
                out.begin_object();
                out.end_object_as_is();
            }
            _ => return false,
        }
        true
    }

    /// Writes the object without the paths, if these are but fields.
    pub(crate) fn write_rest(
        &self,
        object: ObjectRef<'_>,
        out: &mut Writer,
    ) -> std::result::Result<(), Untold> {
        let fields = match self {
            Self::All(paths) => paths.as_slice(),
            path => std::slice::from_ref(path),
        };
        if fields.iter().any(|path| path.name().is_none()) {
            return Err(Untold::Unsure);
        }
        let mut left_out = fields.iter().filter_map(Self::name).map(str::as_bytes).peekable();
        out.begin_object();
        for (name, value) in object.iter() {
            while left_out.next_if(|field| *field < name).is_some() {}
            if left_out.peek() != Some(&name) {
                out.key_bytes(name);
                out.value(value);
            }
        }
        out.end_object_as_is();
        Ok(())
    }

    /// Whether the object has a value that is not null at each of the paths.
    pub(crate) fn is_in(&self, object: ObjectRef<'_>) -> bool {
        match self {
            Self::Field(field) => field.of(object).is_some_and(|value| !value.is_null()),
            Self::All(paths) => paths.iter().all(|path| path.is_in(object)),
            Self::Below(fields) => fields.iter().all(|(field, path)| match field.of(object) {
                Some(DatumRef::Object(inner)) => path.is_in(inner),
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
            (r#"["c","a","c"]"#, r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1,"c":3}"#, r#"{"b":2}"#),
            (r#"["a",{"a":"b"}]"#, r#"{"a":{"b":1,"c":2}}"#, r#"{"a":{"b":1}}"#, "{}"),
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
            let (path, row) = (path(paths), object(row));
            let (plucked, rest) = (Datum::Object(object(plucked)), Datum::Object(object(rest)));
            assert_eq!(path.project(&row), plucked, "{paths} {row:?}");
            assert_eq!(path.unproject(row.clone()), rest, "{paths} {row:?}");
            let row = Datum::Object(row);
            let view = row.view().as_object().unwrap();
            let mut out = Writer::new();
            path.write_projection(view, &mut out);
            assert_eq!(out.take_datum().unwrap(), plucked, "{paths} {row:?}");
            match path.write_rest(view, &mut out) {
                Ok(()) => assert_eq!(out.take_datum().unwrap(), rest, "{paths} {row:?}"),
                Err(_) => assert!(paths.contains('{'), "{paths}"),
            }
        }
    }

    #[test]
    fn fields_are_there_when_they_are_not_null() {
        let row = json(r#"{"a":1,"b":null,"c":{"d":2,"e":null},"f":[{"g":1}]}"#);
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
            assert_eq!(path(paths).is_in(row.view().as_object().unwrap()), expected, "{paths}");
        }
    }

    #[test]
    fn numbers_are_no_paths() {
        let error = Path::of_arguments(&[Datum::from(1)]).unwrap_err();
        assert_eq!(error.message(), "Invalid path argument `1`.");
    }
}
