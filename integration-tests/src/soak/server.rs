//! PostgreSQL, as durable as in production, that is stopped as if its machine had failed.

use anyhow::Context as _;
use codeimport_pg::{Db, Embedded, PoolConfig};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::{fs, os::unix::fs::PermissionsExt as _};
use tempfile::TempDir;

use crate::eventually;

/// A server that can be restarted.
pub(crate) struct Server {
    // Before the folder: ended while that is still there.
    running: Option<Embedded>,
    admin: Db,
    url: String,
    dir: TempDir,
}

impl Server {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // A temporary folder is closed to others, and for root the server is somebody else.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))?;
        let running = Embedded::start(dir.path()).await.context("PostgreSQL can be started")?;
        let url = running.url();
        let admin = Db::connect(&url, PoolConfig::for_service("soak"))?;
        Ok(Self { running: Some(running), admin, url, dir })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// PostgreSQL's "immediate shutdown" (no checkpoint, no good-bye), and a start that recovers.
    pub(crate) async fn restart_immediately(&mut self) -> anyhow::Result<()> {
        let server = self.running.take().context("the server runs")?;
        let pid = server.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let pid = pid.context("the server has a process")?;
        kill_process(pid, Signal::QUIT)?;
        eventually("PostgreSQL is gone", async || test_kill_process(pid).is_err().then_some(())).await;
        tokio::task::spawn_blocking(|| drop(server)).await?;
        self.running = Some(Embedded::start(self.dir.path()).await.context("PostgreSQL can be started again")?);
        Ok(())
    }

    /// Breaks every connection of the queue, in the middle of whatever it does.
    pub(crate) async fn cut_connections(&self) -> anyhow::Result<()> {
        let cut = "-- soak.cut\nSELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'codeimport-queue'";
        self.admin.client().await?.query(cut, &[]).await?;
        Ok(())
    }
}
