//! What is behind an address: as typed, as the address says, or asked of the server.

use codeimport_convert::{SourceOptions, Watch, open_source};
use codeimport_core::{RcsType, SourceUrl, Stage};
use std::time::Duration;

/// Longest time for each question. Whoever is slower has to be told.
const PATIENCE: Duration = Duration::from_secs(5);

/// The revision control system of an address. Where the server is asked, what was found is noted. Blocks.
pub(crate) fn rcs(typed: Option<RcsType>, url: &str, watch: &Watch) -> RcsType {
    if let Some(known) = typed.or_else(|| rcs_of(url)) {
        return known;
    }
    let found =
        [RcsType::Git, RcsType::Subversion, RcsType::Mercurial].into_iter().find(|rcs| answers(url, *rcs, watch));
    let text = match found {
        Some(rcs) => format!("{url} answers as {rcs}."),
        None => {
            format!("{url} answers neither as git nor as svn or hg, and is taken for git: say otherwise with --rcs.")
        }
    };
    watch.note(Stage::Probe, text);
    found.unwrap_or(RcsType::Git)
}

/// What an address says of the system behind it; none if it could be several.
pub(crate) fn rcs_of(url: &str) -> Option<RcsType> {
    match url.split(':').next() {
        Some("svn" | "svn+ssh" | "file") => Some(RcsType::Subversion),
        // A CVSROOT begins with a colon.
        Some("" | "pserver" | "rsync") => Some(RcsType::Cvs),
        Some("http" | "https") if !url.ends_with(".git") => None,
        _ => Some(RcsType::Git),
    }
}

fn answers(url: &str, rcs: RcsType, watch: &Watch) -> bool {
    let options = SourceOptions { connect_timeout: PATIENCE, idle_timeout: PATIENCE, ..SourceOptions::default() };
    let source = SourceUrl::parse(rcs, url).ok().and_then(|url| open_source(&url, options).ok());
    source.is_some_and(|source| source.probe(watch).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_what_is_behind_it_unless_it_could_be_several() {
        for url in ["svn://h/r", "svn+ssh://h/r", "file:///r"] {
            assert_eq!(rcs_of(url), Some(RcsType::Subversion), "{url}");
        }
        for url in ["git://h/r", "https://h/r.git", "no address"] {
            assert_eq!(rcs_of(url), Some(RcsType::Git), "{url}");
        }
        for url in ["pserver://h/r//m", "rsync://h/r/m", ":pserver:anonymous@h:/r"] {
            assert_eq!(rcs_of(url), Some(RcsType::Cvs), "{url}");
        }
        assert_eq!(rcs_of("https://h/r"), None);
    }

    #[test]
    fn what_is_typed_is_asked_of_nobody() {
        let typed = rcs(Some(RcsType::Mercurial), "https://host.invalid/r", &Watch::none());
        assert_eq!(typed, RcsType::Mercurial);
    }
}
