//! Records -> shadow tree -> branches -> commits, one revision after the other.
//!
//! ```text
//!   converter    a stream of revisions through all of these; losses: what no commit shows; error
//!   replay       one revision's records -> shadow tree      svndiff: texts; props, line_marks: properties; checksums
//!   branches     what a revision did to each branch
//!   commits      branch changes -> Git commits; mergeinfo: which of them are merges
//!   present      properties shown as files; ignores: those that become .gitignore
//! ```

mod branches;
#[cfg(test)]
mod broken_streams;
mod checksums;
mod commits;
mod converter;
mod error;
mod ignores;
mod line_marks;
mod losses;
mod mergeinfo;
mod present;
mod props;
mod replay;
mod svndiff;

pub(super) use converter::Converter;
pub(super) use error::SvnError;
pub(super) use ignores::gitignore;
pub(super) use present::{EXTERNALS_FILE, IGNORES_FILE, externals_text};
#[cfg(fuzzing)]
pub(super) use svndiff::apply as apply_delta;

use super::layout::Places;
use super::options::SvnOptions;
use codeimport_core::AuthorMap;
use std::sync::Arc;

/// What decides which commits come out.
#[derive(Clone, Debug)]
pub(crate) struct ConvertOptions {
    /// Which paths are branches and tags.
    pub(crate) places: Arc<Places>,
    /// Identities of accounts.
    pub(crate) authors: AuthorMap,
    /// What is shown of properties.
    pub(crate) svn: SvnOptions,
    /// Root URL of the repository, if commits shall carry git-svn's trailer.
    pub(crate) git_svn_id: Option<String>,
}
