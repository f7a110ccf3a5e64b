//! Watches how much memory the programs started from here take.

use crate::peak::peak_of;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks. The peak that the kernel keeps only grows, so a look that comes late still sees it.
const INTERVAL: Duration = Duration::from_millis(20);

/// A thread that looks.
pub(crate) struct MemoryWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<String, u64>>,
}

impl MemoryWatch {
    /// Begins to look at all processes below this one, but for those below `servers`.
    pub(crate) fn start(servers: Vec<u32>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut peaks = BTreeMap::new();
            while !flag.load(Ordering::Relaxed) {
                look(std::process::id(), &servers, &mut peaks);
                std::thread::sleep(INTERVAL);
            }
            peaks
        });
        Self { stop, thread }
    }

    /// Name of each program seen and the largest peak of any process of it, in bytes.
    pub(crate) fn stop(self) -> BTreeMap<String, u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn look(pid: u32, servers: &[u32], peaks: &mut BTreeMap<String, u64>) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
            if !servers.contains(&child) {
                if let Some((name, peak)) = peak_of(&child.to_string()) {
                    let known = peaks.entry(name).or_default();
                    *known = peak.max(*known);
                }
                look(child, servers, peaks);
            }
        }
    }
}
