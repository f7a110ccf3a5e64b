//! Finds PostgreSQL's programs on this machine.

use super::EmbeddedError;
use codeimport_subprocess::Command;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Names the folder that holds `postgres` and `initdb`, if they are in none of the usual places.
const ENV_BIN: &str = "CODEIMPORT_PG_BIN";

/// Where Debian and Ubuntu keep one folder per major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with `postgres` and `initdb`: named by the environment, in `PATH`, or Debian's, newest first. Where a
/// cluster exists already, only its own major version will do.
pub(super) fn find(cluster_version: Option<&str>) -> Result<PathBuf, EmbeddedError> {
    let complete: Vec<PathBuf> = candidates().into_iter().filter(|dir| is_complete(dir)).collect();
    let Some(wanted) = cluster_version else {
        return complete.into_iter().next().ok_or_else(|| {
            EmbeddedError::NotInstalled(format!(
                "no PostgreSQL server was found (looked at {ENV_BIN}, PATH and {DEBIAN}/*/bin): \
                 install one (`apt-get install postgresql`), or set DATABASE_URL to a server that runs elsewhere"
            ))
        });
    };
    complete.into_iter().find(|dir| major_version(dir).as_deref() == Some(wanted)).ok_or_else(|| {
        EmbeddedError::NotInstalled(format!(
            "the data was written by PostgreSQL {wanted}, which was not found: \
             install it (`apt-get install postgresql-{wanted}`), or name its folder in {ENV_BIN}"
        ))
    })
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os(ENV_BIN) {
        // Whoever names a folder wants that one, and a clear word if it is wrong.
        return vec![named.into()];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(debian_folders()).collect()
}

fn debian_folders() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(DEBIAN) else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

fn is_complete(dir: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| dir.join(program).is_file())
}

/// `15` of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major_version(dir: &Path) -> Option<String> {
    let output = Command::new(dir.join("postgres")).arg("--version").run().ok()?;
    parse_major(&output.stdout_text())
}

fn parse_major(text: &str) -> Option<String> {
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(), Some("15"));
        assert_eq!(parse_major("postgres (PostgreSQL) 19beta1").as_deref(), Some("19"));
        assert_eq!(parse_major("no number"), None);
    }
}
