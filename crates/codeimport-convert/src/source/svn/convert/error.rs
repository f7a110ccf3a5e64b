//! Why a conversion cannot go on.

use super::replay::ReplayError;
use crate::objects::StoreError;
use crate::shadow::ShadowError;
use crate::source::svn::records::StreamError;

/// Why a conversion cannot go on. What was flushed before is unharmed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SvnError {
    /// The stream's form.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A record that cannot be applied.
    #[error("r{revision}: {source}")]
    Replay {
        /// The revision.
        revision: u64,
        /// Why.
        source: ReplayError,
    },
    /// Our own repository.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// Our own repository.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A revision that is not the next one.
    #[error("the stream has r{got} where r{expected} is due")]
    OutOfOrder {
        /// The one that is due.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// Another repository than the one converted so far.
    #[error("the repository has the UUID {got}, the one converted so far has {expected}")]
    Replaced {
        /// The one converted so far.
        expected: String,
        /// The one that answers now.
        got: String,
    },
    /// The stored state is damaged, or of another format.
    #[error("the state of the conversion so far cannot be read")]
    State,
}
