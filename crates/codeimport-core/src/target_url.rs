//! The address of a target: a Git repository that the worker may push to.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};
use url::Url;

/// A well-formed address of a Git repository to write to.
///
/// Local repositories are written `file:///absolute/path`; whether the worker may touch that path is the
/// registry's policy.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TargetUrl(Url);

/// Why an address cannot be a target. The text is meant for the person who typed it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetUrlError {
    /// Not a URL.
    #[error("is not a URL ({0}): write it as https://host/path or file:///absolute/path")]
    Malformed(String),
    /// A scheme that nothing is pushed to.
    #[error("has the scheme {0:?}, which is not pushed to: use https://, http://, git:// or file://")]
    Scheme(String),
    /// No host, or a local path that is not absolute and plain.
    #[error("names no host, or no absolute path without `..`")]
    Path,
    /// A user name or password in the address.
    #[error("contains a user name or password: addresses are shown and logged, so give it without")]
    Userinfo,
    /// White space, a control character, or a part that begins with a dash.
    #[error("contains white space, a control character, or a part that begins with a dash")]
    Unsafe,
}

impl TargetUrl {
    /// Reads an address. An absolute path is taken for `file://`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TargetUrlError> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) || text.starts_with('-') {
            return Err(TargetUrlError::Unsafe);
        }
        if text.starts_with('/') {
            return Self::local(Path::new(text));
        }
        let url = Url::parse(text).map_err(|e| TargetUrlError::Malformed(e.to_string()))?;
        if url.scheme() == "file" {
            // The text, not the parsed URL: parsing has already resolved any `..`.
            let path = text.get("file://".len()..).unwrap_or_default();
            return Self::local(Path::new(path));
        }
        if !["https", "http", "git"].contains(&url.scheme()) {
            return Err(TargetUrlError::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(TargetUrlError::Path);
        }
        if std::iter::once(host).chain(url.path().split('/')).any(|part| part.starts_with('-')) {
            return Err(TargetUrlError::Unsafe);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetUrlError::Userinfo);
        }
        Ok(Self(url))
    }

    /// The address of a local repository.
    ///
    /// # Errors
    ///
    /// [`TargetUrlError::Path`] unless the path is absolute and has no `.` or `..` in it.
    pub fn local(path: &Path) -> Result<Self, TargetUrlError> {
        let plain = path.is_absolute()
            && path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)))
            && path.components().count() > 1;
        let url = if plain { Url::from_file_path(path).ok() } else { None };
        url.map(Self).ok_or(TargetUrlError::Path)
    }

    /// The path, if the target is on the worker's own disk.
    #[must_use]
    pub fn local_path(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_path_survives_the_round_trip() {
        let target = TargetUrl::parse("/srv/git/a b.git".replace(' ', "_").as_str()).expect("valid");
        assert_eq!(target.as_str(), "file:///srv/git/a_b.git");
        assert_eq!(target.local_path(), Some(PathBuf::from("/srv/git/a_b.git")));
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for text in ["/srv/../etc", "file:///srv/../etc", "/", "file://host/x", "relative/path"] {
            assert!(TargetUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_and_program_transports_are_refused() {
        assert_eq!(TargetUrl::parse("https://a:b@h/x"), Err(TargetUrlError::Userinfo));
        assert!(matches!(TargetUrl::parse("ext::sh"), Err(TargetUrlError::Scheme(_))));
        assert_eq!(TargetUrl::parse("https://h/-x"), Err(TargetUrlError::Unsafe));
    }
}
