//! Names of things, each with a type of its own, so that two of them cannot be mixed up.

use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// Names an import, for people and programs. In the queue the same text names its job.
///
/// 1 to 63 characters of `a-z0-9-`, no dash at either end: fit for a URL, a DNS label, a file name and
/// a shell without quotes. Never changes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImportId(Arc<str>);

/// The text is no import id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 1 to 63 characters of a-z, 0-9 and dash, without a dash at either end")]
pub struct InvalidImportId;

impl ImportId {
    /// Longest id, in bytes. That of a DNS label (RFC 1035, 2.3.4).
    pub const MAX_LEN: usize = 63;

    /// Makes a new id from the last part of a source's address: `ripgrep-k3x9f`.
    ///
    /// The five random characters (33 million) keep ids apart that are made from the same name; whoever
    /// stores the id still has to insist on uniqueness and ask again.
    #[must_use]
    pub fn generate(source_name: &str) -> Self {
        // No vowels: a random suffix should not spell a word. No l, 0, 1: they are misread.
        const ALPHABET: &[u8] = b"bcdfghjkmnpqrstvwxz23456789";
        const SUFFIX_LEN: usize = 5;
        let mut rng = rand::rng();
        let suffix: String =
            (0..SUFFIX_LEN).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
        let stem: String = source_name
            .trim_end_matches(".git")
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
            .take(Self::MAX_LEN - SUFFIX_LEN - 1)
            .collect();
        match stem.trim_matches('-') {
            "" => Self(format!("import-{suffix}").into()),
            stem => Self(format!("{stem}-{suffix}").into()),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImportId {
    type Err = InvalidImportId;

    fn from_str(text: &str) -> Result<Self, InvalidImportId> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits { Ok(Self(text.into())) } else { Err(InvalidImportId) }
    }
}

impl TryFrom<String> for ImportId {
    type Error = InvalidImportId;

    fn try_from(text: String) -> Result<Self, InvalidImportId> {
        text.parse()
    }
}

impl From<ImportId> for String {
    fn from(id: ImportId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id! {
    /// Names one run: one attempt at one job, from the lease to its end. Rises over all jobs.
    RunId
}
number_id! {
    /// Rises with every lease the queue grants, over all jobs, and is never used again.
    ///
    /// Whoever stores something for a lease's holder stores this number too, and refuses holders with
    /// a lower one: they were reclaimed, whether they know it or not.
    FencingToken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_need_quoting_are_refused() {
        for text in ["", "-a", "a-", "A", "a_b", "a/b", "a b", "ä", &"x".repeat(64)] {
            assert_eq!(text.parse::<ImportId>(), Err(InvalidImportId), "{text:?}");
        }
        for text in ["a", "0", "ripgrep-k3x9f", &"x".repeat(63)] {
            assert_eq!(text.parse::<ImportId>().expect("valid").as_str(), text);
        }
    }

    #[test]
    fn generated_ids_are_valid_whatever_the_source_is_called() {
        for name in ["ripgrep.git", "", "..", "Ünïcode", "a b c", &"n".repeat(500), "-x-"] {
            let id = ImportId::generate(name);
            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{name:?} -> {id}");
        }
        assert!(ImportId::generate("ripgrep.git").as_str().starts_with("ripgrep-"));
    }
}
