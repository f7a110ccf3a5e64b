//! What is allowed here: which sources may be read, which need no approval, and which targets may be written. Pure.
//!
//! Whether an address is well-formed at all is the business of `codeimport-core`; nothing that it refuses gets here.

mod source;
mod source_key;

pub use source::SourceRefused;
pub use source_key::source_key;

use crate::import::Source;
use codeimport_core::{ImportId, Network, RcsType, ReviewStatus, SourceUrl, TargetUrl};
use std::{collections::BTreeSet, path::PathBuf};

/// The operator's rules.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Sources whose address begins with one of these are approved at once.
    pub auto_approve_prefixes: Vec<String>,
    /// And so are those of these hosts and their subdomains.
    pub auto_approve_hosts: Vec<String>,
    /// And so are those of these types. If all three lists are empty, every source is.
    pub auto_approve_rcs_types: BTreeSet<RcsType>,
    /// Only these schemes are read, of those that a type has; all of them if there are none.
    pub source_schemes: BTreeSet<String>,
    /// Only sources whose address begins with one of these are read; all if there are none.
    pub allowed_source_prefixes: Vec<String>,
    /// Sources whose address begins with one of these are not read.
    pub denied_source_prefixes: Vec<String>,
    /// Nor are those of these hosts and their subdomains.
    pub denied_hosts: Vec<String>,
    /// Hosts that serve what is imported here: no sources.
    pub own_hosts: Vec<String>,
    /// Networks that sources may lie in besides the public one.
    pub allowed_networks: Vec<Network>,
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
    /// REVIEWED or NEW: the status of a new import from this source, and of one whose source or target has changed.
    #[must_use]
    pub fn first_status(&self, source: &Source) -> ReviewStatus {
        let no_lists = self.auto_approve_prefixes.is_empty()
            && self.auto_approve_hosts.is_empty()
            && self.auto_approve_rcs_types.is_empty();
        let listed = self.auto_approve_prefixes.iter().any(|prefix| begins_with(&source.url, prefix))
            || self.auto_approve_hosts.iter().any(|host| source::is_within(&source.host, host))
            || self.auto_approve_rcs_types.contains(&source.rcs_type);
        if no_lists || listed { ReviewStatus::Reviewed } else { ReviewStatus::New }
    }

    /// Whether a source that is stored may still be read: the rules may have changed since it came in.
    #[must_use]
    pub fn allows_source(&self, source: &Source) -> bool {
        SourceUrl::parse(source.rcs_type, &source.url).is_ok_and(|url| self.check_source(&url).is_ok())
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
pub(crate) fn begins_with(url: &str, prefix: &str) -> bool {
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
            ..Policy::default()
        }
    }

    fn source(url: &str) -> Source {
        Source::from(&SourceUrl::parse(RcsType::Git, url).expect("valid"))
    }

    #[test]
    fn without_lists_every_source_is_approved() {
        assert_eq!(Policy::default().first_status(&source("git://anywhere/x")), ReviewStatus::Reviewed);
    }

    #[test]
    fn hosts_and_types_approve_as_prefixes_do() {
        let policy = Policy { auto_approve_hosts: vec!["example.org".to_owned()], ..Policy::default() };
        assert_eq!(policy.first_status(&source("git://svn.example.org/x")), ReviewStatus::Reviewed);
        assert_eq!(policy.first_status(&source("git://myexample.org/x")), ReviewStatus::New);
        let policy = Policy { auto_approve_rcs_types: [RcsType::Subversion].into(), ..Policy::default() };
        assert_eq!(policy.first_status(&source("git://example.org/x")), ReviewStatus::New);
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
            assert_eq!(policy().first_status(&source(url)), status, "{url}");
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
