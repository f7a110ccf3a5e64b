//! `codeimport up`: PostgreSQL and the three services in one process, on loopback, until Ctrl-C.
//!
//! The same libraries as in production, joined by real connections: nothing is short-cut because they share a
//! process. What it leaves in the data folder is all that the next `up` needs.

use crate::args::{Global, Up};
use crate::endpoints::{self, Endpoints};
use crate::exit::{Done, Failure};
use crate::output::Output;
use codeimport_kit::config::{ConfigDuration, Secret};
use codeimport_kit::{Ready, Shutdown, tasks};
use codeimport_pg::Embedded;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How long runs under way may take to end after Ctrl-C.
const WORKER_GRACE: ConfigDuration = ConfigDuration::from_secs(2);

/// Brings all up, says where it is, and waits for the end.
pub(crate) async fn run(global: &Global, up: &Up) -> Done {
    let output = Output { json: global.json };
    let data_dir = prepare_data_dir(global)?;
    codeimport_kit::telemetry::init_quiet().map_err(|e| Failure::other("cannot write a log", e))?;
    let shutdown = Shutdown::on_signals().map_err(|e| Failure::other("cannot listen for Ctrl-C", e))?;
    let database = Database::start(&data_dir).await?;
    let keys = Keys::of(&data_dir).map_err(|e| Failure::other("cannot keep the keys", e))?;

    let mut trio = Trio { ending: shutdown.clone(), running: Vec::new() };
    let started = trio.start(up, &data_dir, &database, &keys).await;
    let started = started.and_then(|endpoints| {
        endpoints.write(global).map_err(|e| Failure::other("cannot write down the addresses", e))?;
        welcome(output, global, &data_dir, &database, &endpoints);
        Ok(())
    });
    if started.is_ok() {
        shutdown.drained().await;
        output.say("stopping…");
    }
    let stopped = trio.stop().await;
    Endpoints::forget(global);
    let closed = database.stop().await;
    started.and(stopped).and(closed).map(|()| ExitCode::SUCCESS)
}

fn prepare_data_dir(global: &Global) -> Result<PathBuf, Failure> {
    let dir = endpoints::data_dir(global);
    let made = std::fs::create_dir_all(&dir).and_then(|()| dir.canonicalize());
    made.map_err(|e| Failure::other(&format!("cannot use the data folder {}", dir.display()), e))
}

/// The PostgreSQL server to use: the one of `DATABASE_URL`, else an embedded one below the data folder.
enum Database {
    Given(String),
    Embedded(Embedded),
}

impl Database {
    async fn start(data_dir: &Path) -> Result<Self, Failure> {
        if let Ok(url) = std::env::var("DATABASE_URL") {
            return Ok(Self::Given(url));
        }
        let started = Embedded::start(&data_dir.join("postgres")).await;
        started
            .map(Self::Embedded)
            .map_err(|error| Failure::other("cannot start PostgreSQL", anyhow::Error::from(error)))
    }

    fn url(&self, service: &str) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Embedded(server) => server.service_url(service),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Given(_) => "the one of DATABASE_URL",
            Self::Embedded(_) => "embedded, below the data folder",
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        match self {
            Self::Given(_) => Ok(()),
            Self::Embedded(server) => server
                .stop()
                .await
                .map_err(|error| Failure::other("cannot stop PostgreSQL", anyhow::Error::from(error))),
        }
    }
}

/// The secrets of this installation.
struct Keys {
    /// Queue and registry share it.
    lease: Secret,
    /// Seals what sources are read with.
    credentials: Secret,
}

impl Keys {
    fn of(data_dir: &Path) -> std::io::Result<Self> {
        let key = |name| secret(data_dir, name).map(Secret::from);
        Ok(Self { lease: key("lease.key")?, credentials: key("credential.key")? })
    }
}

/// A secret of 64 hex digits: made at the first start, readable by its owner only.
fn secret(data_dir: &Path, name: &str) -> std::io::Result<String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = data_dir.join(name);
    match std::fs::read_to_string(&path) {
        Ok(key) => return Ok(key),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let key = hex::encode(rand::random::<[u8; 32]>());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(key.as_bytes())?;
    Ok(key)
}

/// The services under way in this process, in the order in which they were started.
struct Trio {
    /// Begun when any of them ends: two of three are of no use.
    ending: Shutdown,
    running: Vec<Running>,
}

