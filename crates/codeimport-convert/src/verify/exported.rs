//! A folder as a Git tree, worked out with gix's own encoder and not with the engine's.

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Kind, Tree, WriteTo as _, compute_hash};
use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What is in a tree: path -> kind and blob.
pub(super) type Files = BTreeMap<BString, (EntryKind, ObjectId)>;

/// The id of a folder's tree, and the files in it. Directories without any file do not exist for Git.
pub(super) fn tree_of(folder: &Path) -> io::Result<(ObjectId, Files)> {
    let mut files = Files::new();
    let tree = read_folder(folder, &BString::default(), &mut files)?;
    Ok((hash(&Tree { entries: tree })?, files))
}

fn read_folder(folder: &Path, place: &BString, files: &mut Files) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in fs::read_dir(folder)? {
        entries.extend(read_entry(&found?, place, files)?);
    }
    entries.sort();
    Ok(entries)
}

fn read_entry(found: &DirEntry, place: &BString, files: &mut Files) -> io::Result<Option<Entry>> {
    let (meta, path) = (found.metadata()?, found.path());
    let filename = BString::from(found.file_name().as_bytes());
    let mut place = place.clone();
    place.extend_from_slice(&filename);
    let (kind, oid) = if meta.is_dir() {
        place.push(b'/');
        let entries = read_folder(&path, &place, files)?;
        if entries.is_empty() {
            return Ok(None);
        }
        (EntryKind::Tree, hash(&Tree { entries })?)
    } else if meta.is_symlink() {
        (EntryKind::Link, blob_id(fs::read_link(&path)?.as_os_str().as_bytes())?)
    } else {
        let is_executable = meta.permissions().mode() & 0o100 != 0;
        let kind = if is_executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
        (kind, blob_id(&fs::read(&path)?)?)
    };
    if kind != EntryKind::Tree {
        files.insert(place, (kind, oid));
    }
    Ok(Some(Entry { mode: kind.into(), filename, oid }))
}

fn blob_id(bytes: &[u8]) -> io::Result<ObjectId> {
    compute_hash(gix::hash::Kind::Sha1, Kind::Blob, bytes).map_err(io::Error::other)
}

fn hash(tree: &Tree) -> io::Result<ObjectId> {
    let mut bytes = Vec::new();
    tree.write_to(&mut bytes)?;
    compute_hash(gix::hash::Kind::Sha1, Kind::Tree, &bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_tree_that_git_makes_of_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("writable");
        fs::create_dir_all(dir.path().join("a/empty")).expect("writable");
        fs::create_dir_all(dir.path().join("empty")).expect("writable");
        write("a/f", "text");
        write("a.b", "text");
        write("a-b", "");
        std::os::unix::fs::symlink("a/f", dir.path().join("link")).expect("writable");
        let (tree, files) = tree_of(dir.path()).expect("readable");
        let git = |words: &[&str]| {
            let git_dir = dir.path().join(".git");
            let command = codeimport_subprocess::Command::new("git").arg("--git-dir").arg(git_dir).args(words);
            command.cwd(dir.path()).run().expect("git runs").stdout_text().trim_end().to_owned()
        };
        git(&["init", "-q"]);
        git(&["add", "--all", "."]);
        assert_eq!(tree.to_string(), git(&["write-tree"]));
        let names: Vec<_> = files.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["a-b", "a.b", "a/f", "link"]);
    }
}
