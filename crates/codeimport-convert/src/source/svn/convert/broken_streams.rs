//! Streams that break off or are damaged, as tests: what counts as converted is always whole and right.

use super::{ConvertOptions, Converter};
use crate::Refs;
use crate::source::svn::layout::Places;
use crate::source::svn::options::SvnOptions;
use crate::source::svn::wire::DumpReader;
use codeimport_core::{AuthorMap, Layout};
use codeimport_subprocess::Command;
use std::path::Path;
use std::sync::Arc;

/// Revisions of the repository that is dumped.
const YOUNGEST: u64 = 4;

fn run(command: Command) -> Vec<u8> {
    let output = command.run().expect("Subversion is installed");
    assert!(output.success(), "{}", output.stderr);
    output.stdout
}

/// A real repository with a trunk, a branch and texts that build on each other.
fn repository(dir: &Path) {
    run(Command::new("svnadmin").arg("create").arg(dir));
    let url = format!("file://{}", dir.display());
    let file = dir.with_extension("text");
    let put = file.to_str().expect("text");
    let commit = |words: &[&str], text: &str| {
        std::fs::write(&file, text.repeat(20)).expect("writable");
        run(Command::new("svnmucc").args(["-m", "a change", "-u", "ada", "-U", &url]).args(words));
    };
    commit(&["mkdir", "trunk", "mkdir", "branches", "put", put, "trunk/f"], "one line of text\n");
    commit(&["put", put, "trunk/f"], "another line of text\n");
    commit(&["cp", "2", "trunk", "branches/b", "put", put, "branches/b/g"], "a third\n");
    commit(&["rm", "trunk/f"], "");
}

/// Its first revisions, with texts as deltas.
fn dump(dir: &Path, last: u64) -> Vec<u8> {
    let range = format!("0:{last}");
    run(Command::new("svnadmin").args(["dump", "--quiet", "--deltas", "--revision", &range]).arg(dir))
}

/// What counts of a stream: up to which revision, with which refs, and whether the stream was taken for whole. Whether it
/// ended well is what the program says that sent it.
fn convert(stream: &[u8], uuid: &str, ended_well: bool) -> (u64, Refs, bool) {
    let dir = tempfile::tempdir().expect("temporary folder");
    gix::init_bare(dir.path()).expect("an empty repository");
    let places = Arc::new(Places::new(Layout::standard("")));
    let (authors, svn) = (AuthorMap::default(), SvnOptions::default());
    let options = ConvertOptions { places, authors, svn, git_svn_id: None };
    let mut converter = Converter::open(dir.path(), None, uuid, options).expect("it opens");
    let read = converter.read(&mut DumpReader::new(stream), |_, _| {});
    let whole = ended_well && read.and_then(|()| converter.end_stream()).is_ok();
    converter.drop_open_revision();
    let next = converter.next_revision();
    (next, converter.result().expect("it can be written").refs, whole)
}

#[test]
fn a_stream_that_breaks_off_anywhere_leaves_whole_revisions_only() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let dir = dir.path().join("r");
    repository(&dir);
    let uuid = String::from_utf8(run(Command::new("svnlook").arg("uuid").arg(&dir))).expect("text");
    let uuid = uuid.trim();
    let straight: Vec<_> = (0..=YOUNGEST).map(|last| convert(&dump(&dir, last), uuid, true)).collect();
    assert!(straight.iter().all(|(_, _, whole)| *whole));
    let stream = dump(&dir, YOUNGEST);
    for end in (0..stream.len()).step_by(17) {
        let (next, refs, _) = convert(&stream[..end], uuid, false);
        let expected = next.checked_sub(1).and_then(|last| straight.get(usize::try_from(last).expect("small")));
        assert_eq!(refs, expected.map(|(_, refs, _)| refs.clone()).unwrap_or_default(), "cut after {end} bytes");
    }
}

#[test]
fn a_stream_with_a_wrong_bit_anywhere_is_converted_or_refused_and_a_wrong_text_never_counts() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let dir = dir.path().join("r");
    repository(&dir);
    let uuid = String::from_utf8(run(Command::new("svnlook").arg("uuid").arg(&dir))).expect("text");
    let mut stream = dump(&dir, YOUNGEST);
    for place in (0..stream.len()).step_by(23) {
        stream[place] ^= 4;
        // That it returns is what is asked for: a log message has no checksum by which it could be doubted.
        convert(&stream, uuid.trim(), true);
        stream[place] ^= 4;
    }
    let delta = stream.windows(4).position(|bytes| bytes == b"SVN\0").expect("texts are deltas");
    let (next, _, whole) = {
        stream[delta + 12] ^= 4;
        convert(&stream, uuid.trim(), true)
    };
    assert!(!whole && next <= 1, "r1 has the first text");
}
