//! What a row is measured on: one PostgreSQL server for all, and for each row a database and a queue process.

use crate::{Args, clients::Client};
use anyhow::Context as _;
use codeimport_pg::{Db, Embedded, PoolConfig};
use codeimport_subprocess::{Command, Daemon};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// As a person would set up a server for this: memory of its own, and no checkpoint in the middle of a short row.
const SETTINGS: [(&str, &str); 7] = [
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("min_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("max_connections", "200"),
    ("autovacuum_naptime", "5s"),
    ("jit", "off"),
];

/// Of the queue. Without a limit per host, which would measure itself: few hosts stand for many here.
const QUEUE: [(&str, &str); 2] = [
    ("CODEIMPORT_QUEUE_LEASE_KEY", "a benchmark needs no secret, only 32 bytes"),
    ("CODEIMPORT_QUEUE_HOST_CONCURRENCY", "0"),
];

/// The server of the run.
pub(crate) struct Server {
    running: Embedded,
    dir: TempDir,
}

impl Server {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bench-queue-").tempdir()?;
        // A temporary folder is closed to others, and for root the server is somebody else.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))?;
        let running = Embedded::start_with(dir.path(), &SETTINGS).await?;
        let server = Self { running, dir };
        server.fill_memory().await?;
        server.fill_log().await?;
        Ok(server)
    }

    /// Takes the server through its memory once: else the system finds and zeroes each page in the time of the row that
    /// is first to use it.
    async fn fill_memory(&self) -> anyhow::Result<()> {
        let client = self.admin("postgres")?.client().await?;
        for step in [
            "CREATE UNLOGGED TABLE public.fill (page text) WITH (autovacuum_enabled = off)",
            "ALTER TABLE public.fill ALTER page SET STORAGE PLAIN",
            // One row fills a page; pg_settings tells the size in pages.
            "INSERT INTO public.fill
             SELECT repeat('x', 8000)
               FROM generate_series(1, (SELECT setting::int FROM pg_settings WHERE name = 'shared_buffers'))",
            "DROP TABLE public.fill",
        ] {
            client.execute(step, &[]).await?;
        }
        Ok(())
    }

    /// Takes the server through its log once, as one that has run for a while: the first time round, each segment is made
    /// and zeroed while somebody waits for it.
    async fn fill_log(&self) -> anyhow::Result<()> {
        const FILL: &str = "\
            DO $$ BEGIN
                FOR segment IN 1..128 LOOP
                    PERFORM pg_logical_emit_message(false, 'bench', 'fill');
                    PERFORM pg_switch_wal();
                END LOOP;
            END $$";
        let client = self.admin("postgres")?.client().await?;
        client.execute(FILL, &[]).await?;
        client.execute("CHECKPOINT", &[]).await?;
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.running.pid().context("the server runs")
    }

    fn url(&self, database: &str) -> String {
        let url = self.running.url();
        let at = url.rfind('/').unwrap_or(url.len());
        format!("{}/{database}", &url[..at])
    }

    /// A pool for a database, as superuser, that sees the queue's schema and gives a statement all the time it takes.
    pub(crate) fn admin(&self, database: &str) -> anyhow::Result<Db> {
        const FOR_EVER: Duration = Duration::from_secs(86_400);
        let config = PoolConfig {
            application_name: "bench".to_owned(),
            statement_timeout: FOR_EVER,
            lock_timeout: FOR_EVER,
            idle_in_transaction_timeout: FOR_EVER,
            ..PoolConfig::for_service("queue")
        };
        Ok(Db::connect(&self.url(database), config)?)
    }

    /// An empty database; its URL. That of the row before goes: else what is left to be written and vacuumed of it is done
    /// in this one's time.
    pub(crate) async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        const EARLIER: &str = "SELECT datname::text FROM pg_database
                                WHERE NOT datistemplate AND datname NOT IN ('postgres', 'codeimport')";
        let client = self.admin("postgres")?.client().await?;
        for row in client.query(EARLIER, &[]).await? {
            client.execute(&format!("DROP DATABASE {} WITH (FORCE)", row.get::<_, String>(0)), &[]).await?;
        }
        client.execute(&format!("CREATE DATABASE {name}"), &[]).await?;
        Ok(self.url(name))
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.running.stop().await?)
    }
}

/// A queue of its own for one row.
pub(crate) struct Stage {
    pub(crate) db: Db,
    queue: Daemon,
    address: String,
}

impl Stage {
    /// `name` becomes the database's; `env` is added to the queue's settings.
    pub(crate) async fn set(args: &Args, server: &Server, name: &str, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let url = server.create_database(name).await?;
        let port_file = server.dir().join(format!("{name}.port"));
        if port_file.exists() {
            fs::remove_file(&port_file).context("the port of the round before")?;
        }
        let mut command = Command::new(&args.queue)
            .env("CODEIMPORT_QUEUE_LISTEN", "127.0.0.1:0")
            .env("CODEIMPORT_QUEUE_PORT_FILE", &port_file)
            .env("CODEIMPORT_QUEUE_DATABASE_URL", url)
            // A line for each lease would measure the log.
            .env("RUST_LOG", "warn");
        for (key, value) in QUEUE.iter().chain(env) {
            command = command.env(key, value);
        }
        let queue = command.start()?;
        let address = wait_for_address(&queue, &port_file).await?;
        Ok(Self { db: server.admin(name)?, queue, address })
    }

    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::connect(&self.address)
    }

    pub(crate) fn queue_pid(&self) -> u32 {
        self.queue.pid()
    }
}

async fn wait_for_address(queue: &Daemon, port_file: &Path) -> anyhow::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while Instant::now() < deadline {
        tick.tick().await;
        anyhow::ensure!(queue.is_running(), "the queue ended early: {}", queue.log_tail());
        if let Ok(address) = fs::read_to_string(port_file) {
            return Ok(format!("http://{}", address.trim()));
        }
    }
    anyhow::bail!("the queue does not listen: {}", queue.log_tail())
}
