//! The environment a program sees: pinned, so that it behaves the same on every machine.

use std::ffi::OsString;

/// Where programs are looked for if the parent has no `PATH`. That of a Debian system user.
const FALLBACK_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything but `PATH`. One line each, with the surprise that it prevents.
const PINNED: &[(&str, &str)] = &[
    // A folder that nobody can create: nobody's dot files, and none left behind.
    ("HOME", "/nonexistent"),
    // Messages are parsed, and names are sorted.
    ("LC_ALL", "C.UTF-8"),
    ("LANGUAGE", ""),
    // Dates without an offset mean the same everywhere.
    ("TZ", "UTC"),
    // No configuration but the repository's own and what stands in argv.
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    // Nobody sits there to type a password.
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "/bin/false"),
    ("SSH_ASKPASS", "/bin/false"),
    // No pager, no editor: both wait for a person.
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "false"),
    // A mirror is never a partial clone that fetches behind our back.
    ("GIT_NO_LAZY_FETCH", "1"),
];

/// The pinned variables, then the caller's own, which win.
pub(crate) fn pinned(own: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    std::iter::once((OsString::from("PATH"), search_path()))
        .chain(PINNED.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
        .chain(own.iter().cloned())
        .collect()
}

/// The parent's `PATH`: which programs are installed is the machine's business.
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| FALLBACK_PATH.into())
}
