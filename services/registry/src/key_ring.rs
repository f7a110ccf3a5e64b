//! Seals and opens secrets: ChaCha20-Poly1305 with a random nonce, bound to a text that says what it is for, so that no row
//! can be put into the place of another. Pure but for the nonce.
//!
//! The first key seals, all open. To change keys: put a new one in front, wait until the registry has sealed everything
//! anew, take the old one away.

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use std::{fmt, sync::Arc};

const KEY_LEN: usize = 32;
/// So much of a key's digest names it.
const KEY_ID_LEN: usize = 8;

/// The keys.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<Vec<Key>>);

struct Key {
    key_id: String,
    key: LessSafeKey,
}

/// A secret as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Which key opens it.
    pub key_id: String,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

/// The text holds something else than keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("holds something else than keys of 64 hex digits, separated by white space or commas")]
pub struct InvalidKeys;

impl KeyRing {
    /// Reads keys; none at all is a ring that seals nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidKeys`], which repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        let keys: Result<Vec<_>, _> = words.map(Key::parse).collect();
        Ok(Self(Arc::new(keys?)))
    }

    /// Whether secrets can be stored.
    #[must_use]
    pub fn can_seal(&self) -> bool {
        !self.0.is_empty()
    }

    /// Name of the key that seals.
    #[must_use]
    pub fn sealing_key_id(&self) -> Option<&str> {
        self.0.first().map(|key| key.key_id.as_str())
    }

    /// Seals a secret; none without a key.
    #[must_use]
    pub fn seal(&self, bound_to: &str, secret: &[u8]) -> Option<Sealed> {
        let key = self.0.first()?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut text = secret.to_vec();
        let sealed =
            key.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut text);
        sealed.ok()?;
        Some(Sealed { key_id: key.key_id.clone(), bytes: [&nonce[..], &text].concat() })
    }

    /// Opens a secret; none if its key is not here, or it was changed, or is bound to something else.
    #[must_use]
    pub fn open(&self, bound_to: &str, sealed: &Sealed) -> Option<Vec<u8>> {
        let key = self.0.iter().find(|key| key.key_id == sealed.key_id)?;
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        key.key.open_in_place(nonce, Aad::from(bound_to), &mut text).ok().map(|opened| opened.to_vec())
    }
}

impl Key {
    fn parse(word: &str) -> Result<Self, InvalidKeys> {
        let mut bytes = [0; KEY_LEN];
        hex::decode_to_slice(word, &mut bytes).map_err(|_| InvalidKeys)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| InvalidKeys)?;
        let digest = digest::digest(&digest::SHA256, &bytes);
        Ok(Self { key_id: hex::encode(&digest.as_ref()[..KEY_ID_LEN]), key: LessSafeKey::new(key) })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(digits: &[char]) -> KeyRing {
        let keys: Vec<_> = digits.iter().map(|digit| digit.to_string().repeat(64)).collect();
        KeyRing::parse(&keys.join(",\n")).expect("keys")
    }

    #[test]
    fn what_is_sealed_is_opened_as_it_was_and_does_not_show() {
        let sealed = ring(&['1']).seal("a", b"hunter2").expect("a key");
        assert!(!String::from_utf8_lossy(&sealed.bytes).contains("hunter2"));
        assert_eq!(ring(&['2', '1']).open("a", &sealed).as_deref(), Some(&b"hunter2"[..]), "any key opens");
        assert_ne!(ring(&['1']).seal("a", b"hunter2").expect("a key").bytes, sealed.bytes);
    }

    #[test]
    fn nothing_opens_in_the_place_of_another() {
        let ring = ring(&['1']);
        let sealed = ring.seal("a", b"hunter2").expect("a key");
        assert_eq!(ring.open("b", &sealed), None);
        let mut changed = sealed.clone();
        changed.bytes[20] ^= 1;
        assert_eq!(ring.open("a", &changed), None);
        assert_eq!(KeyRing::default().open("a", &sealed), None);
        assert_eq!(ring.open("a", &Sealed { bytes: vec![0; 5], ..sealed }), None);
    }

    #[test]
    fn keys_are_read_or_refused_without_being_shown() {
        assert!(!KeyRing::parse(" \n").expect("no keys").can_seal());
        for text in ["hunter2", &"1".repeat(63), &"g".repeat(64)] {
            assert_eq!(KeyRing::parse(text).err(), Some(InvalidKeys));
        }
        assert_eq!(format!("{:?}", ring(&['1'])), "1 keys");
    }
}
