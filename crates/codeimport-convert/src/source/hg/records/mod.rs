//! What the texts of revisions say, whatever way they came. Pure.

mod changeset;
mod file;
mod manifest;

pub(super) use changeset::Changeset;
pub(super) use file::split;
pub(super) use manifest::{FileEdit, Flag, edits};
