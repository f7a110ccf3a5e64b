//! Where the built programs are.

use std::path::{Path, PathBuf};

/// The path of one of the workspace's own programs.
///
/// # Panics
///
/// If it was not built: run `make build` first.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    // A test program lies in target/<profile>/deps, the others one level up.
    let dir = this.ancestors().skip(1).find(|dir| !dir.ends_with("deps"));
    let path = dir.expect("a program lies in a folder").join(name);
    assert!(path.exists(), "{} is not built: run `make build`", path.display());
    path
}

/// The folder with the workspace's `Cargo.toml`.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}