struct Running {
    name: &'static str,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Trio {
    /// Starts queue, registry and worker, each once the one it calls is listening.
    async fn start(
        &mut self,
        up: &Up,
        data_dir: &Path,
        database: &Database,
        keys: &Keys,
    ) -> Result<Endpoints, Failure> {
        let listen = |offset: u16| {
            let port = if up.port == 0 { 0 } else { up.port.saturating_add(offset) };
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        };
        let queue_config = codeimport_queue::Config {
            listen: listen(1),
            database_url: Some(Secret::from(database.url("queue"))),
            lease_key: keys.lease.clone(),
            ..Default::default()
        };
        let queue =
            self.launch("queue", |shutdown, ready| codeimport_queue::run(queue_config, shutdown, ready)).await?;
        let registry_config = codeimport_registry::Config {
            listen: listen(0),
            database_url: Some(Secret::from(database.url("registry"))),
            lease_key: keys.lease.clone(),
            credential_keys: keys.credentials.clone(),
            queue_url: queue.clone(),
            local_target_root: Some(data_dir.join("targets")),
            // Whoever sits at this machine may reach all that it reaches.
            allowed_networks: vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()],
            webhook_networks: vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()],
            ..Default::default()
        };
        let registry = self
            .launch("registry", |shutdown, ready| codeimport_registry::run(registry_config, shutdown, ready))
            .await?;
        let (ssh_key, ssh_known_hosts) = up.ssh.files().unzip();
        let worker_config = codeimport_worker::Config {
            ssh_key,
            ssh_known_hosts,
            listen: listen(2),
            queue_url: queue.clone(),
            registry_url: registry.clone(),
            slots: up.slots.into(),
            data_dir: data_dir.join("worker"),
            // Somebody is waiting at the terminal; what is not done by then is done after the next start.
            shutdown_grace: WORKER_GRACE,
            ..Default::default()
        };
        let worker =
            self.launch("worker", |shutdown, ready| codeimport_worker::run(worker_config, shutdown, ready)).await?;
        Ok(Endpoints { registry, queue, worker })
    }

    /// Starts one service and gives its address once it listens.
    async fn launch<F, Fut>(&mut self, name: &'static str, run: F) -> Result<String, Failure>
    where
        F: FnOnce(Shutdown, Ready) -> Fut,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (ready, listening) = Ready::channel();
        let (shutdown, ending) = (Shutdown::new(), self.ending.clone());
        let service = run(shutdown.clone(), ready);
        let task = tasks::spawn(name, async move {
            let ended = service.await;
            ending.begin();
            ended
        });
        match listening.await {
            Ok(address) => {
                self.running.push(Running { name, shutdown, task });
                Ok(format!("http://{address}"))
            }
            Err(_) => {
                let error = ended(task).await.unwrap_or_else(|| "it ended before it was listening".to_owned());
                Err(Failure::other(&format!("cannot start the {name}"), error))
            }
        }
    }

    /// Stops them in turn, the worker first: it needs the others for its last words.
    async fn stop(&mut self) -> Result<(), Failure> {
        let mut failure = None;
        while let Some(service) = self.running.pop() {
            service.shutdown.begin();
            if let Some(error) = ended(service.task).await {
                failure.get_or_insert(Failure::other(&format!("the {} failed", service.name), error));
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

/// How a service ended: why it failed, if it did.
async fn ended(task: tokio::task::JoinHandle<anyhow::Result<()>>) -> Option<String> {
    match task.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(error) => Some(error.to_string()),
    }
}

fn welcome(output: Output, global: &Global, data_dir: &Path, database: &Database, endpoints: &Endpoints) {
    let option = match &global.data_dir {
        Some(dir) => format!(" --data-dir {}", dir.display()),
        None => String::new(),
    };
    let registry = endpoints.registry.trim_start_matches("http://");
    output.say(&format!("codeimport is up: data in {}, PostgreSQL {}", data_dir.display(), database.words()));
    output.say(&format!("  registry  {}", endpoints.registry));
    output.say(&format!("  queue     {}", endpoints.queue));
    output.say(&format!("  worker    {}", endpoints.worker));
    output.say("\nThings to try, in another terminal:");
    output.say(&format!("  codeimport{option} import create https://host/repository.git --wait"));
    output.say(&format!("  codeimport{option} import list"));
    output.say(&format!("  grpcurl -plaintext {registry} codeimport.registry.v1.ImportService/ListImports"));
    output.say("\nCtrl-C stops it.");
    output.object(endpoints);
}
