//! The folder that the server's data lies in: whose it is, where it is, and that it is complete.

use super::{EmbeddedError, Purpose, binaries};
use codeimport_subprocess::{Command, User, current_user_is_root};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, Permissions},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where a cluster is kept if the server's user cannot enter the data folder (root's home, mostly).
const SYSTEM_DIR: &str = "/var/lib/codeimport";

/// A cluster ready to be started.
pub(super) struct Cluster {
    pub(super) dir: PathBuf,
    pub(super) binaries: PathBuf,
    /// Whom to become; none if this process need not change.
    pub(super) user: Option<User>,
}

/// The user that the server runs as, if this process is root, as whom it refuses to run.
pub(super) fn server_user() -> Result<Option<User>, EmbeddedError> {
    if !current_user_is_root() {
        return Ok(None);
    }
    let user = ["postgres", "nobody"].into_iter().find_map(User::find);
    let none = || EmbeddedError::NotInstalled("neither user `postgres` nor `nobody` exists on this machine".to_owned());
    user.map(Some).ok_or_else(none)
}

/// How long a folder that is in use is tried again. A program that another thread is just starting holds a copy of all
/// open files until it has become itself, and with them a lock that was given up a moment ago.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Takes the data folder for this process, as long as the file is open.
pub(super) fn lock(data_dir: &Path) -> Result<File, EmbeddedError> {
    fs::create_dir_all(data_dir).map_err(EmbeddedError::folder(data_dir))?;
    let path = data_dir.join("lock");
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(EmbeddedError::folder(&path))?;
    let began = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            // flock(2) knows no time-out, and this thread is made for blocking.
            Err(rustix::io::Errno::WOULDBLOCK) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(EmbeddedError::InUse(data_dir.to_owned())),
            Err(error) => return Err(EmbeddedError::folder(&path)(error.into())),
        }
    }
}

impl Cluster {
    pub(super) fn prepare(purpose: Purpose, data_dir: &Path, user: Option<User>) -> Result<Self, EmbeddedError> {
        let dir = locate(data_dir, user.as_ref())?;
        if purpose == Purpose::Throwaway {
            super::leftover::end(&dir)?;
            remove_dir_if_any(&dir)?;
        }
        let version = fs::read_to_string(dir.join("PG_VERSION")).ok();
        let binaries = binaries::find(version.as_deref().map(str::trim))?;
        if version.is_none() {
            init(purpose, &binaries, &dir, user.as_ref())?;
        }
        Ok(Self { dir, binaries, user })
    }
}

/// The cluster's real folder. Its parent exists and can be entered by the server's user.
fn locate(data_dir: &Path, user: Option<&User>) -> Result<PathBuf, EmbeddedError> {
    // The server changes its working directory and wants an absolute path.
    let data_dir = data_dir.canonicalize().map_err(EmbeddedError::folder(data_dir))?;
    let dir = data_dir.join("cluster");
    match user {
        Some(user) if !can_enter(user, &data_dir)? => locate_elsewhere(&dir, user),
        _ => Ok(dir),
    }
}

/// Asked of the system and not computed: access lists and mount options count too.
fn can_enter(user: &User, dir: &Path) -> Result<bool, EmbeddedError> {
    Ok(Command::new("test").arg("-x").arg(dir).run_as(user.clone()).run()?.success())
}

/// Puts the cluster below [`SYSTEM_DIR`], and a link to it where it was wanted.
fn locate_elsewhere(link: &Path, user: &User) -> Result<PathBuf, EmbeddedError> {
    let mut hasher = DefaultHasher::new();
    link.hash(&mut hasher);
    let dir = Path::new(SYSTEM_DIR).join(format!("cluster-{:016x}", hasher.finish()));
    fs::create_dir_all(SYSTEM_DIR).map_err(EmbeddedError::folder(Path::new(SYSTEM_DIR)))?;
    if fs::symlink_metadata(link).is_err() {
        // A folder of that name without a link belongs to a data folder that was deleted since.
        super::leftover::end(&dir)?;
        remove_dir_if_any(&dir)?;
        symlink(&dir, link).map_err(EmbeddedError::folder(link))?;
        tracing::info!(db.path = %dir.display(), user = user.name, "data folder is closed to the server's user: its data is kept elsewhere");
    }
    Ok(dir)
}

/// Makes a new cluster beside its place, then renames it: a half-made one is never taken for a whole one.
fn init(purpose: Purpose, binaries: &Path, dir: &Path, user: Option<&User>) -> Result<(), EmbeddedError> {
    let new = dir.with_extension("new");
    remove_dir_if_any(&new)?;
    create_private_dir(&new, user)?;
    let mut command = Command::new(binaries.join("initdb"))
        .arg("-D")
        .arg(&new)
        // The socket's folder is the only door, and it is closed to others: no passwords behind it.
        .args(["--username=postgres", "--auth-local=trust", "--auth-host=reject"])
        // Sorted by bytes and the same on every machine.
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"])
        .cwd("/");
    if purpose == Purpose::Throwaway {
        command = command.arg("--no-sync");
    }
    if let Some(user) = user {
        command = command.run_as(user.clone());
    }
    let output = command.run()?;
    if !output.success() {
        let message = format!("{}: {}", output.status_text(), output.stderr);
        return Err(EmbeddedError::Failed { program: "initdb", message });
    }
    fs::rename(&new, dir).map_err(EmbeddedError::folder(dir))
}

/// A folder for the server's user alone.
pub(super) fn create_private_dir(dir: &Path, user: Option<&User>) -> Result<(), EmbeddedError> {
    let create = || -> io::Result<()> {
        fs::create_dir(dir)?;
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        user.map_or(Ok(()), |user| std::os::unix::fs::chown(dir, Some(user.uid), Some(user.gid)))
    };
    create().map_err(EmbeddedError::folder(dir))
}

fn remove_dir_if_any(dir: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::folder(dir)(error)),
        _ => Ok(()),
    }
}
