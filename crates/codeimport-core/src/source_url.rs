//! The address of a source: what may be asked for at all.
//!
//! This is the syntax check, the same for everyone. Whether a well-formed address is also *allowed* here is
//! the registry's policy. Local paths and program-running transports (`file`, `ext::`) never pass, because
//! the worker that follows the address is inside somebody's network.

use crate::RcsType;
use std::fmt;
use url::Url;

/// A well-formed address of a foreign repository, without password, and without user name but where SSH needs one.
///
/// Shown and stored exactly as normalised by the URL standard (lower-case scheme and host, no default port).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SourceUrl {
    rcs_type: RcsType,
    url: Url,
}

/// Why an address cannot be a source. The text is meant for the person who typed it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceUrlError {
    /// Nothing was given.
    #[error("is empty: give the address of the {0} repository to import")]
    Empty(RcsType),
    /// Not a URL.
    #[error("is not a URL ({0}): write it as scheme://host/path")]
    Malformed(String),
    /// A scheme that this type of source does not have, or that is never followed.
    #[error("has the scheme {scheme:?}, which is not imported from: use {allowed}")]
    Scheme {
        /// The scheme given.
        scheme: String,
        /// The schemes allowed for this type, for people.
        allowed: String,
    },
    /// No host.
    #[error("names no host")]
    NoHost,
    /// A part that a program on the way could take for an option.
    #[error("has a part that begins with a dash ({0:?}), which programs would take for an option")]
    LooksLikeOption(String),
    /// A user name or password in the address.
    #[error("contains a user name or password: addresses are shown and logged, so give it without")]
    Userinfo,
    /// A control character or white space.
    #[error("contains white space or a control character")]
    ControlCharacter,
    /// A fragment or query, which no repository address has.
    #[error("contains {0:?}, which is not part of a repository's address")]
    Extra(char),
}

impl SourceUrl {
    /// Schemes that a type of source can be reached by.
    #[must_use]
    pub fn allowed_schemes(rcs_type: RcsType) -> &'static [&'static str] {
        match rcs_type {
            RcsType::Git => &["https", "http", "git"],
            RcsType::Subversion => &["https", "http", "svn", "svn+ssh"],
            RcsType::Cvs => &["pserver", "cvs+ssh", "rsync"],
            RcsType::Mercurial => &["https", "http", "ssh"],
            RcsType::Bazaar => &["https", "http", "bzr"],
        }
    }

    /// Reads an address that a person typed on the machine that will follow it: as [`parse`](Self::parse), and besides
    /// `file:///path` of a repository of any type but Git, which such a person can read anyway.
    ///
    /// Never for an address that came from elsewhere.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse_on_own_machine(rcs_type: RcsType, text: &str) -> Result<Self, SourceUrlError> {
        let has_folders = rcs_type != RcsType::Git;
        if !has_folders || !text.starts_with("file:///") {
            return Self::parse(rcs_type, text);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(SourceUrlError::ControlCharacter);
        }
        let url = Url::parse(text).map_err(|e| SourceUrlError::Malformed(e.to_string()))?;
        Ok(Self { rcs_type, url })
    }

    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(rcs_type: RcsType, text: &str) -> Result<Self, SourceUrlError> {
        if text.is_empty() {
            return Err(SourceUrlError::Empty(rcs_type));
        }
        // Before parsing: the URL standard silently drops tabs and line ends, and trims spaces.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(SourceUrlError::ControlCharacter);
        }
        if text.starts_with('-') {
            return Err(SourceUrlError::LooksLikeOption(text.to_owned()));
        }
        let url = Url::parse(text).map_err(|e| SourceUrlError::Malformed(e.to_string()))?;
        let allowed = Self::allowed_schemes(rcs_type);
        if !allowed.contains(&url.scheme()) {
            let allowed = allowed.iter().map(|s| format!("{s}://")).collect::<Vec<_>>().join(", ");
            return Err(SourceUrlError::Scheme { scheme: url.scheme().to_owned(), allowed });
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(SourceUrlError::NoHost);
        }
        // A host or path that begins with a dash becomes an option of ssh or git (CVE-2017-1000117).
        let option = std::iter::once(host).chain(url.path().split('/')).find(|part| part.starts_with('-'));
        if let Some(option) = option {
            return Err(SourceUrlError::LooksLikeOption(option.to_owned()));
        }
        if !is_without_secrets(&url) {
            return Err(SourceUrlError::Userinfo);
        }
        if url.query().is_some() {
            return Err(SourceUrlError::Extra('?'));
        }
        if url.fragment().is_some() {
            return Err(SourceUrlError::Extra('#'));
        }
        Ok(Self { rcs_type, url })
    }

    /// The type of source it is an address of.
    #[must_use]
    pub fn rcs_type(&self) -> RcsType {
        self.rcs_type
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The host that serves it, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The last part of its path, for naming things after it; may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }
}

