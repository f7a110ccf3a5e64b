//! The folder of the server's socket: short enough, and closed to others.

use super::{EmbeddedError, cluster::create_private_dir};
use codeimport_subprocess::User;
use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Longest folder for a socket: the kernel's limit is 107 bytes (unix(7)), and `/.s.PGSQL.5432.lock` comes behind.
const MAX_LEN: usize = 80;

/// The socket's folder, made if it is missing.
pub(super) fn prepare(data_dir: &Path, user: Option<&User>) -> Result<PathBuf, EmbeddedError> {
    let data_dir = data_dir.canonicalize().map_err(EmbeddedError::folder(data_dir))?;
    let beside = data_dir.join("socket");
    // A server of another user cannot be relied on to get through to the data folder.
    let dir = if user.is_none() && beside.as_os_str().len() <= MAX_LEN { beside } else { short(&data_dir) };
    match fs::symlink_metadata(&dir) {
        Ok(found) => check_ours(&dir, &found, user)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_private_dir(&dir, user)?,
        Err(error) => return Err(EmbeddedError::folder(&dir)(error)),
    }
    Ok(dir)
}

/// A short name below `/tmp`, or the user's own run-time folder, that is the same for the same data folder.
fn short(data_dir: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    let base = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir() && dir.as_os_str().len() < 40 && !codeimport_subprocess::current_user_is_root())
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    base.join(format!("codeimport-{:016x}", hasher.finish()))
}

/// Below `/tmp` anybody could have been there first.
fn check_ours(dir: &Path, found: &fs::Metadata, user: Option<&User>) -> Result<(), EmbeddedError> {
    let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    if found.is_dir() && found.uid() == owner && found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let reason = format!("it is there already, but not as a folder of user {owner} closed to others: remove it");
    Err(EmbeddedError::folder(dir)(io::Error::new(io::ErrorKind::AlreadyExists, reason)))
}
