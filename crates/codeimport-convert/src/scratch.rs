//! Folders and files for what is needed only while something is done.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that nothing else here has.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder that is gone when this is.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new one, which only this user can write to.
    pub(crate) fn new(purpose: &str) -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("codeimport-{purpose}-{}-{number}", std::process::id()));
        // Left by a process of the same number that was killed.
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that nobody else can open, and that is gone with the process, however that ends. Its name, which it has for a moment, is
/// one that is swept from a cache if the process dies in this moment.
pub(crate) fn nameless(folder: &Path) -> io::Result<File> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("tmp_scratch_{}_{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for such things.
        let _ = fs::remove_dir_all(&self.path);
    }
}
