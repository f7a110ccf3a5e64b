//! The lease token: a capability that the queue signs and the registry can check without asking.
//!
//! ```text
//!   byte 0        version, 1
//!   bytes 1..9    run id, big endian
//!   bytes 9..17   fencing token, big endian
//!   bytes 17..25  expiry, milliseconds since the Unix epoch, big endian
//!   bytes 25..n   job id, UTF-8
//!   last 32       HMAC-SHA-256 (RFC 2104) of everything before
//! ```
//!
//! Holders treat it as opaque. The signature proves who granted the lease; whether it is still *held* only the
//! fencing token can tell, in the statement that writes.

use crate::{FencingToken, ImportId, RunId};
use jiff::Timestamp;
use ring::hmac;

/// What a lease token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseClaims {
    /// The job leased.
    pub job_id: ImportId,
    /// The run that the lease began.
    pub run_id: RunId,
    /// Orders this lease among all others.
    pub fencing_token: FencingToken,
    /// By the queue's database clock; to the millisecond.
    pub expires_at: Timestamp,
}

/// The secret that queue and registry share.
#[derive(Clone)]
pub struct LeaseKey(hmac::Key);

/// The bytes are no lease token of this key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a lease token that this queue signed")]
pub struct LeaseTokenError;

const VERSION: u8 = 1;
const HEAD_LEN: usize = 25;
const MAC_LEN: usize = 32;

impl LeaseKey {
    /// Shortest secret accepted, in bytes: that of the hash's output (RFC 2104, 3).
    pub const MIN_LEN: usize = 32;

    /// A key from a secret; none if it is shorter than [`Self::MIN_LEN`].
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= Self::MIN_LEN).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Makes the token for a lease.
    #[must_use]
    pub fn sign(&self, claims: &LeaseClaims) -> Vec<u8> {
        let mut token = Vec::with_capacity(HEAD_LEN + ImportId::MAX_LEN + MAC_LEN);
        token.push(VERSION);
        token.extend(claims.run_id.0.to_be_bytes());
        token.extend(claims.fencing_token.0.to_be_bytes());
        token.extend(claims.expires_at.as_millisecond().to_be_bytes());
        token.extend(claims.job_id.as_str().as_bytes());
        let mac = hmac::sign(&self.0, &token);
        token.extend(mac.as_ref());
        token
    }

    /// Reads a token that this key signed, expired or not.
    ///
    /// # Errors
    ///
    /// [`LeaseTokenError`] for anything else; it does not say what is wrong, on purpose.
    pub fn verify(&self, token: &[u8]) -> Result<LeaseClaims, LeaseTokenError> {
        let body_len = token.len().checked_sub(MAC_LEN).filter(|len| *len > HEAD_LEN).ok_or(LeaseTokenError)?;
        let (body, mac) = token.split_at(body_len);
        hmac::verify(&self.0, body, mac).map_err(|_| LeaseTokenError)?;
        let number = |at: usize| -> Result<i64, LeaseTokenError> {
            let bytes = body.get(at..at + 8).and_then(|b| b.try_into().ok()).ok_or(LeaseTokenError)?;
            Ok(i64::from_be_bytes(bytes))
        };
        if body[0] != VERSION {
            return Err(LeaseTokenError);
        }
        let job_id = std::str::from_utf8(&body[HEAD_LEN..]).map_err(|_| LeaseTokenError)?;
        Ok(LeaseClaims {
            run_id: RunId(number(1)?),
            fencing_token: FencingToken(number(9)?),
            expires_at: Timestamp::from_millisecond(number(17)?).map_err(|_| LeaseTokenError)?,
            job_id: job_id.parse().map_err(|_| LeaseTokenError)?,
        })
    }
}

impl std::fmt::Debug for LeaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LeaseKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims() -> LeaseClaims {
        LeaseClaims {
            job_id: "ripgrep-k3x9f".parse().expect("valid"),
            run_id: RunId(7),
            fencing_token: FencingToken(9),
            expires_at: Timestamp::from_millisecond(1_790_000_000_123).expect("in range"),
        }
    }

    fn key(byte: u8) -> LeaseKey {
        LeaseKey::new(&[byte; 32]).expect("long enough")
    }

    #[test]
    fn a_token_says_what_was_signed() {
        assert_eq!(key(1).verify(&key(1).sign(&claims())), Ok(claims()));
    }

    #[test]
    fn another_queues_token_is_refused() {
        assert_eq!(key(2).verify(&key(1).sign(&claims())), Err(LeaseTokenError));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(LeaseKey::new(&[0; 31]).is_none());
    }

    proptest! {
        #[test]
        fn no_changed_bit_goes_unnoticed(at in 0usize..70, bit in 0u8..8) {
            let mut token = key(1).sign(&claims());
            let at = at % token.len();
            token[at] ^= 1 << bit;
            prop_assert_eq!(key(1).verify(&token), Err(LeaseTokenError));
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(key(1).verify(&bytes), Err(LeaseTokenError));
        }
    }
}
