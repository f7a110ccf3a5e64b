//! What is allowed here: which sources need no approval, and which targets may be written. Pure.
//!
//! Whether an address is well-formed at all is the business of `codeimport-core`; nothing that it refuses gets here.

use codeimport_core::{ImportId, ReviewStatus, SourceUrl, TargetUrl};
use std::path::PathBuf;

/// The operator's rules.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Sources whose address begins with one of these are approved at once; all are if there are none.
    pub auto_approve_prefixes: Vec<String>,
    /// Remote targets have to begin with one of these; there are no remote targets if there are none.
    pub target_prefixes: Vec<String>,
    /// Local targets lie below this folder; there are no local targets without it.
    pub local_target_root: Option<PathBuf>,
}

/// Why a target may not be written. The text continues a sentence that begins with the field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetRefused {
    /// A path outside of the root, or no root at all.
    #[error("is a local path outside of the folder for local targets: leave it empty, or ask an operator")]
    OutsideOfRoot,
    /// A host that is not among the prefixes.
    #[error("is not among the targets that may be written here: ask an operator to allow its address")]
    NotAllowed,
    /// No target given, and no root to put one into.
    #[error("is empty, and there is no folder for local targets here: give the address of a Git repository")]
    NoDefault,
}

impl Policy {
    /// The status of a new import from this source, and of one whose source or target has changed.
    #[must_use]
    pub fn first_status(&self, source_url: &str) -> ReviewStatus {
        let listed = self.auto_approve_prefixes.iter().any(|prefix| begins_with(source_url, prefix));
        if listed || self.auto_approve_prefixes.is_empty() { ReviewStatus::Reviewed } else { ReviewStatus::New }
    }

    /// Whether a source may be read. Every well-formed address may: the schemes are what is refused, in the core.
    #[must_use]
    pub fn allows_source(&self, source: &crate::import::Source) -> bool {
        SourceUrl::parse(source.rcs_type, &source.url).is_ok()
    }

    /// Whether a target that is stored may still be written: the operator's rules may have changed since it came in.
    #[must_use]
    pub fn allows_target(&self, target_url: &str) -> bool {
        TargetUrl::parse(target_url).is_ok_and(|target| self.check_target(&target).is_ok())
    }

    /// Whether a target may be written.
    ///
    /// # Errors
    ///
    /// [`TargetRefused`], with what to do about it.
    pub fn check_target(&self, target: &TargetUrl) -> Result<(), TargetRefused> {
        let Some(path) = target.local_path() else {
            let listed = self.target_prefixes.iter().any(|prefix| begins_with(target.as_str(), prefix));
            return if listed { Ok(()) } else { Err(TargetRefused::NotAllowed) };
        };
        let below = self.local_target_root.as_ref().is_some_and(|root| path.starts_with(root) && path != *root);
        if below { Ok(()) } else { Err(TargetRefused::OutsideOfRoot) }
    }

    /// The target of an import that names none.
    ///
    /// # Errors
    ///
    /// [`TargetRefused::NoDefault`] where there is no folder for local targets.
    pub fn default_target(&self, import_id: &ImportId) -> Result<TargetUrl, TargetRefused> {
        let root = self.local_target_root.as_ref().ok_or(TargetRefused::NoDefault)?;
        TargetUrl::local(&root.join(format!("{import_id}.git"))).map_err(|_| TargetRefused::NoDefault)
    }
}

/// Whether an address begins with a prefix at a border: `https://host` is no beginning of `https://host.evil/`.
fn begins_with(url: &str, prefix: &str) -> bool {
    let Some(rest) = url.strip_prefix(prefix) else { return false };
    rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            auto_approve_prefixes: vec!["https://example.org".to_owned(), "git://host/free/".to_owned()],
            target_prefixes: vec!["https://git.example.com/mirrors".to_owned()],
            local_target_root: Some("/srv/git".into()),
        }
    }

    #[test]
    fn without_prefixes_every_source_is_approved() {
        assert_eq!(Policy::default().first_status("git://anywhere/x"), ReviewStatus::Reviewed);
    }

    #[test]
    fn a_prefix_ends_at_a_border() {
        let cases = [
            ("https://example.org/a", ReviewStatus::Reviewed),
            ("https://example.org", ReviewStatus::Reviewed),
            ("git://host/free/x", ReviewStatus::Reviewed),
            ("https://example.org.evil/a", ReviewStatus::New),
            ("git://host/freedom", ReviewStatus::New),
            ("http://example.org/a", ReviewStatus::New),
        ];
        for (url, status) in cases {
            assert_eq!(policy().first_status(url), status, "{url}");
        }
    }

    #[test]
    fn targets_outside_of_the_allowed_places_are_refused() {
        let check = |url: &str| policy().check_target(&TargetUrl::parse(url).expect(url));
        assert_eq!(check("file:///srv/git/a.git"), Ok(()));
        assert_eq!(check("https://git.example.com/mirrors/a"), Ok(()));
        assert_eq!(check("file:///srv/git"), Err(TargetRefused::OutsideOfRoot));
        assert_eq!(check("file:///srv/gitx/a"), Err(TargetRefused::OutsideOfRoot));
        assert_eq!(check("file:///etc/passwd"), Err(TargetRefused::OutsideOfRoot));
        assert_eq!(check("https://git.example.com/other/a"), Err(TargetRefused::NotAllowed));
    }

    #[test]
    fn the_default_target_bears_the_imports_name_and_is_allowed() {
        let id: ImportId = "a-b".parse().expect("valid");
        let target = policy().default_target(&id).expect("there is a root");
        assert_eq!(target.as_str(), "file:///srv/git/a-b.git");
        assert_eq!(policy().check_target(&target), Ok(()));
        assert_eq!(Policy::default().default_target(&id), Err(TargetRefused::NoDefault));
    }
}
