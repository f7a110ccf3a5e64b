//! What directories are usually called.

use crate::source::svn::layout::survey::last;

/// What the main line is called, where it is not called trunk.
pub(super) const TRUNKS: [&str; 6] = ["main", "master", "mainline", "head", "devel", "development"];

/// What the directory of branches is called.
pub(super) const BRANCHES: [&str; 8] =
    ["branches", "branch", "heads", "stable", "features", "feature", "sandbox", "private"];

/// What the directory of tags is called.
pub(super) const TAGS: [&str; 6] = ["tags", "tag", "releases", "release", "rel", "snapshots"];

/// Names that say enough even if nothing was ever copied there. Beside a trunk the first of each is where branches and tags
/// will go, once there are any.
pub(super) const CERTAIN: [[&str; 2]; 2] = [["branches", "branch"], ["tags", "tag"]];

pub(super) fn is_trunk_name(path: &str) -> bool {
    last(path).eq_ignore_ascii_case("trunk")
}

pub(super) fn is_container_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BRANCHES.contains(&name.as_str()) || TAGS.contains(&name.as_str())
}
