//! Folders for what is needed only while something is done.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

/// A folder that is gone when this is.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new one, which only this user can write to.
    pub(crate) fn new(purpose: &str) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
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

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for such things.
        let _ = fs::remove_dir_all(&self.path);
    }
}
