//! Which files' line ends are normalized, kept while records are applied. Does nothing unless the option is on.

use super::props::DirProps;
use super::replay::{Replay, ReplayError};
use crate::shadow::{PROPS_ENTRY, ShadowError, ShadowTree};
use crate::source::svn::paths::{join, split};
use crate::source::svn::records::{Action, CopyFrom, NodeRecord, PropValue};
use gix::objs::Kind;

impl Replay<'_> {
    /// Notes whether the lines of a file are normalized, after a record about it.
    pub(crate) fn mark_line_ends(&mut self, node: &NodeRecord) -> Result<(), ReplayError> {
        if !self.options.normalize_line_ends {
            return Ok(());
        }
        let is_marked = match node.props.as_ref().and_then(|props| props.change("svn:eol-style")) {
            Some(PropValue::Set(style)) => matches!(style.trim_ascii(), b"native" | b"LF"),
            Some(PropValue::Deleted) => false,
            None => self.was_marked(node)?,
        };
        let (directory, name) = split(&node.path);
        self.edit_props(directory, |props| props.set_line_ends(name, is_marked))
    }

    /// Forgets what was noted of a path that is gone.
    pub(crate) fn unmark_line_ends(&mut self, path: &[u8]) -> Result<(), ReplayError> {
        let (directory, name) = split(path);
        let is_there = self.options.normalize_line_ends && self.tree.get(directory, self.store)?.is_some();
        if is_there { self.edit_props(directory, |props| props.set_line_ends(name, false)) } else { Ok(()) }
    }

    fn was_marked(&mut self, node: &NodeRecord) -> Result<bool, ReplayError> {
        let (path, props) = match (&node.copy_from, node.action) {
            (Some(CopyFrom { revision, path }), _) => {
                let root = self.history.root(*revision, self.store)?;
                let mut tree = root.map_or_else(ShadowTree::empty, ShadowTree::stored);
                (path, tree.get(&join(split(path).0, PROPS_ENTRY), self.store)?)
            }
            (None, Action::Change) => (&node.path, self.tree.get(&join(split(&node.path).0, PROPS_ENTRY), self.store)?),
            (None, Action::Add | Action::Replace | Action::Delete) => return Ok(false),
        };
        let Some(props) = props else { return Ok(false) };
        let props = DirProps::decode(&self.store.read(props.id, Kind::Blob).map_err(ShadowError::from)?);
        Ok(props.line_ends().contains(split(path).1))
    }
}
