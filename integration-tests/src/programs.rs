//! Where the built programs are, and whether they are those of the present sources.

use std::path::{Path, PathBuf};

/// The path of one of the workspace's own programs.
///
/// # Panics
///
/// If it was not built, or its sources have changed since: run `make build` first.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    // A test program lies in target/<profile>/deps, the others one level up.
    let dir = this.ancestors().skip(1).find(|dir| !dir.ends_with("deps"));
    let path = dir.expect("a program lies in a folder").join(name);
    assert!(path.exists(), "{} is not built: run `make build`", path.display());
    if let Some(source) = newer_source(&path) {
        panic!("{} is older than {}: run `make build`", path.display(), source.display());
    }
    path
}

/// A source that has changed since a program was built from it, by the list that cargo writes beside the program.
fn newer_source(program: &Path) -> Option<PathBuf> {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let built = changed(program)?;
    let list = std::fs::read_to_string(program.with_extension("d")).ok()?;
    let (_, sources) = list.split_once(": ")?;
    // A space within a name is written with a backslash.
    let sources = sources.replace("\\ ", "\0");
    let sources = sources.split_whitespace().map(|source| PathBuf::from(source.replace('\0', " ")));
    sources.into_iter().find(|source| changed(source).is_none_or(|time| time > built))
}

/// The folder with the workspace's `Cargo.toml`.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}
