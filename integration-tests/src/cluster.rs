//! The three services as processes, on a database of their own.

use crate::services::{Env, channel, environment, start_queue, start_registry};
use crate::{Failpoint, Process, eventually, git};
use codeimport_core::Outcome;
use codeimport_pg::Db;
use codeimport_pg::test_util::TestDb;
use codeimport_proto::convert::rcs_type_to_wire;
use codeimport_proto::queue::run_service_client::RunServiceClient;
use codeimport_proto::queue::schedule_service_client::ScheduleServiceClient;
use codeimport_proto::queue::{GetScheduleRequest, Job, ListRunsRequest, RequestRunRequest, Run, RunState};
use codeimport_proto::registry::import_service_client::ImportServiceClient;
use codeimport_proto::registry::scan_service_client::ScanServiceClient;
use codeimport_proto::registry::{
    CreateImportRequest, GetImportRequest, Import, ListRefsRequest, ListRevisionsRequest, Ref, Revision, Source,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tonic::transport::Channel;

/// What a story wants to be different from production.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// How long a lease lasts. Short, where the story waits for one to expire.
    pub lease_ttl: &'static str,
    /// How many workers to start with.
    pub workers: usize,
    /// Further settings of a service, as environment variables.
    pub env: Env,
    /// Database to use instead of a fresh one.
    pub database_url: Option<String>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { lease_ttl: "30s", workers: 1, env: Vec::new(), database_url: None }
    }
}

/// A worker process and the folder by which failpoints reach it.
pub struct Worker {
    /// The process.
    pub process: Process,
    failpoints: PathBuf,
}

impl Worker {
    /// Arms a failpoint for this worker only.
    #[must_use]
    pub fn arm(&self, name: &str) -> Failpoint {
        Failpoint::arm(&self.failpoints, name)
    }
}

/// Queue, registry and workers, each a process of its own.
pub struct Cluster {
    /// The queue.
    pub queue: Process,
    /// The registry.
    pub registry: Process,
    /// The workers, in the order of their start.
    pub workers: Vec<Worker>,
    /// Definitions.
    pub imports: ImportServiceClient<Channel>,
    /// What the scan found.
    pub scans: ScanServiceClient<Channel>,
    /// Schedules.
    pub schedules: ScheduleServiceClient<Channel>,
    /// Runs.
    pub runs: RunServiceClient<Channel>,
    options: ClusterOptions,
    dir: TempDir,
    database: Option<TestDb>,
}

impl Cluster {
    /// A cluster with one worker and the settings of production.
    pub async fn start() -> Self {
        Self::with(ClusterOptions::default()).await
    }

    /// A cluster as a story wants it.
    ///
    /// # Panics
    ///
    /// If anything cannot be started.
    pub async fn with(options: ClusterOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let (database, url) = match &options.database_url {
            Some(url) => (None, url.clone()),
            None => {
                let database = TestDb::new(&[]).await;
                let url = database.url().to_owned();
                (Some(database), url)
            }
        };
        let queue = start_queue(dir.path(), "queue", options.lease_ttl, &options.env, &url).await;
        let registry = start_registry(dir.path(), &options.env, &url, &queue).await;
        let (to_queue, to_registry) = (channel(&queue), channel(&registry));
        let mut cluster = Self {
            imports: ImportServiceClient::new(to_registry.clone()),
            scans: ScanServiceClient::new(to_registry),
            schedules: ScheduleServiceClient::new(to_queue.clone()),
            runs: RunServiceClient::new(to_queue),
            queue,
            registry,
            workers: Vec::new(),
            options,
            dir,
            database,
        };
        for _ in 0..cluster.options.workers {
            cluster.add_worker().await;
        }
        cluster
    }

    /// Starts one more worker; gives its index.
    pub async fn add_worker(&mut self) -> usize {
        let index = self.workers.len();
        let name = format!("worker-{index}");
        let failpoints = self.dir.path().join(format!("{name}-failpoints"));
        std::fs::create_dir(&failpoints).expect("the cluster's folder is ours");
        let settings = [
            ("QUEUE_URL", self.queue.url()),
            ("REGISTRY_URL", self.registry.url()),
            ("WORKER_ID", name.clone()),
            ("DATA_DIR", self.dir.path().join(&name).display().to_string()),
            ("SHUTDOWN_GRACE", "1s".to_owned()),
            ("LEASE_SAFETY_MARGIN", "500ms".to_owned()),
        ];
        let mut env = environment("WORKER", &settings, self.dir.path(), &name, &self.options.env);
        env.push(("CODEIMPORT_FAILPOINT_DIR".to_owned(), failpoints.display().to_string()));
        let port_file = self.dir.path().join(format!("{name}.port"));
        let process = Process::start("codeimport-worker", &env, &port_file).await;
        self.workers.push(Worker { process, failpoints });
        index
    }

    /// Where the registry puts targets that nobody named.
    #[must_use]
    pub fn target(&self, import_id: &str) -> PathBuf {
        self.dir.path().join("targets").join(format!("{import_id}.git"))
    }

