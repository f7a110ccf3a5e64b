//! What of a Subversion repository is converted, and how.

use codeimport_core::Layout;
use serde::{Deserialize, Serialize};

/// Options of a Subversion source. They decide the ids of commits, so they stay what they were at the first run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SvnOptions {
    /// Which paths are branches and tags. None: found out at the first run, then kept.
    pub layout: Option<Layout>,
    /// Whether commits carry the trailer of git-svn, so that a mirror made by it can be carried on.
    pub git_svn_id_trailers: bool,
    /// Whether `svn:ignore` and `svn:global-ignores` become `.gitignore` files.
    pub convert_ignores: bool,
    /// Whether `svn:externals` are kept, as text in `.svnexternals` files.
    pub keep_externals: bool,
    /// Whether texts with `svn:eol-style` `native` or `LF` are stored with LF at the end of each line. Else all texts are
    /// stored as the repository has them.
    pub normalize_line_ends: bool,
}
