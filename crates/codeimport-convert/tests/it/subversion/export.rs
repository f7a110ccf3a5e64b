//! What Subversion itself says that a branch was, as a Git tree. Shares nothing with the engine: the files come from `svn
//! export`, the ids from gix.

use super::server::run;
use codeimport_convert::MapEntry;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Kind, Tree, WriteTo as _, compute_hash};
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A folder as a Git tree.
#[derive(Default)]
pub(super) struct Exported {
    /// Its id.
    pub(super) tree: String,
    /// Ids of all directories in it, by their paths; the folder's own is at the empty path.
    pub(super) directories: HashMap<String, String>,
    /// What is in it, as `git ls-tree -r -t` shows it, in no order.
    pub(super) listing: String,
}

/// What Subversion exports for an entry of the map.
pub(super) fn export(repository: &Path, entry: &MapEntry) -> Exported {
    let folder = tempfile::tempdir().expect("temporary folder");
    let files = folder.path().join("files");
    let revision = &entry.revision;
    let from = format!("file://{}/{}@{revision}", repository.display(), escape(&entry.branch));
    let export = ["svn", "export", "-q", "--ignore-keywords", "--ignore-externals", "-r", revision];
    run(folder.path(), &[&export[..], &[&from, files.to_str().expect("text")]].concat());
    let mut exported = Exported::default();
    exported.tree_of(&files, "");
    exported.tree = exported.directories[""].clone();
    exported
}

impl Exported {
    /// The tree of a folder; none if there is no file in it, however deep.
    fn tree_of(&mut self, folder: &Path, place: &str) -> Option<gix::ObjectId> {
        let found = fs::read_dir(folder).expect("exported").flatten();
        let mut entries: Vec<_> = found.filter_map(|found| self.entry_of(&found, place)).collect();
        entries.sort();
        let is_empty = entries.is_empty();
        let mut bytes = Vec::new();
        Tree { entries }.write_to(&mut bytes).expect("memory takes all");
        let id = hash(Kind::Tree, &bytes);
        self.directories.insert(place.trim_end_matches('/').to_owned(), id.to_string());
        (!is_empty).then_some(id)
    }

    fn entry_of(&mut self, found: &fs::DirEntry, place: &str) -> Option<Entry> {
        let meta = found.metadata().expect("it is there");
        let path = found.path();
        let place = format!("{place}{}", found.file_name().display());
        let (kind, oid) = if meta.is_dir() {
            (EntryKind::Tree, self.tree_of(&path, &format!("{place}/"))?)
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).expect("a link");
            (EntryKind::Link, hash(Kind::Blob, target.as_os_str().as_bytes()))
        } else {
            let is_executable = meta.permissions().mode() & 0o100 != 0;
            let kind = if is_executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
            (kind, hash(Kind::Blob, &fs::read(&path).expect("readable")))
        };
        let word = if kind == EntryKind::Tree { "tree" } else { "blob" };
        self.listing.push_str(&format!("{:06o} {word} {oid}\t{place}\n", kind as u16));
        Some(Entry { mode: kind.into(), filename: found.file_name().as_bytes().into(), oid })
    }
}

fn hash(kind: Kind, bytes: &[u8]) -> gix::ObjectId {
    compute_hash(gix::hash::Kind::Sha1, kind, bytes).expect("no collision")
}

/// A path as part of a URL.
fn escape(path: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    path.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
}
