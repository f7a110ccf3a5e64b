//! The programs of this machine that read sources, for whoever wants to know what it can do.

use codeimport_core::RcsType;
use codeimport_subprocess::Command;
use std::time::Duration;

/// How long a program may take to tell its version.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest version, in characters.
const MAX_LEN: usize = 90;

/// The programs that read sources of a type and are there, with their versions: `git version 2.47.0`. Empty if none is
/// needed or there. Blocking.
#[must_use]
pub fn tool_versions(rcs_type: RcsType) -> String {
    let programs: &[&str] = match rcs_type {
        RcsType::Git => &["git"],
        RcsType::Subversion => &["svn", "svnrdump"],
        RcsType::Cvs => &["rsync"],
        RcsType::Mercurial => &["hg"],
        RcsType::Bazaar => &["brz"],
    };
    let found: Vec<String> = programs.iter().filter_map(|program| version(program)).collect();
    found.join(", ")
}

/// The first line that a program prints of its version; none if it is not there.
pub(super) fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").timeout(TIMEOUT).run().ok()?;
    let line: String = output.stdout_text().lines().next()?.trim().chars().take(MAX_LEN).collect();
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_tell_their_versions_and_those_that_are_not_there_nothing() {
        assert!(tool_versions(RcsType::Git).starts_with("git version "));
        assert_eq!(version("no-such-program"), None);
    }
}
