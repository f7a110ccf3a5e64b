//! What the figures were measured on: without that they mean nothing.

use crate::stage::Server;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Instant,
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

/// One machine and server.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    /// Of the last minute, before anything was measured: more than a little means that the figures are too low.
    load_before: f64,
    /// Median time to make 8 KiB durable, in microseconds.
    fdatasync_us: f64,
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
            fdatasync_us: fdatasync_us(server.dir())?,
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

/// On the file system that the server writes to.
fn fdatasync_us(dir: &Path) -> anyhow::Result<f64> {
    const TRIES: usize = 200;
    let mut file = File::create(dir.join("fdatasync"))?;
    let mut times = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[1; 8192])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[TRIES / 2].as_secs_f64() * 1e6)
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, load_before, fdatasync_us, settings } = self;
        write!(
            f,
            "{cores} cores ({processor}), load {load_before:.2} before, fdatasync {fdatasync_us:.0} us; PostgreSQL:"
        )?;
        settings.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