    /// Folder for what a story wants to keep beside the cluster.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The database as one service sees it.
    ///
    /// # Panics
    ///
    /// If the story brought its own.
    #[must_use]
    pub fn database(&self, service: &str) -> Db {
        self.database.as_ref().expect("the cluster has a database of its own").db(service)
    }

    /// Defines a Git import under a given id.
    ///
    /// # Panics
    ///
    /// If the registry refuses it.
    pub async fn create(&mut self, import_id: &str, url: &str) -> Import {
        let answer = self.imports.create_import(create_request(import_id, url)).await;
        answer.expect("the import is valid").into_inner().import.expect("the answer has an import")
    }

    /// The import as it stands.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn import(&mut self, import_id: &str) -> Import {
        let request = GetImportRequest { import_id: import_id.to_owned() };
        let answer = self.imports.get_import(request).await.expect("the import exists");
        answer.into_inner().import.expect("the answer has an import")
    }

    /// The job as it stands; none if the queue does not know it yet.
    pub async fn job(&mut self, import_id: &str) -> Option<Job> {
        let request = GetScheduleRequest { job_id: import_id.to_owned() };
        self.schedules.get_schedule(request).await.ok()?.into_inner().job
    }

    /// All runs of an import, oldest first.
    pub async fn all_runs(&mut self, import_id: &str) -> Vec<Run> {
        let request = ListRunsRequest { job_id: import_id.to_owned(), page_size: 500, ..Default::default() };
        let mut runs = match self.runs.list_runs(request).await {
            Ok(answer) => answer.into_inner().runs,
            Err(_) => Vec::new(),
        };
        runs.reverse();
        runs
    }

    /// Waits for the first run after `after_run_id` that ended by a worker's word (not reclaimed or released).
    pub async fn finished_run(&mut self, import_id: &str, after_run_id: i64) -> Run {
        eventually(&format!("a run of {import_id} ends"), async || {
            let runs = self.all_runs(import_id).await;
            runs.into_iter().find(|run| {
                let taken_away = matches!(run.domain_outcome(), Some(Outcome::Reclaimed | Outcome::Released));
                run.run_id > after_run_id && run.state() == RunState::Finished && !taken_away
            })
        })
        .await
    }

    /// Asks for a run and waits for its end.
    ///
    /// # Panics
    ///
    /// If the queue refuses the request.
    pub async fn run_now(&mut self, import_id: &str) -> Run {
        let request = RequestRunRequest { job_id: import_id.to_owned(), requested_by: "a test".to_owned() };
        let answer = self.schedules.request_run(request).await.expect("the job can be requested").into_inner();
        self.finished_run(import_id, answer.after_run_id).await
    }

    /// Defines an import and waits for the end of its first run.
    pub async fn import_first(&mut self, import_id: &str, url: &str) -> Run {
        self.create(import_id, url).await;
        self.finished_run(import_id, 0).await
    }

    /// The refs as the registry tells them, and the default branch.
    ///
    /// # Panics
    ///
    /// If the registry refuses.
    pub async fn refs(&mut self, import_id: &str) -> (Vec<Ref>, String) {
        let request = ListRefsRequest { import_id: import_id.to_owned(), page_size: 5_000, ..Default::default() };
        let answer = self.scans.list_refs(request).await.expect("refs can be listed").into_inner();
        (answer.refs, answer.default_branch)
    }

    /// The revisions as the registry tells them: of one ref, or all if `reference` is empty.
    ///
    /// # Panics
    ///
    /// If the registry refuses.
    pub async fn revisions(&mut self, import_id: &str, reference: &str) -> Vec<Revision> {
        let mut revisions = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListRevisionsRequest {
                import_id: import_id.to_owned(),
                r#ref: reference.to_owned(),
                page_size: 1_000,
                page_token,
                ..Default::default()
            };
            let page = self.scans.list_revisions(request).await.expect("revisions can be listed").into_inner();
            revisions.extend(page.revisions);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return revisions;
            }
        }
    }

    /// The refs of an import's target as git tells them, without codeimport's own.
    #[must_use]
    pub fn target_refs(&self, import_id: &str) -> String {
        published_refs(&self.target(import_id))
    }
}

/// The refs of a repository that an import takes over: `<object> <name>` a line, in order of names.
#[must_use]
pub fn published_refs(repository: &Path) -> String {
    let namespaces = ["refs/heads", "refs/tags", "refs/notes"];
    git(repository, &[&["for-each-ref", "--format=%(objectname) %(refname)"][..], &namespaces].concat())
}

/// The request that defines a Git import.
#[must_use]
pub fn create_request(import_id: &str, url: &str) -> CreateImportRequest {
    let rcs_type = rcs_type_to_wire(codeimport_core::RcsType::Git).into();
    let source = Source { rcs_type, url: url.to_owned(), ..Default::default() };
    CreateImportRequest {
        import: Some(Import { source: Some(source), ..Default::default() }),
        import_id: import_id.to_owned(),
        // Stories read one source into many targets.
        allow_duplicate: true,
        ..Default::default()
    }
}
