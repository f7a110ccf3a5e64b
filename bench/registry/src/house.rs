//! A real PostgreSQL that waits for the disk, and a real registry on it.

use anyhow::Context as _;
use codeimport_core::{FencingToken, LeaseClaims, LeaseKey, RunId};
use codeimport_pg::{Db, Embedded, PoolConfig};
use codeimport_proto::{
    common::RcsType,
    registry::{
        CreateImportRequest, Import, Source, import_service_client::ImportServiceClient,
        run_support_service_client::RunSupportServiceClient, scan_service_client::ScanServiceClient,
    },
};
use codeimport_subprocess::{Command, Daemon};
use jiff::{SignedDuration, Timestamp};
use std::{path::Path, time::Duration};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

const LEASE_KEY: &str = "a benchmark needs no secret, only 32 bytes";

/// The import that everything is about.
pub const IMPORT: &str = "bench";

/// What is measured, running.
pub struct House {
    /// What a worker speaks to.
    pub runs: RunSupportServiceClient<Channel>,
    /// What readers of histories speak to.
    pub scans: ScanServiceClient<Channel>,
    /// What readers of definitions speak to.
    pub imports: ImportServiceClient<Channel>,
    /// Where the registry is.
    pub address: String,
    /// The database as its administrator sees it.
    pub db: Db,
    /// Where the server can read and write files.
    pub folder: std::path::PathBuf,
    registry: Daemon,
    postgres: Embedded,
    _dir: TempDir,
}

impl House {
    /// Starts both and defines the import.
    pub async fn open(registry: &Path) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("bench-registry-").tempdir()?;
        open_for_all(dir.path())?;
        // Checkpoints at will would hit either side by chance.
        let settings = [("shared_buffers", "1GB"), ("max_wal_size", "8GB"), ("checkpoint_timeout", "30min")];
        let postgres = Embedded::start_with(&dir.path().join("pg"), &settings).await?;
        let long = PoolConfig { statement_timeout: Duration::from_secs(600), ..PoolConfig::for_service("registry") };
        let db = Db::connect(&postgres.url(), long)?;
        let port_file = dir.path().join("port");
        let registry = start_registry(registry, &postgres.service_url("registry"), &port_file)?;
        let address = address(&registry, &port_file).await?;
        let address = format!("http://{address}");
        let channel = Endpoint::from_shared(address.clone())?.connect().await?;
        let folder = dir.path().join("rows");
        std::fs::create_dir(&folder)?;
        open_for_all(&folder)?;
        define(channel.clone()).await?;
        Ok(Self {
            runs: RunSupportServiceClient::new(channel.clone()).max_encoding_message_size(64 << 20),
            scans: ScanServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20),
            imports: ImportServiceClient::new(channel),
            address,
            db,
            folder,
            registry,
            postgres,
            _dir: dir,
        })
    }

    /// Most memory that the registry has held at once, in MB.
    pub fn registry_peak_mb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.registry.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
    }

    /// Makes the tables of scans empty, as before the first one. Authors stay: the registry remembers them.
    pub async fn forget_scans(&self) -> anyhow::Result<()> {
        let client = self.db.client().await?;
        client.execute("TRUNCATE revision, source_revision, history_author, ref, ref_change, swap, scan", &[]).await?;
        client.execute("CHECKPOINT", &[]).await?;
        Ok(())
    }

    /// Ends both.
    pub async fn close(self) -> anyhow::Result<()> {
        let registry = self.registry;
        tokio::task::spawn_blocking(move || registry.stop()).await??;
        self.db.close();
        self.postgres.stop().await?;
        Ok(())
    }
}

/// A lease token that a queue could have signed.
pub fn token(fencing_token: i64) -> Vec<u8> {
    let claims = LeaseClaims {
        job_id: IMPORT.parse().expect("a valid id"),
        run_id: RunId(fencing_token),
        fencing_token: FencingToken(fencing_token),
        expires_at: Timestamp::now() + SignedDuration::from_hours(5),
    };
    LeaseKey::new(LEASE_KEY.as_bytes()).expect("long enough").sign(&claims)
}

fn start_registry(program: &Path, database_url: &str, port_file: &Path) -> anyhow::Result<Daemon> {
    let daemon = Command::new(program)
        .env("CODEIMPORT_REGISTRY_LISTEN", "127.0.0.1:0")
        .env("CODEIMPORT_REGISTRY_PORT_FILE", port_file)
        .env("CODEIMPORT_REGISTRY_LEASE_KEY", LEASE_KEY)
        .env("CODEIMPORT_REGISTRY_LOCAL_TARGET_ROOT", "/srv/targets")
        .env("CODEIMPORT_REGISTRY_QUEUE_URL", "http://127.0.0.1:9")
        .env("DATABASE_URL", database_url)
        .start()?;
    Ok(daemon)
}

async fn address(registry: &Daemon, port_file: &Path) -> anyhow::Result<String> {
    loop {
        anyhow::ensure!(registry.is_running(), "the registry ended early: {}", registry.log_tail());
        match std::fs::read_to_string(port_file) {
            Ok(address) => return Ok(address.trim().to_owned()),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn define(channel: Channel) -> anyhow::Result<()> {
    let url = "https://host.example.org/bench.git".to_owned();
    let source = Source { rcs_type: RcsType::Git.into(), url, ..Default::default() };
    let import = Some(Import { source: Some(source), ..Default::default() });
    let request = CreateImportRequest { import, import_id: IMPORT.to_owned(), ..Default::default() };
    ImportServiceClient::new(channel).create_import(request).await?;
    Ok(())
}

/// The server may be another user.
fn open_for_all(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777))
}
