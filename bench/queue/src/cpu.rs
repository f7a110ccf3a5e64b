//! Processor time of a process and its children, from `/proc` (proc(5)).

use anyhow::Context as _;
use std::{
    fs,
    time::{Duration, Instant},
};

/// Ticks a second of `/proc/PID/stat`: fixed on Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Watches how much of one core a process and its children use.
pub(crate) struct CpuWatch {
    pid: u32,
    began: Instant,
    used_before: Duration,
}

impl CpuWatch {
    pub(crate) fn start(pid: u32) -> anyhow::Result<Self> {
        Ok(Self { pid, began: Instant::now(), used_before: used(pid)? })
    }

    /// Percent of one core since the start.
    pub(crate) fn percent(&self) -> anyhow::Result<f64> {
        let used = used(self.pid)?.saturating_sub(self.used_before);
        Ok(used.as_secs_f64() / self.began.elapsed().as_secs_f64() * 100.0)
    }
}

/// By the process, its living children, and those that it has waited for.
fn used(pid: u32) -> anyhow::Result<Duration> {
    let own = Stat::read(pid).with_context(|| format!("process {pid}"))?;
    let mut ticks = own.ticks + own.ticks_of_the_dead;
    for entry in fs::read_dir("/proc")? {
        let child = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        // One that has ended meanwhile is among the dead.
        let child = child.and_then(Stat::read).filter(|child| child.parent == pid);
        ticks += child.map_or(0.0, |child| child.ticks);
    }
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

struct Stat {
    parent: u32,
    ticks: f64,
    ticks_of_the_dead: f64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(14)? + number(15)?,
            ticks_of_the_dead: number(16)? + number(17)?,
        })
    }
}
