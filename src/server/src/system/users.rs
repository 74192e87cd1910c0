//! `users`: who may connect.

use std::sync::Arc;

use photondb_catalog::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, refuse_read_only, text_field, wrong_row};

pub(super) struct Users(pub(super) Arc<Sources>);

/// What a row says about a password.
enum PasswordEdit {
    Keep,
    Set(String),
}

impl SystemTable for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(self.0.catalog.state().users().map(|user| user.describe()).collect())
    }

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        let catalog = &self.0.catalog;
        if new.is_null() {
            let name = text_field(old, self.name(), "id")?;
            return self.0.settle(catalog.drop_user(&name)).map(drop);
        }
        let name = text_field(new, self.name(), "id")?;
        let password = self.password(old, new)?;
        if old.is_null() {
            refuse_read_only(self.name(), old, new, &["id", "password"])?;
            let PasswordEdit::Set(password) = password else {
                return Err(wrong_row(self.name(), "Expected a field `password`; use `false` for none."));
            };
            return self.0.settle(catalog.create_user(&name, &password)).map(drop);
        }
        refuse_read_only(self.name(), old, new, &["password"])?;
        match password {
            PasswordEdit::Keep => Ok(()),
            PasswordEdit::Set(password) => self.0.settle(catalog.set_password(&name, &password)).map(drop),
        }
    }
}

impl Users {
    fn password(&self, old: &Datum, new: &Datum) -> Result<PasswordEdit, ReqlError> {
        let given = new.get("password");
        if !old.is_null() && given == old.get("password") {
            return Ok(PasswordEdit::Keep);
        }
        match given {
            Some(Datum::Bool(false)) => Ok(PasswordEdit::Set(String::new())),
            Some(Datum::String(text)) => Ok(PasswordEdit::Set(text.as_str().to_owned())),
            Some(Datum::Object(object)) => match object.get("password") {
                Some(Datum::String(text)) => Ok(PasswordEdit::Set(text.as_str().to_owned())),
                _ => Err(wrong_row(self.name(), "In `password`: Expected a field `password` with a string.")),
            },
            None => Ok(PasswordEdit::Keep),
            Some(other) => {
                let what = format!("In `password`: Expected a string or `false`, got {}.", other.print());
                Err(wrong_row(self.name(), &what))
            }
        }
    }
}
