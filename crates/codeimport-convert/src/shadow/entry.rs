//! What a shadow tree consists of.

use gix::ObjectId;
use gix::objs::tree;

/// Kind of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EntryKind {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A file that the source marks as special; its text is kept as it is, `link …` and all.
    Special,
    /// Both: Subversion lets a file be special and executable, and shows the latter once it is not a link.
    SpecialExecutable,
    /// A directory; unlike Git's, it may be empty.
    Dir,
}

/// A mode for which Git has no use since 2005 and that its tools still read as that of a file.
const SPECIAL_EXECUTABLE: (&[u8], u16) = (b"100664", 0o100_664);

/// One entry: kind and object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// What it is.
    pub(crate) kind: EntryKind,
    /// Blob, or tree for a directory.
    pub(crate) id: ObjectId,
}

impl EntryKind {
    /// The mode in a Git tree, as it is stored.
    pub(super) fn mode(self) -> &'static [u8] {
        match self {
            Self::File => b"100644",
            Self::Executable => b"100755",
            Self::Special => b"120000",
            Self::SpecialExecutable => SPECIAL_EXECUTABLE.0,
            Self::Dir => b"40000",
        }
    }

    pub(super) fn of_mode(mode: tree::EntryMode) -> Self {
        if mode.value() == SPECIAL_EXECUTABLE.1 {
            return Self::SpecialExecutable;
        }
        match mode.kind() {
            tree::EntryKind::Tree => Self::Dir,
            tree::EntryKind::BlobExecutable => Self::Executable,
            tree::EntryKind::Link => Self::Special,
            // Submodules do not occur in a shadow.
            tree::EntryKind::Blob | tree::EntryKind::Commit => Self::File,
        }
    }
}

/// The bytes of a Git tree with these entries, in Git's order: by name, a directory as if it ended in a slash.
pub(super) fn encode_tree<'a>(entries: impl Iterator<Item = (&'a [u8], EntryKind, ObjectId)>) -> Vec<u8> {
    let mut entries: Vec<_> = entries.collect();
    let key = |name: &'a [u8], kind| name.iter().copied().chain((kind == EntryKind::Dir).then_some(b'/'));
    // Nearly in order already: plain names are, and directories seldom change the order.
    entries.sort_by(|a, b| key(a.0, a.1).cmp(key(b.0, b.1)));
    let mut bytes = Vec::with_capacity(entries.iter().map(|(name, ..)| name.len() + 28).sum());
    for (name, kind, id) in entries {
        bytes.extend_from_slice(kind.mode());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes
}

/// The entries of a Git tree; none if its bytes are damaged.
pub(super) fn decode_tree(bytes: &[u8]) -> Option<Vec<(&[u8], Entry)>> {
    let entries = gix::objs::TreeRefIter::from_bytes(bytes, gix::hash::Kind::Sha1);
    entries
        .map(|entry| {
            let entry = entry.ok()?;
            let name: &[u8] = entry.filename;
            Some((name, Entry { kind: EntryKind::of_mode(entry.mode), id: entry.oid.to_owned() }))
        })
        .collect()
}
