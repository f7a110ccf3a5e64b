//! The editor commands of one revision, as the records of a dump stream. Pure.
//!
//! ```text
//! open-root (( rev? ) d0)   open-dir | add-dir (path parent d1 ( rev? | from rev ))   change-dir-prop (d1 name ( value? ))
//! delete-entry (path ( rev? ) parent)   close-dir (d1)
//! open-file | add-file (path parent f1 ( rev? | from rev ))   apply-textdelta (f1 ( base-md5? ))   textdelta-chunk (f1 bytes)
//! textdelta-end (f1)   change-file-prop (f1 name ( value? ))   close-file (f1 ( md5? ))
//! ```
//!
//! A directory is told when it is added, its properties when it is closed; a file when it is closed. What `svnrdump` makes
//! of the same commands comes in another order and means the same.

use super::item::Item;
use crate::source::svn::records::{Action, CopyFrom, NodeKind, NodeRecord, PropChanges, PropValue, Record, Text};
use std::collections::{HashMap, VecDeque};

/// Most directories and files that may be open at a time: as deep as a path can be, and far more than servers open.
const MAX_OPEN: usize = 10_000;

/// Most bytes of deltas that are held at a time: a server sends one file after the other. More is taken for damage.
const MAX_HELD: usize = 2 << 30;

/// A revision under way.
#[derive(Default)]
pub(crate) struct Editor {
    /// Directories and files that are being changed, by the server's names for them.
    open: HashMap<Vec<u8>, NodeRecord>,
    /// Bytes of the deltas among them.
    held: usize,
}

impl Editor {
    /// Follows one command; `None` says that it makes no sense.
    pub(crate) fn follow(&mut self, command: &str, parameters: &mut [Item], told: &mut VecDeque<Record>) -> Option<()> {
        match (command, parameters) {
            ("open-root", [_, token, ..]) => self.begin(token, node(Vec::new(), NodeKind::Dir, Action::Change, None)),
            ("delete-entry", [path, ..]) => {
                told.push_back(Record::Node(NodeRecord {
                    kind: None,
                    ..node(path_of(path)?, NodeKind::Dir, Action::Delete, None)
                }));
                Some(())
            }
            ("open-dir", [path, _, token, ..]) => {
                self.begin(token, node(path_of(path)?, NodeKind::Dir, Action::Change, None))
            }
            ("add-dir", [path, _, token, from, ..]) => {
                let (path, from) = (path_of(path)?, copy_from(from)?);
                told.push_back(Record::Node(node(path.clone(), NodeKind::Dir, Action::Add, from)));
                self.begin(token, node(path, NodeKind::Dir, Action::Change, None))
            }
            ("open-file", [path, _, token, ..]) => {
                self.begin(token, node(path_of(path)?, NodeKind::File, Action::Change, None))
            }
            ("add-file", [path, _, token, from, ..]) => {
                self.begin(token, node(path_of(path)?, NodeKind::File, Action::Add, copy_from(from)?))
            }
            ("change-dir-prop" | "change-file-prop", [token, name, value, ..]) => self.change_prop(token, name, value),
            ("apply-textdelta", [token, base, ..]) => self.begin_text(token, base),
            ("textdelta-chunk", [token, chunk, ..]) => self.add_text(token, chunk),
            ("close-file", [token, md5, ..]) => self.close_file(token, md5, told),
            ("close-dir", [token, ..]) => self.close_dir(token, told),
            // What the account may not see, and what is said only for form's sake.
            ("textdelta-end" | "absent-dir" | "absent-file" | "target-rev" | "close-edit" | "abort-edit", _) => {
                Some(())
            }
            _ => None,
        }
    }

    /// Whether all that was opened is closed.
    pub(crate) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    fn begin(&mut self, token: &Item, record: NodeRecord) -> Option<()> {
        if self.open.len() == MAX_OPEN {
            return None;
        }
        // A token that is given twice would make the first node vanish.
        self.open.insert(token.bytes()?.to_vec(), record).is_none().then_some(())
    }

    fn record(&mut self, token: &Item) -> Option<&mut NodeRecord> {
        self.open.get_mut(token.bytes()?)
    }

    fn change_prop(&mut self, token: &Item, name: &Item, value: &Item) -> Option<()> {
        let name = name.bytes()?;
        let value = match value.list()? {
            [] => PropValue::Deleted,
            [value, ..] => PropValue::Set(normal(name, value.bytes()?)),
        };
        let props =
            self.record(token)?.props.get_or_insert_with(|| PropChanges { changes: Vec::new(), is_delta: true });
        props.changes.push((name.to_vec(), value));
        Some(())
    }

    fn begin_text(&mut self, token: &Item, base: &Item) -> Option<()> {
        let base_md5 = optional_text(base)?;
        self.record(token)?.text = Some(Text { bytes: Vec::new(), is_delta: true, md5: None, base_md5 });
        Some(())
    }

    fn add_text(&mut self, token: &Item, chunk: &mut Item) -> Option<()> {
        let Item::String(chunk) = chunk else { return None };
        let held = self.held.checked_add(chunk.len()).filter(|held| *held <= MAX_HELD)?;
        self.record(token)?.text.as_mut()?.bytes.append(chunk);
        self.held = held;
        Some(())
    }

