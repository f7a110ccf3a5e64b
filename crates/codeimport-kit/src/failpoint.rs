//! Places where a test can hold the real program still. Only in builds with debug assertions.

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

/// Waits here if a test says so. Does nothing in release builds.
///
/// A test makes a FIFO named like the failpoint in a folder, and starts the program with that folder in the variable
/// `CODEIMPORT_FAILPOINT_DIR`. When the program gets here it opens the FIFO for reading: the test's own opening for
/// writing succeeds at that moment ("reached"), and closing it lets the program go on.
#[cfg(debug_assertions)]
pub async fn failpoint(name: &'static str) {
    imp::pause(name).await;
}

/// Does nothing: release builds have no failpoints.
#[cfg(not(debug_assertions))]
pub async fn failpoint(_name: &'static str) {}
