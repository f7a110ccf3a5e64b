//! Holds a real worker still at a known place, without a clock.
//!
//! The worker's side is `codeimport_kit::failpoint`: when it gets to a failpoint for which there is a FIFO, it reads
//! the FIFO to its end. So opening it for writing succeeds exactly when the worker has arrived, and closing it lets
//! the worker go on.

use crate::eventually;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A failpoint that holds whoever comes by.
pub struct Failpoint(PathBuf);

/// A process that is held at a failpoint; it goes on when this is dropped.
pub struct Held(#[expect(dead_code, reason = "held for its drop")] OwnedFd);

impl Failpoint {
    /// Arms a failpoint for all processes that were started with this folder.
    ///
    /// # Panics
    ///
    /// If the FIFO cannot be made.
    #[must_use]
    pub fn arm(dir: &Path, name: &str) -> Self {
        let path = dir.join(name);
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, &path, FileType::Fifo, mode, 0).expect("a FIFO can be made in the test's own folder");
        Self(path)
    }

    /// Waits until a process is held, and disarms the failpoint, so that the next one passes.
    ///
    /// # Panics
    ///
    /// If none comes by within a minute.
    pub async fn reached(self) -> Held {
        let path = &self.0;
        let writer = eventually(&format!("a process at {}", path.display()), async || {
            // Without a reader this fails (fifo(7)): nobody has arrived yet. Not inherited by programs started
            // meanwhile: they would go on holding whoever is held.
            match open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
                Ok(writer) => Some(writer),
                Err(Errno::NXIO) => None,
                Err(error) => panic!("cannot open {}: {error}", path.display()),
            }
        })
        .await;
        Held(writer)
    }
}

impl Drop for Failpoint {
    fn drop(&mut self) {
        // Whoever is reading keeps its open end; nobody else will find it.
        let _ = std::fs::remove_file(&self.0);
    }
}
