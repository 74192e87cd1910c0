//! `users`: who may connect.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_catalog::{ITERATIONS_MAX, Password};
use photondb_datum::{Datum, Object, Text};
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable};

pub(super) struct Users(pub(super) Arc<Sources>);

/// What a row says about a password.
enum PasswordEdit {
    Keep,
    Set { text: Text, iterations: Option<u32> },
}

impl SystemTable for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(self.0.catalog.state().users().map(|user| user.describe()).collect())
    }

    fn row(&self, key: &Datum, _format: IdentifierFormat) -> Result<Datum, ReqlError> {
        let state = self.0.catalog.state();
        let user = key.as_str().and_then(|name| state.user(name));
        Ok(user.map_or(Datum::Null, |user| user.describe()))
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        let Some(name) = write.key.as_str().filter(|_| !write.key_is_generated) else {
            return Err(ReqlError::op_failed(format!(
                "Expected a username as the primary key, got {}",
                write.key.print()
            )));
        };
        let catalog = &self.0.catalog;
        if write.new.is_null() {
            return self.0.settle(catalog.drop_user(name)).map(drop);
        }
        let has_password = catalog.state().user(name).map(|user| user.has_password);
        match (parse(write.new, has_password == Some(true))?, has_password) {
            (PasswordEdit::Keep, _) => Ok(()),
            (PasswordEdit::Set { text, iterations }, known) => {
                let password = Password { text: &text, iterations };
                let applied = match known {
                    Some(_) => catalog.set_password(name, password),
                    None => catalog.create_user(name, password),
                };
                self.0.settle(applied).map(drop)
            }
        }
    }
}

fn parse(row: &Datum, has_password: bool) -> Result<PasswordEdit, ReqlError> {
    let Datum::Object(fields) = row else {
        return Err(ReqlError::op_failed(format!("Expected an object, got {}.", row.print())));
    };
    let Some(password) = fields.get("password") else {
        return Err(ReqlError::op_failed("Expected a field named `password`."));
    };
    refuse_others(fields, &["id", "password"])?;
    match &password {
        Datum::Bool(false) => Ok(PasswordEdit::Set { text: Text::default(), iterations: None }),
        // What reading shows may be written back.
        Datum::Bool(true) if has_password => Ok(PasswordEdit::Keep),
        Datum::Bool(true) => Err(ReqlError::op_failed(
            "Expected an object or string to set the password, or `false` to keep it unset, got true.",
        )),
        Datum::String(text) => Ok(PasswordEdit::Set { text: text.clone(), iterations: None }),
        Datum::Object(object) if object.pseudo_type().is_none() => parse_object(object),
        other => Err(ReqlError::op_failed(format!(
            "Expected an object, string or boolean for `password`, got {}.",
            other.print()
        ))),
    }
}

/// A password and how often it is hashed.
fn parse_object(object: &Object) -> Result<PasswordEdit, ReqlError> {
    let text = match object.get("password") {
        Some(Datum::String(text)) => text,
        Some(other) => {
            return Err(ReqlError::op_failed(format!(
                "Expected a string for `password`, got {}.",
                other.print()
            )));
        }
        None => return Err(ReqlError::op_failed("Expected a field named `password`.")),
    };
    let iterations = match object.get("iterations") {
        None => None,
        Some(Datum::Number(n)) if n >= 1.0 && n <= f64::from(ITERATIONS_MAX) && n.fract() == 0.0 => {
            Some(n as u32)
        }
        Some(other) => {
            return Err(ReqlError::op_failed(format!(
                "Expected a whole number from 1 to {ITERATIONS_MAX} for `iterations`, got {}.",
                other.print()
            )));
        }
    };
    refuse_others(object, &["password", "iterations"])?;
    Ok(PasswordEdit::Set { text, iterations })
}

fn refuse_others(object: &Object, known: &[&str]) -> Result<(), ReqlError> {
    let names = object.iter().map(|(name, _)| name.to_string());
    let others: Vec<String> = names.filter(|name| !known.contains(&name.as_str())).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(ReqlError::op_failed(format!("Unexpected key(s) `{}`.", others.join("`, `"))))
}
