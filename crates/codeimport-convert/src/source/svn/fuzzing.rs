//! What the fuzz targets run.

use super::convert::{ConvertOptions, Converter};
use super::layout::Places;
use super::options::SvnOptions;
use super::wire::DumpReader;
use codeimport_core::{AuthorMap, Layout};
use std::path::Path;
use std::sync::Arc;

/// Converts a stream, whatever it is.
pub(crate) fn convert_bytes(repository: &Path, stream: &[u8]) {
    let places = Arc::new(Places::new(Layout::standard("")));
    let (authors, svn) = (AuthorMap::default(), SvnOptions { normalize_line_ends: true, ..SvnOptions::default() });
    let options = ConvertOptions { places, authors, svn, git_svn_id: None };
    let Ok(mut converter) = Converter::open(repository, None, "", options) else { return };
    if converter.read(&mut DumpReader::new(stream), |_, _| {}).is_ok() {
        // The pack is left unfinished on purpose: disks are slower than fuzzers.
        let _ = converter.end_stream();
    }
}

/// Applies a delta, whatever it is.
pub(crate) fn apply_delta(base: &[u8], delta: &[u8]) {
    let _ = super::convert::apply_delta(base, delta);
}

/// Follows what a server replays, whatever it is.
pub(crate) fn follow_replay(stream: &[u8]) {
    super::wire::follow_replay(stream);
}

/// Reads a report of an HTTP server, whatever it is.
pub(crate) fn follow_report(stream: &[u8]) {
    super::wire::follow_report(stream);
}
