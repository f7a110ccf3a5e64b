//! Doors for the fuzz targets in `fuzz/`: what reads bytes that come from outside. Only in fuzzing builds.

use crate::source::{bzr, cvs, hg, svn};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Reads a dump stream and converts what it says, into a repository that is thrown away.
pub fn svn_dump(stream: &[u8]) {
    svn::fuzzing::convert_bytes(repository(), stream);
}

/// Converts what Bazaar's exporter tells, into a repository that is thrown away.
pub fn bzr_stream(stream: &[u8]) {
    bzr::fuzzing::convert_stream(repository(), stream);
}

/// Reads what a Bazaar server answers.
pub fn bzr_answer(said: &[u8]) {
    bzr::fuzzing::read_answer(said);
}

/// One folder for all rounds: what earlier rounds wrote is never read by later ones, ids are by content.
fn repository() -> &'static PathBuf {
    static REPOSITORY: OnceLock<PathBuf> = OnceLock::new();
    REPOSITORY.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("codeimport-fuzz-{}", std::process::id()));
        gix::init_bare(&path).expect("the temporary folder takes a repository");
        path
    })
}

/// Applies a delta.
pub fn svndiff(base: &[u8], delta: &[u8]) {
    svn::fuzzing::apply_delta(base, delta);
}

/// Follows the answer of an svn server that replays its history.
pub fn svn_replay(stream: &[u8]) {
    svn::fuzzing::follow_replay(stream);
}

/// Follows the report of a Subversion server on HTTP that replays a revision.
pub fn svn_dav_replay(stream: &[u8]) {
    svn::fuzzing::follow_report(stream);
}

/// Reads a `,v` file and works out its texts.
pub fn cvs_rcs(bytes: &[u8]) {
    cvs::fuzzing::read_rcs(bytes);
}

/// Follows a CVS server, from its greeting on.
pub fn cvs_server(said: &[u8]) {
    cvs::fuzzing::follow_server(said);
}

/// Reads what a CVS server says of its files.
pub fn cvs_rlog(said: &[u8]) {
    cvs::fuzzing::read_rlog(said);
}

/// Takes in a bundle of a Mercurial server.
pub fn hg_bundle(stream: &[u8]) {
    hg::fuzzing::take_bundle(repository(), stream);
}

/// Reads a changeset's text, and what a delta changes in a manifest.
pub fn hg_texts(base: &[u8], delta: &[u8]) {
    hg::fuzzing::read_texts(base, delta);
}
