//! How a Mercurial repository is converted.

use serde::{Deserialize, Serialize};

/// Options of a Mercurial source. They decide the ids of commits, so they stay what they were at the first run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HgOptions {
    /// Whether subrepositories are kept as what they are in Mercurial: the texts `.hgsub` and `.hgsubstate`. Else a repository
    /// that has some is refused, since its trees would not be whole.
    pub keep_subrepos: bool,
}
