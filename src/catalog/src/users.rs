//! Commands about users and what they may do.

use std::sync::Arc;

use photondb_datum::Text;

use crate::catalog::{Applied, Catalog, Command, new_credentials};
use crate::codec;
use crate::credentials::ScramCredentials;
use crate::error::CatalogError;
use crate::model::User;
use crate::permissions::{Grants, Permissions, Scope};

/// The user that is always there and may do everything.
pub(crate) const ADMIN: &str = "admin";

/// The most rounds that a password may ask for: logging in takes that long.
pub const ITERATIONS_MAX: u32 = 1_000_000;

/// A password that is to be set; an empty one means none.
#[derive(Clone, Copy)]
pub struct Password<'a> {
    /// What the user types.
    pub text: &'a str,
    /// Rounds of its derivation; what is usual when absent.
    pub iterations: Option<u32>,
}

impl<'a> From<&'a str> for Password<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, iterations: None }
    }
}

/// A user before and after a command.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// Absent before it was created.
    pub old: Option<Arc<User>>,
    /// Absent after it was dropped.
    pub new: Option<Arc<User>>,
}

impl Catalog {
    /// Adds a user who may do nothing yet.
    pub fn create_user<'a>(
        &self,
        name: &str,
        password: impl Into<Password<'a>>,
    ) -> Result<Applied<UserChange>, CatalogError> {
        let password = password.into();
        let credentials = new_credentials(self.random.as_ref(), password);
        self.command(|command| {
            if command.state.users.contains_key(name) {
                return Err(CatalogError::UserExists(name.to_owned()));
            }
            let user = User {
                name: Text::from(name),
                credentials,
                has_password: !password.text.is_empty(),
                grants: Grants::default(),
            };
            Ok(UserChange { old: None, new: Some(store(command, user)) })
        })
    }

    /// Sets a password.
    pub fn set_password<'a>(
        &self,
        name: &str,
        password: impl Into<Password<'a>>,
    ) -> Result<Applied<UserChange>, CatalogError> {
        let password = password.into();
        let credentials = new_credentials(self.random.as_ref(), password);
        self.command(|command| {
            let old = find(command, name)?;
            let user = User { credentials, has_password: !password.text.is_empty(), ..(*old).clone() };
            Ok(UserChange { old: Some(old), new: Some(store(command, user)) })
        })
    }

    /// Removes a user.
    pub fn drop_user(&self, name: &str) -> Result<Applied<UserChange>, CatalogError> {
        self.command(|command| {
            let old = find(command, name)?;
            if name == ADMIN {
                return Err(CatalogError::AdminDrop);
            }
            Arc::make_mut(&mut command.state.users).remove(name);
            codec::delete_user(&mut command.batch, name);
            Ok(UserChange { old: Some(old), new: None })
        })
    }

    /// `grant`: changes what is mentioned; `Some(None)` takes a mention back.
    pub fn grant(
        &self,
        name: &str,
        scope: Scope,
        edit: impl FnOnce(&mut Permissions),
    ) -> Result<Applied<(Permissions, Permissions)>, CatalogError> {
        self.command(|command| {
            if name == ADMIN {
                return Err(CatalogError::AdminGrant);
            }
            let old = find(command, name)?;
            let before = old.grants.at(scope);
            let mut after = before;
            edit(&mut after);
            let mut user = (*old).clone();
            user.grants.set(scope, after);
            store(command, user);
            Ok((before, after))
        })
    }
}

/// `admin` of a new data directory.
pub(crate) fn admin(credentials: ScramCredentials, has_password: bool) -> User {
    let grants = Grants { global: Permissions::all(), ..Grants::default() };
    User { name: Text::from(ADMIN), credentials, has_password, grants }
}

/// Changes the grants of every user; `edit` tells whether it changed any.
pub(crate) fn edit_grants(command: &mut Command, edit: impl Fn(&mut Grants) -> bool) {
    let users: Vec<Arc<User>> = command.state.users.values().cloned().collect();
    for user in users {
        let mut grants = user.grants.clone();
        if edit(&mut grants) {
            store(command, User { grants, ..(*user).clone() });
        }
    }
}

fn find(command: &Command, name: &str) -> Result<Arc<User>, CatalogError> {
    command.state.users.get(name).cloned().ok_or_else(|| CatalogError::NoUser(name.to_owned()))
}

fn store(command: &mut Command, user: User) -> Arc<User> {
    let user = Arc::new(user);
    codec::put_user(&mut command.batch, &user);
    Arc::make_mut(&mut command.state.users).insert(user.name.clone(), user.clone());
    user
}
