//! How a receiver knows who sends: the headers of Standard Webhooks, with HMAC-SHA256. Pure but for the making of secrets.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use codeimport_kit::config::Secret;
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};

const SECRET_LEN: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// What both sides know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningSecret(Secret);

/// Under which name a webhook's secret is stored.
#[must_use]
pub fn secret_name(webhook_id: &str) -> String {
    format!("webhook {webhook_id}")
}

impl SigningSecret {
    /// A new one; none if the machine has no randomness to give.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let mut bytes = [0; SECRET_LEN];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)).into()))
    }

    /// As it was shown and is stored.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text.into())
    }

    /// For the one who creates it, once; and for the seal.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The signature of a message: `v1,` and base64. None if the secret is none.
    #[must_use]
    pub fn sign(&self, message_id: &str, timestamp_s: i64, body: &str) -> Option<String> {
        let key = STANDARD.decode(self.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let tag = hmac::sign(&key, format!("{message_id}.{timestamp_s}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_any_other_library_would_make_of_it() {
        // printf 'event-7.1790000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64
        let secret = SigningSecret::from_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
        let signature = secret.sign("event-7", 1_790_000_000, "{}");
        assert_eq!(signature.as_deref(), Some("v1,00f0u8cUQAd8vXkd0iBUcKQqPl26mOtxbFwx61SbsSk="));
    }

    #[test]
    fn secrets_differ_and_sign() {
        let (one, other) = (SigningSecret::generate().expect("random"), SigningSecret::generate().expect("random"));
        assert_ne!(one, other);
        assert_ne!(one.sign("a", 1, "x").expect("signed"), other.sign("a", 1, "x").expect("signed"));
        assert_ne!(one.sign("a", 1, "x"), one.sign("a", 2, "x"));
        assert_eq!(SigningSecret::from_text("hunter2".to_owned()).sign("a", 1, "x"), None);
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
