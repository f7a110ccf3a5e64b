//! What an address itself says of the system behind it. Pure.

use codeimport_core::RcsType;

/// The system; none for addresses of HTTP, behind which each of them may be. What is no address is taken for Git's, and refused
/// by whoever reads it.
#[must_use]
pub fn rcs_of(url: &str) -> Option<RcsType> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    match scheme {
        "svn" | "svn+ssh" => Some(RcsType::Subversion),
        // Two slashes end the path of a repository of CVS.
        "file" if rest.trim_start_matches('/').contains("//") => Some(RcsType::Cvs),
        "file" => Some(RcsType::Subversion),
        "pserver" | "cvs+ssh" | "rsync" => Some(RcsType::Cvs),
        // A CVSROOT begins with a colon.
        "" if url.starts_with(':') => Some(RcsType::Cvs),
        // Of those that are read by it, only Mercurial's address begins so.
        "ssh" => Some(RcsType::Mercurial),
        "bzr" => Some(RcsType::Bazaar),
        // Only Git's end so.
        "http" | "https" if !rest.ends_with(".git") => None,
        _ => Some(RcsType::Git),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_what_is_behind_it_unless_it_could_be_several() {
        let cases = [
            ("git://h/r", Some(RcsType::Git)),
            ("https://h/r.git", Some(RcsType::Git)),
            ("svn://h/r", Some(RcsType::Subversion)),
            ("svn+ssh://h/r", Some(RcsType::Subversion)),
            ("file:///r", Some(RcsType::Subversion)),
            ("file:///r//m", Some(RcsType::Cvs)),
            ("pserver://h/r//m", Some(RcsType::Cvs)),
            ("cvs+ssh://h/r//m", Some(RcsType::Cvs)),
            ("rsync://h/r/m", Some(RcsType::Cvs)),
            (":pserver:anonymous@h:/r", Some(RcsType::Cvs)),
            ("ssh://h/r", Some(RcsType::Mercurial)),
            ("bzr://h/r", Some(RcsType::Bazaar)),
            ("https://h/r", None),
            ("http://h/r.git/x", None),
            ("no address", Some(RcsType::Git)),
        ];
        for (url, rcs) in cases {
            assert_eq!(rcs_of(url), rcs, "{url}");
        }
    }
}
