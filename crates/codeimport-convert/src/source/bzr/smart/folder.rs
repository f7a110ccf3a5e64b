//! The files of a branch on this machine.

use super::super::position::Position;
use super::tip_in_file;
use codeimport_core::SourceUrl;
use std::fs;
use url::Url;

/// Where a branch stands; none if it has not the files that newer ones have.
pub(super) fn position(url: &SourceUrl) -> Option<Position> {
    let branch = Url::parse(url.as_str()).ok()?.to_file_path().ok()?.join(".bzr/branch");
    let tip = tip_in_file(&fs::read(branch.join("last-revision")).ok()?)?;
    // No tags is no file.
    Some(Position { tip, tags: fs::read(branch.join("tags")).unwrap_or_default() })
}
