//! Values that must never be shown.

use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// A configured text that its `Debug` hides: passwords, keys, addresses with a password in them.
///
/// Cannot be serialised, so that it cannot leave by accident.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextOnly)
    }
}

/// Takes text. Whatever else a value looks like is refused without showing it, as serde's own complaint would.
struct TextOnly;

fn not_text<T, E: de::Error>() -> Result<T, E> {
    Err(E::custom("is read as something else than text: put it in quotes, also in a variable of the environment"))
}

impl<'de> de::Visitor<'de> for TextOnly {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::from(text))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        not_text()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        not_text()
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Secret, E> {
        not_text()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        not_text()
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Secret, E> {
        not_text()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        not_text()
    }

    fn visit_char<E: de::Error>(self, one: char) -> Result<Secret, E> {
        Ok(Secret(one.to_string()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    struct Sample {
        key: Secret,
    }

    /// As from a variable of the environment, which is read as TOML where it looks like it.
    fn read(value: impl serde::Serialize) -> Result<Sample, String> {
        let figment = figment::Figment::new().merge(("key", value));
        figment.extract().map_err(|error| error.to_string())
    }

    #[test]
    fn text_is_taken_as_it_is() {
        assert_eq!(read("0042").expect("text").key.expose(), "0042");
    }

    #[test]
    fn a_secret_that_looks_like_a_number_is_refused_without_being_shown() {
        for error in [read(31_415_926), read(-31_415_926), read(31_415_926.5), read([31_415_926])] {
            let error = error.expect_err("no text");
            assert!(!error.contains("31415926"), "{error}");
        }
        assert!(read(true).is_err());
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Some(Secret::from("hunter2"))), "Some(***)");
    }
}
