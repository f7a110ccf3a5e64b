//! History that a source has lost although it was published: by what names it is kept, or that nothing is followed. Pure.

use crate::ConvertError;
use crate::target::BACKUPS;
use codeimport_core::{Outcome, SourceUrl, Stage};
use gix::bstr::BString;

/// The ref that keeps a lost commit. `key` is one commit's or changeset's own; so no such name is a folder of another one.
pub(in crate::source) fn backup_name(key: &str, branch: &str) -> BString {
    format!("{BACKUPS}{key}/{branch}").into()
}

/// Nothing is followed, since that is what was asked for.
pub(in crate::source) fn frozen(url: &SourceUrl, lost: &str) -> ConvertError {
    let text = format!(
        "{url} has lost {lost}, which was published: its history was rewritten. Nothing is followed, and the target stays as it is. \
         Allow this import to follow rewritten history, or define a new one."
    );
    ConvertError::new(Outcome::RemoteBroken, Stage::Fetch, text)
}
