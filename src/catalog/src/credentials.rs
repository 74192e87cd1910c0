//! What the server keeps of a password: enough for SCRAM-SHA-256, not the password.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// Iterations for passwords; the empty password needs no protection and takes one.
pub const ITERATIONS_DEFAULT: u32 = 4096;

/// The stored half of SCRAM-SHA-256 (RFC 5802).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredentials {
    /// Random bytes mixed into the password.
    pub salt: [u8; SALT_BYTES],
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// Hash of the client's key.
    pub stored_key: [u8; 32],
    /// The server's key.
    pub server_key: [u8; 32],
}

impl ScramCredentials {
    /// What to keep of a password.
    pub fn derive(password: &str, salt: [u8; SALT_BYTES], iterations: u32) -> Self {
        let iterations = iterations.max(1);
        let mut salted = [0u8; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
        let client_key = keyed_hash(&salted, b"Client Key");
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        Self { salt, iterations, stored_key, server_key: keyed_hash(&salted, b"Server Key") }
    }

    /// Whether this is the password, for handshakes that send it openly. Takes as long for
    /// a wrong one as for the right one.
    pub fn verify(&self, password: &str) -> bool {
        let given = Self::derive(password, self.salt, self.iterations);
        given.stored_key.ct_eq(&self.stored_key).into()
    }
}

impl fmt::Debug for ScramCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredentials").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

fn keyed_hash(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC fills its key up with zeroes to a block; doing it here leaves no length to check.
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let mut hash = Hmac::<Sha256>::new(&block.into());
    hash.update(message);
    hash.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7677() {
        // Password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations: the server's
        // signature of the exchange in the RFC proves the server key.
        let salt =
            [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let credentials = ScramCredentials::derive("pencil", salt, 4096);
        let exchange = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,\
                        r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = keyed_hash(&credentials.server_key, exchange.as_bytes());
        // v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
        assert_eq!(signature[..12], [0xea, 0xba, 0xe2, 0x4d, 0x10, 0x62, 0xdb, 0x75, 0xa9, 0x45, 0x1f, 0xf0]);
        assert!(credentials.verify("pencil"));
        assert!(!credentials.verify("pencils"));
    }
}