/// Only SSH cannot do without a user name, which is no secret there: the key is.
fn is_without_secrets(url: &Url) -> bool {
    let user = url.username();
    let is_plain = !user.starts_with('-') && user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    url.password().is_none() && (user.is_empty() || (url.scheme().ends_with("ssh") && is_plain))
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> SourceUrlError {
        SourceUrl::parse(RcsType::Git, text).expect_err(text)
    }

    #[test]
    fn letters_that_look_alike_do_not_hide_another_host() {
        // A Cyrillic i; a fullwidth letter; a soft hyphen, which vanishes.
        let url = |text| SourceUrl::parse(RcsType::Git, text).expect("an address");
        assert_eq!(url("https://g\u{456}thub.com/x").host(), "xn--gthub-n2e.com");
        assert_eq!(url("https://\u{ff47}ithub.com/x").host(), "github.com");
        assert_eq!(url("https://git\u{ad}hub.com/x").host(), "github.com");
        assert!(url("git://g\u{456}thub.com/x").host().is_ascii());
    }

    #[test]
    fn transports_that_read_files_or_run_programs_are_refused() {
        for text in ["file:///etc", "ext::sh -c id", "ext::sh", "fd::17", "ssh://h/p", "git+ssh://h/p", "svn://h/p"] {
            let error = error_of(text);
            assert!(
                matches!(error, SourceUrlError::Scheme { .. } | SourceUrlError::ControlCharacter),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_repository_on_disk_can_only_be_named_by_whoever_sits_there() {
        let own = |rcs_type, text| SourceUrl::parse_on_own_machine(rcs_type, text).map(|url| url.to_string());
        assert_eq!(own(RcsType::Subversion, "file:///srv/svn/a%20b").as_deref(), Ok("file:///srv/svn/a%20b"));
        assert!(SourceUrl::parse(RcsType::Subversion, "file:///srv/svn").is_err());
        assert!(own(RcsType::Git, "file:///srv/git").is_err() && own(RcsType::Subversion, "file://host/x").is_err());
        assert_eq!(own(RcsType::Git, "https://host/x").as_deref(), Ok("https://host/x"));
    }

    #[test]
    fn parts_that_look_like_options_are_refused() {
        for text in ["--upload-pack=touch", "git://-oProxyCommand=id/x", "https://host/--upload-pack=x", "git://h/a/-x"]
        {
            assert!(
                matches!(error_of(text), SourceUrlError::LooksLikeOption(_) | SourceUrlError::Malformed(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn only_ssh_takes_a_user_name_and_nothing_takes_a_password() {
        let svn = |text| SourceUrl::parse(RcsType::Subversion, text).map(|url| url.to_string());
        assert_eq!(svn("svn+ssh://ada@host:2222/r").as_deref(), Ok("svn+ssh://ada@host:2222/r"));
        for odd in ["svn+ssh://ada:pw@host/r", "svn+ssh://-oX@host/r", "svn+ssh://a%20b@host/r", "svn://ada@host/r"] {
            assert_eq!(svn(odd), Err(SourceUrlError::Userinfo), "{odd}");
        }
        assert!(matches!(
            svn("svn+ssh://-oX/r"),
            Err(SourceUrlError::LooksLikeOption(_) | SourceUrlError::Malformed(_))
        ));
    }

    #[test]
    fn each_flaw_has_its_own_words() {
        assert_eq!(error_of(""), SourceUrlError::Empty(RcsType::Git));
        assert!(matches!(error_of("ripgrep"), SourceUrlError::Malformed(_)));
        assert!(matches!(error_of("/srv/git/x"), SourceUrlError::Malformed(_)));
        assert_eq!(error_of("https://me:pw@host/x"), SourceUrlError::Userinfo);
        assert_eq!(error_of("https://host/x?a=b"), SourceUrlError::Extra('?'));
        assert_eq!(error_of("https://host/x#a"), SourceUrlError::Extra('#'));
        assert_eq!(error_of("https://host/x\n"), SourceUrlError::ControlCharacter);
        assert_eq!(error_of("git:///x"), SourceUrlError::NoHost);
    }

    #[test]
    fn a_good_address_is_normalised_and_named() {
        let url = SourceUrl::parse(RcsType::Git, "HTTPS://Example.ORG:443/a/Ripgrep.git").expect("valid");
        assert_eq!(url.as_str(), "https://example.org/a/Ripgrep.git");
        assert_eq!(url.host(), "example.org");
        assert_eq!(url.name(), "Ripgrep.git");
    }
}
