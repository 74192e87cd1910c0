//! Passwords that are sent openly, as HTTP does.
//!
//! Deriving a key of a password takes milliseconds on purpose. A client that sends its password
//! with every request would pay that every time, so passwords that were right are remembered,
//! as a hash that is worth nothing to others, until the user's password changes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use photondb_catalog::{Catalog, ScramCredentials};
use photondb_datum::Text;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::throttle::Throttle;
use crate::workers::Workers;

/// Passwords that are remembered; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 4096;
/// Bytes of a name or a password; nothing longer is looked at.
pub const LOGIN_TEXT_BYTES_MAX: usize = 4096;
/// Passwords that are checked at the same time.
const DERIVATIONS_MAX: usize = 4;
/// Rounds for names that nobody has, so that they take as long as others.
const ROUNDS_OF_NOBODY: u32 = 4096;
/// The user that is always there.
const ADMIN: &str = "admin";

/// Why somebody is not let in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LoginError {
    /// There is no such user, or the password is another one.
    #[error("Wrong user name or password.")]
    Wrong,
    /// The client has tried too often.
    #[error("Too many wrong passwords. Try again in {0} seconds.")]
    TooMany(u64),
    /// The server cannot tell at the moment.
    #[error("The server is shutting down.")]
    Stopping,
}

/// A user who has proved to be one, as long as the password stays the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    user: Text,
    stored_key: [u8; 32],
}

impl Identity {
    /// The user's name.
    pub fn user(&self) -> &Text {
        &self.user
    }
}

/// Tells who somebody is.
pub struct Logins {
    catalog: Arc<Catalog>,
    workers: Workers,
    /// Mixed into what is remembered.
    secret: [u8; 16],
    remembered: Mutex<HashMap<Text, ([u8; 32], Identity)>>,
    throttle: Throttle,
    turns: Semaphore,
}

impl Logins {
    pub(crate) fn new(catalog: Arc<Catalog>, workers: Workers) -> Self {
        let secret = Uuid::new_v4().into_bytes();
        let (remembered, throttle) = (Mutex::default(), Throttle::default());
        let turns = Semaphore::new(DERIVATIONS_MAX);
        Self { catalog, workers, secret, remembered, throttle, turns }
    }

    /// Whether clients have to say who they are: `admin` has a password.
    pub fn required(&self) -> bool {
        self.catalog.state().user(ADMIN).is_none_or(|admin| admin.has_password)
    }

    /// Who somebody is who says nothing, when that is allowed.
    pub fn without_password(&self) -> Option<Identity> {
        let state = self.catalog.state();
        let admin = state.user(ADMIN).filter(|admin| !admin.has_password)?;
        Some(Identity { user: admin.name.clone(), stored_key: admin.credentials.stored_key })
    }

    /// Whether somebody is still who they were: the user is there and has the same password.
    pub fn holds(&self, identity: &Identity) -> bool {
        let state = self.catalog.state();
        let known = state.user(&identity.user).map(|user| user.credentials.stored_key);
        known.is_some_and(|key| bool::from(key.ct_eq(&identity.stored_key)))
    }

    /// Checks a password.
    pub async fn log_in(&self, user: &str, password: &str, client: IpAddr) -> Result<Identity, LoginError> {
        if user.len() > LOGIN_TEXT_BYTES_MAX || password.len() > LOGIN_TEXT_BYTES_MAX {
            return Err(LoginError::Wrong);
        }
        let print = self.print(user, password);
        if let Some(identity) = self.recall(user, &print) {
            return Ok(identity);
        }
        // Deriving keys is what a crowd of clients could busy all processors with.
        let Ok(_turn) = self.turns.acquire().await else { return Err(LoginError::Stopping) };
        if let Some(wait) = self.throttle.wait(client, user, Instant::now()) {
            return Err(LoginError::TooMany(wait.as_secs() + 1));
        }
        let known = self.catalog.state().user(user).map(|user| user.credentials.clone());
        let (credentials, exists) = match known {
            Some(credentials) => (credentials, true),
            None => (ScramCredentials::derive("", self.secret, 1), false),
        };
        let stored_key = credentials.stored_key;
        let password = password.to_owned();
        let right = self.workers.run(move || match exists {
            true => credentials.verify(&password),
            false => {
                // A name that nobody has must not answer sooner than others.
                ScramCredentials::derive(&password, credentials.salt, ROUNDS_OF_NOBODY);
                false
            }
        });
        if !right.await.map_err(|_| LoginError::Stopping)? {
            tracing::warn!(%client, user, "a wrong password");
            self.throttle.failed(client, user, Instant::now());
            return Err(LoginError::Wrong);
        }
        let identity = Identity { user: user.into(), stored_key };
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(user.into(), (print, identity.clone()));
        Ok(identity)
    }

    fn recall(&self, user: &str, print: &[u8; 32]) -> Option<Identity> {
        let identity = {
            let remembered = self.remembered.lock();
            let (known, identity) = remembered.get(user)?;
            bool::from(known.ct_eq(print)).then(|| identity.clone())?
        };
        self.holds(&identity).then_some(identity)
    }

    fn print(&self, user: &str, password: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update((user.len() as u64).to_le_bytes());
        hash.update(user);
        hash.update(password);
        hash.finalize().into()
    }
}
