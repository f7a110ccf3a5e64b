//! What a server says while it replays a revision, as the records of a dump stream: the same for every wire. Pure.
//!
//! A directory is told when it is added, its properties when it is closed; a file when it is closed. What `svnrdump` makes
//! of the same commands comes in another order and means the same.
//!
//! Each command gives `None` if it makes no sense.

use super::normal::normal;
use crate::source::svn::records::{Action, CopyFrom, NodeKind, NodeRecord, PropChanges, PropValue, Record, Text};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Most directories and files that may be open at a time: as deep as a path can be, and far more than servers open.
const MAX_OPEN: usize = 10_000;

/// Most bytes of deltas that are held at a time: a server sends one file after the other. More is taken for damage.
const MAX_HELD: usize = 2 << 30;

/// A revision under way. Directories and files that are open have names, `Token`s, which the wire gives them.
pub(super) struct Editor<Token> {
    open: HashMap<Token, NodeRecord>,
    /// Bytes of the deltas among them.
    held: usize,
    /// Records that nobody has taken yet.
    told: VecDeque<Record>,
}

impl<Token> Default for Editor<Token> {
    fn default() -> Self {
        Self { open: HashMap::new(), held: 0, told: VecDeque::new() }
    }
}

impl<Token: Eq + Hash> Editor<Token> {
    /// Says something that no command of a revision says.
    pub(super) fn tell(&mut self, record: Record) {
        self.told.push_back(record);
    }

    /// The next record that nobody has taken yet.
    pub(super) fn take(&mut self) -> Option<Record> {
        self.told.pop_front()
    }

    /// Whether all that was opened is closed.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn open_dir(&mut self, token: Token, path: &[u8]) -> Option<()> {
        self.begin(token, node(bare(path), NodeKind::Dir, Action::Change, None))
    }

    pub(super) fn add_dir(&mut self, token: Token, path: &[u8], from: Option<CopyFrom>) -> Option<()> {
        self.tell(Record::Node(node(bare(path), NodeKind::Dir, Action::Add, from)));
        self.open_dir(token, path)
    }

    pub(super) fn open_file(&mut self, token: Token, path: &[u8]) -> Option<()> {
        self.begin(token, node(bare(path), NodeKind::File, Action::Change, None))
    }

    pub(super) fn add_file(&mut self, token: Token, path: &[u8], from: Option<CopyFrom>) -> Option<()> {
        self.begin(token, node(bare(path), NodeKind::File, Action::Add, from))
    }

    /// Deletions do not tell what it was.
    pub(super) fn delete(&mut self, path: &[u8]) {
        let record = NodeRecord { kind: None, ..node(bare(path), NodeKind::Dir, Action::Delete, None) };
        self.tell(Record::Node(record));
    }

    /// Sets a property of something open, or removes it.
    pub(super) fn change_prop(&mut self, token: &Token, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let value = value.map_or(PropValue::Deleted, |value| PropValue::Set(normal(name, value)));
        let empty = || PropChanges { changes: Vec::new(), is_delta: true };
        self.open.get_mut(token)?.props.get_or_insert_with(empty).changes.push((name.to_vec(), value));
        Some(())
    }

    pub(super) fn begin_text(&mut self, token: &Token, base_md5: Option<String>) -> Option<()> {
        self.open.get_mut(token)?.text = Some(Text { bytes: Vec::new(), is_delta: true, md5: None, base_md5 });
        Some(())
    }

    /// Appends to the delta; empties the chunk.
    pub(super) fn add_text(&mut self, token: &Token, chunk: &mut Vec<u8>) -> Option<()> {
        let held = self.held.checked_add(chunk.len()).filter(|held| *held <= MAX_HELD)?;
        self.open.get_mut(token)?.text.as_mut()?.bytes.append(chunk);
        self.held = held;
        Some(())
    }

    pub(super) fn close_file(&mut self, token: &Token, md5: Option<String>) -> Option<()> {
        let mut record = self.open.remove(token)?;
        if let Some(text) = &mut record.text {
            text.md5 = md5;
            self.held = self.held.saturating_sub(text.bytes.len());
        }
        self.tell(Record::Node(record));
        Some(())
    }

    pub(super) fn close_dir(&mut self, token: &Token) -> Option<()> {
        let record = self.open.remove(token)?;
        if record.props.is_some() {
            self.tell(Record::Node(record));
        }
        Some(())
    }

    fn begin(&mut self, token: Token, record: NodeRecord) -> Option<()> {
        if self.open.len() == MAX_OPEN {
            return None;
        }
        // A token that is given twice would make the first node vanish.
        self.open.insert(token, record).is_none().then_some(())
    }
}

/// What a copy is of.
pub(super) fn copy_of(path: &[u8], revision: u64) -> CopyFrom {
    CopyFrom { path: bare(path), revision }
}

fn node(path: Vec<u8>, kind: NodeKind, action: Action, copy_from: Option<CopyFrom>) -> NodeRecord {
    NodeRecord { path, kind: Some(kind), action, copy_from, props: None, text: None }
}

fn bare(path: &[u8]) -> Vec<u8> {
    path.strip_prefix(b"/").unwrap_or(path).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_told_when_it_comes_and_a_file_when_it_is_whole() {
        let mut editor = Editor::default();
        let mut follow = || {
            editor.open_dir("r", b"")?;
            editor.delete(b"a");
            editor.add_dir("d", b"/a", Some(copy_of(b"/b", 3)))?;
            editor.change_prop(&"d", b"p", Some(b"v"))?;
            editor.add_file("f", b"a/f", None)?;
            editor.begin_text(&"f", None)?;
            editor.add_text(&"f", &mut b"SVN0".to_vec())?;
            editor.close_file(&"f", Some("5".to_owned()))?;
            editor.close_dir(&"d")?;
            editor.open_file("f", b"g")?;
            editor.change_prop(&"f", b"p", None)?;
            editor.close_file(&"f", None)?;
            editor.close_dir(&"r")
        };
        assert_eq!(follow(), Some(()));
        assert!(editor.is_done());
        let line = |record: Record| match record {
            Record::Node(node) => format!("{:?} {}", node.action, String::from_utf8_lossy(&node.path)),
            other => panic!("{other:?}"),
        };
        let told: Vec<_> = std::iter::from_fn(|| editor.take()).map(line).collect();
        assert_eq!(told, ["Delete a", "Add a", "Add a/f", "Change a", "Change g"]);
    }

    #[test]
    fn commands_about_nothing_make_no_sense() {
        let mut editor = Editor::default();
        assert_eq!(editor.close_dir(&"r"), None);
        assert_eq!(editor.add_text(&"f", &mut b"x".to_vec()), None);
        assert_eq!(editor.open_dir("r", b""), Some(()));
        assert_eq!(editor.open_dir("r", b""), None, "a name that is given twice");
    }
}
