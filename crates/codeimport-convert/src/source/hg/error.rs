//! What is wrong with a repository's history, for the caller to tell whose trouble it is.

use crate::objects::StoreError;
use crate::shadow::ShadowError;
use std::io;

/// Why history cannot be read or converted.
#[derive(Debug, thiserror::Error)]
pub(super) enum HgError {
    /// What the source sends contradicts itself.
    #[error("{0}")]
    Broken(String),
    /// It makes sense, but no sense that Git could show.
    #[error("{0}")]
    Unsupported(String),
    /// The stream ended or was given up.
    #[error("the stream of history cannot be read")]
    Read(#[from] io::Error),
    /// Our own repository.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own trees.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
}

/// A contradiction.
pub(super) fn broken<T>(text: impl Into<String>) -> Result<T, HgError> {
    Err(HgError::Broken(text.into()))
}
