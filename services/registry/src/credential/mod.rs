//! What sources are read with. Secrets are sealed before they are stored, and opened only for the holder of a lease.

mod userinfo;

pub use userinfo::take_userinfo;

use crate::key_ring::{KeyRing, Sealed};
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

/// What the secret of a credential is bound to.
pub(crate) fn bound_to(id: &CredentialId, version: i32) -> String {
    format!("codeimport credential {id} {version}")
}

impl Login {
    /// Seals it for a place; none without a key.
    #[must_use]
    pub fn seal(&self, keys: &KeyRing, id: &CredentialId, version: i32) -> Option<Sealed> {
        keys.seal(&bound_to(id, version), &self.to_bytes())
    }

    /// Opens what was sealed for a place.
    #[must_use]
    pub fn open(keys: &KeyRing, id: &CredentialId, version: i32, sealed: &Sealed) -> Option<Self> {
        Self::from_bytes(&keys.open(&bound_to(id, version), sealed)?)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_opens_in_its_own_place_and_does_not_show() {
        let keys = KeyRing::parse(&"1".repeat(64)).expect("a key");
        let (id, login) = ("a".parse().expect("id"), Login { username: "ada".into(), password: "hunter2 é".into() });
        let sealed = login.seal(&keys, &id, 1).expect("sealed");
        assert_eq!(Login::open(&keys, &id, 1, &sealed), Some(login.clone()));
        assert_eq!(Login::open(&keys, &id, 2, &sealed), None, "an older secret in the place of a newer one");
        assert_eq!(format!("{login:?}"), "Login { username: ***, password: *** }");
    }
}
