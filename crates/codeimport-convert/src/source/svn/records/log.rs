//! What a log tells of a revision: who, when and which paths, but no content.

/// One revision, as a log tells it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct LogEntry {
    pub(crate) revision: u64,
    pub(crate) author: Option<String>,
    pub(crate) date: Option<String>,
    /// If it was asked for.
    pub(crate) message: Option<String>,
    /// What changed; paths that the account may not read are left out.
    pub(crate) paths: Vec<LogPath>,
}

/// One path that a revision changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct LogPath {
    /// `A`, `D`, `M` or `R`.
    pub(crate) action: char,
    /// From the root of the repository, without a slash in front.
    pub(crate) path: String,
    /// Whether it is a directory; old servers do not tell.
    pub(crate) is_dir: Option<bool>,
    /// What it is a copy of, without a slash in front.
    pub(crate) copy_from: Option<String>,
}
