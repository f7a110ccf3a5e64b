//! What the figures were measured on: without that they mean nothing.

use crate::{latency::Latencies, stage::Server};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Settings of PostgreSQL that decide about the figures.
const SETTINGS: [&str; 9] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum_naptime",
];

/// As far apart as requests in the row `pickup`: a disk that has been idle takes longer.
const NOW_AND_THEN: Duration = Duration::from_millis(15);

/// One machine and server.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    /// Of the last minute, before anything was measured: more than a little means that the figures are too low.
    load_before: f64,
    /// Time to make 8 KiB durable, in microseconds: again and again, and now and then, as in the row `pickup`.
    fdatasync: Fdatasync,
    fdatasync_now_and_then: Fdatasync,
    settings: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) async fn look(server: &Server) -> anyhow::Result<Self> {
        let mut settings = BTreeMap::new();
        let db = server.admin("postgres")?;
        for name in SETTINGS {
            let row = db.client().await?.query_one("SELECT current_setting($1)", &[&name]).await?;
            settings.insert(name, row.get(0));
        }
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: processor().unwrap_or_default(),
            load_before: load().unwrap_or_default(),
            fdatasync: Fdatasync::measure(server.dir(), Duration::ZERO)?,
            fdatasync_now_and_then: Fdatasync::measure(server.dir(), NOW_AND_THEN)?,
            settings,
        })
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// How long the disk takes, on the file system that the server writes to.
#[derive(Clone, Copy, Debug, Serialize)]
struct Fdatasync {
    p50_us: f64,
    p99_us: f64,
}

impl Fdatasync {
    fn measure(dir: &Path, pause: Duration) -> anyhow::Result<Self> {
        const TRIES: usize = 200;
        let mut file = File::create(dir.join("fdatasync"))?;
        let mut times = Latencies::default();
        for _ in 0..TRIES {
            thread::sleep(pause);
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[1; 8192])?;
            let began = Instant::now();
            file.sync_data()?;
            times.add(began.elapsed());
        }
        Ok(Self { p50_us: times.percentile_ms(50) * 1e3, p99_us: times.percentile_ms(99) * 1e3 })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, load_before, fdatasync, fdatasync_now_and_then, settings } = self;
        let Fdatasync { p50_us, p99_us } = fdatasync_now_and_then;
        write!(
            f,
            "{cores} cores ({processor}), load {load_before:.2} before, fdatasync {:.0} us, every 15 ms {p50_us:.0} us \
             (p99 {p99_us:.0}); PostgreSQL:",
            fdatasync.p50_us
        )?;
        settings.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