    fn close_file(&mut self, token: &Item, md5: &Item, told: &mut VecDeque<Record>) -> Option<()> {
        let mut record = self.open.remove(token.bytes()?)?;
        if let Some(text) = &mut record.text {
            text.md5 = optional_text(md5)?;
            self.held = self.held.saturating_sub(text.bytes.len());
        }
        told.push_back(Record::Node(record));
        Some(())
    }

    fn close_dir(&mut self, token: &Item, told: &mut VecDeque<Record>) -> Option<()> {
        let record = self.open.remove(token.bytes()?)?;
        if record.props.is_some() {
            told.push_back(Record::Node(record));
        }
        Some(())
    }
}

fn node(path: Vec<u8>, kind: NodeKind, action: Action, copy_from: Option<CopyFrom>) -> NodeRecord {
    NodeRecord { path, kind: Some(kind), action, copy_from, props: None, text: None }
}

fn path_of(item: &Item) -> Option<Vec<u8>> {
    let path = item.bytes()?;
    Some(path.strip_prefix(b"/").unwrap_or(path).to_vec())
}

/// `( )` or `( from rev )`.
fn copy_from(item: &Item) -> Option<Option<CopyFrom>> {
    match item.list()? {
        [] => Some(None),
        [path, revision, ..] => Some(Some(CopyFrom { path: path_of(path)?, revision: revision.number()? })),
        [_] => None,
    }
}

fn optional_text(item: &Item) -> Option<Option<String>> {
    match item.list()? {
        [] => Some(None),
        [text, ..] => Some(Some(text.text()?.to_owned())),
    }
}

/// A property's value as `svnrdump` tells it: those of Subversion's own properties end at a zero byte, and their lines at
/// a line feed. Old repositories have others, which no client lets in any more.
pub(crate) fn normal(name: &[u8], value: &[u8]) -> Vec<u8> {
    if !name.starts_with(b"svn:") {
        return value.to_vec();
    }
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut lines = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
        }
        lines.push(if byte == b'\r' { b'\n' } else { byte });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What some commands tell, as `action path`; none if they make no sense.
    fn told(commands: &str) -> Option<Vec<String>> {
        let (mut editor, mut records, mut input) = (Editor::default(), VecDeque::new(), commands.as_bytes());
        while !input.is_empty() {
            let Ok(Item::List(mut items)) = Item::read(&mut input, 1 << 20) else { panic!("{commands}") };
            let [Item::Word(command), Item::List(parameters)] = &mut items[..] else { panic!("{commands}") };
            editor.follow(command, parameters, &mut records)?;
        }
        assert!(editor.is_done(), "{commands}");
        let line = |record: Record| match record {
            Record::Node(node) => format!("{:?} {}", node.action, String::from_utf8_lossy(&node.path)),
            other => panic!("{other:?}"),
        };
        Some(records.into_iter().map(line).collect())
    }

    #[test]
    fn a_directory_is_told_when_it_comes_and_a_file_when_it_is_whole() {
        let commands = "( open-root ( ( ) 1:r ) ) ( delete-entry ( 1:a ( ) 1:r ) ) ( add-dir ( 1:a 1:r 1:d ( 2:/b 3 ) ) ) \
                        ( change-dir-prop ( 1:d 1:p ( 1:v ) ) ) ( add-file ( 3:a/f 1:d 1:f ( ) ) ) ( apply-textdelta ( 1:f ( ) ) ) \
                        ( textdelta-chunk ( 1:f 4:SVN0 ) ) ( textdelta-end ( 1:f ) ) ( close-file ( 1:f ( 1:5 ) ) ) ( close-dir ( 1:d ) ) \
                        ( open-file ( 1:g 1:r 1:f ( ) ) ) ( change-file-prop ( 1:f 1:p ( ) ) ) ( close-file ( 1:f ( ) ) ) ( close-dir ( 1:r ) ) ";
        let expected = ["Delete a", "Add a", "Add a/f", "Change a", "Change g"];
        assert_eq!(told(commands).as_deref(), Some(&expected.map(str::to_owned)[..]));
    }

    #[test]
    fn commands_about_nothing_make_no_sense() {
        for command in
            ["( close-dir ( 1:r ) ) ", "( textdelta-chunk ( 1:f 1:x ) ) ", "( dance ( ) ) ", "( add-dir ( ) ) "]
        {
            assert_eq!(told(command), None, "{command}");
        }
        let twice = "( open-root ( ( ) 1:r ) ) ( open-root ( ( ) 1:r ) ) ";
        assert_eq!(told(twice), None);
    }

    #[test]
    fn properties_of_subversion_itself_are_told_as_svnrdump_tells_them() {
        assert_eq!(normal(b"svn:log", b"a\r\nb\rc\n\r\0d"), b"a\nb\nc\n\n");
        assert_eq!(normal(b"other", b"a\r\n\0"), b"a\r\n\0");
    }
}
