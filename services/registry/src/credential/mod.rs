//! What sources are read with. Secrets are sealed before they are stored, and opened only for the holder of a lease.

mod key_ring;
mod userinfo;

pub use key_ring::{InvalidKeys, KeyRing, Sealed};
pub use userinfo::take_userinfo;

use codeimport_core::ImportId;
use codeimport_kit::config::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Names a credential. Written like the id of an import.
pub type CredentialId = ImportId;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// Often a token, so as secret as the password.
    pub username: Secret,
    /// The password.
    pub password: Secret,
}

/// A credential that is stored, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// Its name.
    pub credential_id: CredentialId,
    /// For people.
    pub description: String,
    /// Who may use it.
    pub owner: String,
    /// What addresses it is for.
    pub url_prefix: String,
    /// Made of a user name in an address; goes with that import.
    pub is_implicit: bool,
    /// Rises with each rotation.
    pub version: i32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its secret was last stored.
    pub rotated_at: Timestamp,
}

/// A credential to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCredential {
    /// Its name.
    pub credential_id: CredentialId,
    /// For people.
    pub description: String,
    /// Who may use it.
    pub owner: String,
    /// What addresses it is for.
    pub url_prefix: String,
    /// Made of a user name in an address.
    pub is_implicit: bool,
    /// The secret, as version 1.
    pub sealed: Sealed,
}

/// What is sealed, as JSON.
#[derive(Serialize, Deserialize)]
struct Plain {
    username: String,
    password: String,
}

impl Login {
    fn to_bytes(&self) -> Vec<u8> {
        let plain = Plain { username: self.username.expose().to_owned(), password: self.password.expose().to_owned() };
        // Two texts are always JSON.
        serde_json::to_vec(&plain).unwrap_or_default()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let plain: Plain = serde_json::from_slice(bytes).ok()?;
        Some(Self { username: plain.username.into(), password: plain.password.into() })
    }
}
