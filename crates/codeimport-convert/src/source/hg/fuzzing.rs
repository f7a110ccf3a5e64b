//! What the fuzz targets run.

use super::HgOptions;
use super::bundle::{hunks, patched, read_bundle};
use super::convert::receive;
use super::history::History;
use super::records::{Changeset, edits};
use crate::Watch;
use crate::objects::ObjectStore;
use std::path::Path;

/// Takes in what a server sends, whatever it is.
pub(crate) fn take_bundle(repository: &Path, stream: &[u8]) {
    let Ok(mut store) = ObjectStore::open(repository) else { return };
    let mut history = History::default();
    let _ = read_bundle(stream, |group| {
        receive(group, &mut history, &HgOptions::default(), &mut store, &Watch::none()).map(drop)
    });
}

/// Reads a changeset's text, and what a delta changes in a manifest.
pub(crate) fn read_texts(base: &[u8], delta: &[u8]) {
    let _ = Changeset::parse(base);
    let (Ok(text), Ok(hunks)) = (patched(base, delta), hunks(base.len(), delta)) else { return };
    let _ = edits(base, &text, &hunks);
}
