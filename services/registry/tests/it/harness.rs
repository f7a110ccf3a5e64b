//! A registry in this process, on a database of its own.

use crate::queue::Queue;
use codeimport_core::{FencingToken, LeaseClaims, LeaseKey, RunId};
use codeimport_kit::{Ready, Shutdown, reason_of, tasks};
use codeimport_pg::{Db, test_util::TestDb};
use codeimport_proto::{
    common::{ErrorReason, RcsType},
    registry::{
        CreateImportRequest, GetImportRequest, Import, ImportEvent, ListImportEventsRequest, Source,
        credential_service_client::CredentialServiceClient, import_service_client::ImportServiceClient,
        run_support_service_client::RunSupportServiceClient, scan_service_client::ScanServiceClient,
        trigger_service_client::TriggerServiceClient, webhook_service_client::WebhookServiceClient,
    },
};
use codeimport_registry::{Config, migrations, store::Store};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

pub(crate) const LEASE_KEY: &str = "a test needs no secret, only thirty-two bytes";
/// Tokens of the tests expire around the database's now; so far beyond it they are refused.
pub(crate) const SKEW_ALLOWANCE: Duration = Duration::from_secs(5);

/// A running registry; stopped when dropped.
pub(crate) struct Registry {
    pub(crate) imports: ImportServiceClient<Channel>,
    pub(crate) credentials: CredentialServiceClient<Channel>,
    pub(crate) scans: ScanServiceClient<Channel>,
    pub(crate) runs: RunSupportServiceClient<Channel>,
    pub(crate) webhooks: WebhookServiceClient<Channel>,
    pub(crate) triggers: TriggerServiceClient<Channel>,
    pub(crate) queue: Queue,
    /// A second replica's view of the same database.
    pub(crate) store: Store,
    pub(crate) db: Db,
    shutdown: Shutdown,
    _served: JoinHandle<anyhow::Result<()>>,
    _database: TestDb,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings as a test needs them.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDb::new(&[("registry", migrations()), ("queue", codeimport_queue::migrations())]).await;
        let queue = Queue::start(database.url()).await;
        let mut config = Config {
            listen: "127.0.0.1:0".parse().expect("address"),
            database_url: Some(database.url().into()),
            lease_key: LEASE_KEY.into(),
            queue_url: queue.url(),
            local_target_root: Some("/srv/targets".into()),
            credential_keys: "1".repeat(64).into(),
            lease_skew_allowance: SKEW_ALLOWANCE.into(),
            ..Config::default()
        };
        change(&mut config);
        let shutdown = Shutdown::new();
        let (ready, is_ready) = Ready::channel();
        let served = tasks::spawn("test.registry", codeimport_registry::run(config, shutdown.clone(), ready));
        let address = is_ready.await.expect("the registry is ready");
        let channel = codeimport_kit::client::channel(&format!("http://{address}")).expect("url");
        let db = database.db("registry");
        Self {
            imports: ImportServiceClient::new(channel.clone()),
            credentials: CredentialServiceClient::new(channel.clone()),
            scans: ScanServiceClient::new(channel.clone()),
            runs: RunSupportServiceClient::new(channel.clone()),
            webhooks: WebhookServiceClient::new(channel.clone()),
            triggers: TriggerServiceClient::new(channel),
            queue,
            store: Store::new(db.clone()),
            db,
            shutdown,
            _served: served,
            _database: database,
        }
    }

    /// Defines a Git import and returns it.
    pub(crate) async fn create(&mut self, import_id: &str) -> Import {
        let answer = self.imports.create_import(create_request(import_id)).await.expect("valid");
        answer.into_inner().import.expect("import")
    }

    pub(crate) async fn get(&mut self, import_id: &str) -> Import {
        let request = GetImportRequest { import_id: import_id.to_owned() };
        self.imports.get_import(request).await.expect("exists").into_inner().import.expect("import")
    }

    /// The generation of an import's last change.
    pub(crate) async fn generation(&self, import_id: &str) -> i64 {
        self.store.import(&import_id.parse().expect("id")).await.expect("exists").generation
    }

    /// The audit trail of an import, oldest first.
    pub(crate) async fn events(&mut self, import_id: &str) -> Vec<ImportEvent> {
        let request = ListImportEventsRequest { import_id: import_id.to_owned(), ..Default::default() };
        let mut events = self.imports.list_import_events(request).await.expect("listed").into_inner().events;
        events.reverse();
        events
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let client = self.db.client().await.expect("connected");
        client.query_one(sql, &[]).await.expect("counted").get(0)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

pub(crate) fn create_request(import_id: &str) -> CreateImportRequest {
    let url = format!("https://host/{import_id}.git");
    let source = Source { rcs_type: RcsType::Git.into(), url, ..Default::default() };
    CreateImportRequest {
        import: Some(Import { source: Some(source), ..Default::default() }),
        import_id: import_id.to_owned(),
        ..Default::default()
    }
}

/// A lease token that the queue could have signed a moment ago.
pub(crate) fn token(import_id: &str, fencing_token: i64) -> Vec<u8> {
    token_expiring(import_id, fencing_token, Duration::from_secs(60).try_into().expect("in range"))
}

/// A lease token that expires so long from now, or has so long ago.
pub(crate) fn token_expiring(import_id: &str, fencing_token: i64, from_now: SignedDuration) -> Vec<u8> {
    let claims = LeaseClaims {
        job_id: import_id.parse().expect("id"),
        run_id: RunId(fencing_token),
        fencing_token: FencingToken(fencing_token),
        expires_at: Timestamp::now() + from_now,
    };
    LeaseKey::new(LEASE_KEY.as_bytes()).expect("long enough").sign(&claims)
}

/// The reason of a refusal.
pub(crate) fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> ErrorReason {
    let status = answer.expect_err("refused");
    reason_of(&status).unwrap_or_else(|| panic!("a reason: {status:?}"))
}

/// The fields that a refusal names.
pub(crate) fn violated_fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = answer.expect_err("refused");
    let bad_request = status.get_details_bad_request().unwrap_or_else(|| panic!("violations: {status:?}"));
    bad_request.field_violations.into_iter().map(|violation| violation.field).collect()
}
