//! Templates of `r.format`: text with names in braces.

use photondb_datum::{Datum, Object, json};

use crate::environment::Environment;
use crate::error::{EvalError, Result};

/// The template with each `{name}` replaced by the field of that name: strings as they
/// are, anything else as JSON.
pub(super) fn fill(env: &Environment, template: &str, parameters: &Object) -> Result<String> {
    let mut filled = String::with_capacity(template.len());
    // Where the name of the open tag starts.
    let mut open: Option<usize> = None;
    for (offset, character) in template.char_indices() {
        match (character, open) {
            ('{', Some(_)) => return Err(EvalError::logic("Nested template parameters are not allowed")),
            ('{', None) => open = Some(offset + 1),
            ('}', None) => return Err(EvalError::logic("No parameter tags to close")),
            ('}', Some(start)) => {
                append(env, &mut filled, &template[start..offset], parameters)?;
                open = None;
            }
            (',', Some(_)) => {
                return Err(EvalError::logic("Formatting separator `,` is not allowed in parameter name"));
            }
            ('\\', Some(_)) => {
                return Err(EvalError::logic(
                    "Reserved escape character `\\` is not allowed in parameter name",
                ));
            }
            (_, Some(_)) => {}
            (character, None) => filled.push(character),
        }
    }
    match open {
        Some(_) => Err(EvalError::logic("Parameter tag must be closed")),
        None => Ok(filled),
    }
}

fn append(env: &Environment, filled: &mut String, name: &str, parameters: &Object) -> Result<()> {
    let value = parameters.get(name);
    // A short template can name a long text often.
    env.check_value_bytes(filled.len() + value.as_ref().map_or(0, Datum::packed_bytes))?;
    match value {
        Some(Datum::String(text)) => filled.push_str(&text),
        Some(other) => filled.push_str(&json::to_string(&other)?),
        None => {
            let printed = Datum::Object(parameters.clone()).print();
            return Err(EvalError::absent(format!("No attribute `{name}` in object:\n{printed}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use photondb_base::ManualClock;

    use super::*;

    fn fill_with(template: &str, parameters: &[(&str, Datum)]) -> Result<String> {
        let env = Environment::detached(Arc::new(ManualClock::default()));
        fill(&env, template, &parameters.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    #[test]
    fn names_become_values() {
        let parameters = [("", Datum::from("empty")), ("n", Datum::Number(99.5)), ("s", Datum::from("ä{}"))];
        assert_eq!(fill_with("{} {n}é{s}", &parameters).unwrap(), "empty 99.5éä{}");
        assert_eq!(fill_with("nothing", &parameters).unwrap(), "nothing");
    }

    #[test]
    fn malformed_templates_are_refused() {
        let cases = [
            ("foo {bar", "Parameter tag must be closed"),
            ("foo bar}", "No parameter tags to close"),
            ("{{a}}", "Nested template parameters are not allowed"),
            ("{a,}", "Formatting separator `,` is not allowed in parameter name"),
            ("{a\\}", "Reserved escape character `\\` is not allowed in parameter name"),
            ("{a}", "No attribute `a` in object:\n{}"),
        ];
        for (template, message) in cases {
            assert_eq!(fill_with(template, &[]).unwrap_err().message(), message, "{template}");
        }
    }
}
