//! Places where a test can hold the real program still.
//!
//! A test makes a FIFO named like the failpoint in a folder and starts the program with that folder in
//! `CODEIMPORT_FAILPOINT_DIR`. When the program gets there it opens the FIFO for reading. The test's own
//! opening for writing completes at that moment ("reached"); closing it lets the program go on.
//!
//! Only in builds with debug assertions; in all others there is nothing to find.

#[cfg(debug_assertions)]
mod imp {
    use std::{env, fs::FileType, io::Read as _, os::unix::fs::FileTypeExt as _, path::PathBuf};

    fn fifo(name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(env::var_os("CODEIMPORT_FAILPOINT_DIR")?).join(name);
        let kind: FileType = path.metadata().ok()?.file_type();
        kind.is_fifo().then_some(path)
    }

    pub(super) async fn pause(name: &'static str) {
        let Some(path) = fifo(name) else { return };
        tracing::warn!(failpoint.name = name, "held at a failpoint");
        // Blocking, because opening a FIFO waits for its other end.
        let held = tokio::task::spawn_blocking(move || {
            let mut ignored = Vec::new();
            std::fs::File::open(path).and_then(|mut fifo| fifo.read_to_end(&mut ignored))
        });
        if let Ok(Err(error)) = held.await {
            tracing::warn!(failpoint.name = name, error = %error, "failpoint cannot be read: going on");
        }
    }
}

/// Waits here if a test says so; see the module's documentation. Does nothing in release builds.
#[cfg(debug_assertions)]
pub async fn failpoint(name: &'static str) {
    imp::pause(name).await;
}

/// Does nothing: release builds have no failpoints.
#[cfg(not(debug_assertions))]
pub async fn failpoint(_name: &'static str) {}
