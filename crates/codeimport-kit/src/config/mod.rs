//! Where settings come from: a TOML file, then the environment. The later one wins, unknown keys are refused.
//!
//! `CODEIMPORT_QUEUE_LISTEN=127.0.0.1:0` is the key `listen` of the service `queue`. Values of the environment
//! are read as TOML where they look like it (`["a", "b"]`, `true`, `5`), else as text.

mod duration;
mod secret;

pub use duration::ConfigDuration;
pub use secret::Secret;

use figment::{
    Figment,
    providers::{Env, Format as _, Toml},
};
use serde::de::DeserializeOwned;
use std::path::Path;

/// The configuration cannot be used. The text says which key and why, and never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that cannot be read, a value of the wrong type, a key that does not exist.
    #[error("configuration of {service}: {source}")]
    Unreadable {
        /// Whose configuration it is.
        service: &'static str,
        /// What is wrong, and where.
        source: Box<figment::Error>,
    },
    /// A value that is well-formed and still cannot be right.
    #[error("configuration key `{key}` {problem}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What is wrong with its value: "is shorter than 32 bytes".
        problem: String,
    },
}

impl ConfigError {
    /// A value that cannot be right; `problem` continues a sentence that begins with the key.
    #[must_use]
    pub fn invalid(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { key, problem: problem.into() }
    }
}

/// Reads the configuration of a service from a file, if one is given, and from the variables that begin with
/// `CODEIMPORT_<SERVICE>_`.
///
/// # Errors
///
/// [`ConfigError::Unreadable`], naming the key.
pub fn load<T: DeserializeOwned>(service: &'static str, file: Option<&Path>) -> Result<T, ConfigError> {
    let from_file = file.map_or_else(Figment::new, |path| Figment::from(Toml::file_exact(path)));
    let prefix = format!("CODEIMPORT_{}_", service.to_uppercase());
    from_file
        .merge(Env::prefixed(&prefix))
        .extract()
        .map_err(|source| ConfigError::Unreadable { service, source: Box::new(source) })
}

/// The address of the database: the configured one, else that of the environment's `DATABASE_URL`.
///
/// # Errors
///
/// [`ConfigError::Invalid`] if neither is given.
pub fn database_url(configured: Option<&Secret>) -> Result<Secret, ConfigError> {
    let from_environment = || std::env::var("DATABASE_URL").ok().map(Secret::from);
    configured
        .cloned()
        .or_else(from_environment)
        .ok_or_else(|| ConfigError::invalid("database_url", "is not set, and neither is the variable DATABASE_URL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::SocketAddr, time::Duration};

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        listen: SocketAddr,
        grace: ConfigDuration,
    }

    fn load_text(text: &str) -> Result<Sample, ConfigError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("sample.toml");
        std::fs::write(&path, text).expect("file written");
        load("sample_of_a_test", Some(&path))
    }

    #[test]
    fn a_file_gives_typed_values() {
        let sample = load_text("listen = '127.0.0.1:0'\ngrace = '1m 30s'").expect("valid");
        assert_eq!(sample.listen.port(), 0);
        assert_eq!(sample.grace.get(), Duration::from_secs(90));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = load_text("listen = '127.0.0.1:0'\ngrace = '1s'\ngrase = '2s'").expect_err("refused");
        assert!(error.to_string().contains("grase"), "{error}");
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(load::<Sample>("sample_of_a_test", Some(Path::new("/nonexistent/x.toml"))).is_err());
    }
}
