//! Two registries on one database, as real processes: what one leaves undone when it is killed, the other does, and
//! nothing is done twice.

use crate::{
    harness::{LEASE_KEY, create_request},
    queue::Queue,
    receiver::Receiver,
    run_events::heard_of,
};
use codeimport_pg::test_util::TestDb;
use codeimport_proto::{
    common::Outcome,
    registry::{
        CreateWebhookRequest, ListImportEventsRequest, Webhook, import_service_client::ImportServiceClient,
        webhook_service_client::WebhookServiceClient,
    },
};
use codeimport_registry::{migrations, store::Store};
use codeimport_subprocess::{Command, Daemon};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tonic::transport::Channel;

const PROGRAM: &str = env!("CARGO_BIN_EXE_codeimport-registry");
/// A duty of a process that was killed is free after three seconds, and taken within one. The rest is for a machine that
/// is busy.
const FAIL_OVER: Duration = Duration::from_secs(15);

/// One replica.
struct Replica {
    daemon: Daemon,
    channel: Channel,
}

impl Replica {
    async fn start(folder: &Path, name: &str, database_url: &str, queue_url: &str) -> Self {
        let port_file = folder.join(name);
        let daemon = Command::new(PROGRAM)
            .env("CODEIMPORT_REGISTRY_LISTEN", "127.0.0.1:0")
            .env("CODEIMPORT_REGISTRY_PORT_FILE", &port_file)
            .env("CODEIMPORT_REGISTRY_LEASE_KEY", LEASE_KEY)
            .env("CODEIMPORT_REGISTRY_CREDENTIAL_KEYS", format!("\"{}\"", "1".repeat(64)))
            .env("CODEIMPORT_REGISTRY_LOCAL_TARGET_ROOT", "/srv/targets")
            .env("CODEIMPORT_REGISTRY_WEBHOOK_NETWORKS", r#"["127.0.0.0/8"]"#)
            .env("CODEIMPORT_REGISTRY_QUEUE_URL", queue_url)
            .env("DATABASE_URL", database_url)
            .start()
            .expect("started");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !port_file.exists() {
            assert!(daemon.is_running() && Instant::now() < deadline, "{}", daemon.log_tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let address = std::fs::read_to_string(&port_file).expect("written whole");
        let channel = Channel::from_shared(format!("http://{}", address.trim())).expect("a URL").connect_lazy();
        Self { daemon, channel }
    }

    /// `kill -9`.
    fn kill(self) {
        let pid = i32::try_from(self.daemon.pid()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::KILL).expect("it is ours");
    }
}

#[tokio::test]
async fn when_a_replica_is_killed_the_other_relays_consumes_and_sends_what_it_left() {
    let database = TestDb::new(&[("registry", migrations()), ("queue", codeimport_queue::migrations())]).await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let queue = Queue::start(database.url()).await;
    let queue_url = queue.url();
    let mut receiver = Receiver::start(&[]).await;
    let first = Replica::start(folder.path(), "first", database.url(), &queue_url).await;
    let mut imports = ImportServiceClient::new(first.channel.clone());
    imports.create_import(create_request("before")).await.expect("created");
    queue.job_since("before", 1).await;
    // The first one has all duties; the second only answers.
    let second = Replica::start(folder.path(), "second", database.url(), &queue_url).await;
    let webhook = Some(Webhook { url: receiver.url(), ..Default::default() });
    let mut webhooks = WebhookServiceClient::new(second.channel.clone());
    webhooks.create_webhook(CreateWebhookRequest { webhook, ..Default::default() }).await.expect("created");
    let mut imports = ImportServiceClient::new(second.channel.clone());

    first.kill();
    let killed = Instant::now();
    let ids: Vec<String> = (1..=5).map(|n| format!("after-{n}")).collect();
    for id in &ids {
        imports.create_import(create_request(id)).await.expect("created");
        queue.job_since(id, 1).await;
    }
    assert!(killed.elapsed() < FAIL_OVER, "relayed after {:?}", killed.elapsed());
    // With it comes the one that was there before, whose run goes on.
    let leases = queue.acquire(Duration::ZERO).await;
    assert_eq!(leases.len(), 6);
    let store = Store::new(database.db("registry"));
    for lease in leases.iter().filter(|lease| ids.contains(&lease.job_id)) {
        queue.finish(lease, Outcome::Success, "").await;
        heard_of(&store, &lease.job_id, lease.run_id).await;
    }

    // Each import: created, a run finished, the first success.
    let mut told = Vec::new();
    for _ in 0..15 {
        told.push(receiver.next().await.json()["data"]["event_id"].as_i64().expect("a number"));
    }
    assert!(told.is_sorted_by(|a, b| a < b), "in order, and none twice: {told:?}");
    let all = ListImportEventsRequest { page_size: 500, ..Default::default() };
    let trail = imports.list_import_events(all).await.expect("listed").into_inner().events;
    let mut ids: Vec<_> = trail.iter().map(|event| event.event_id).collect();
    ids.reverse();
    assert_eq!(ids[1..], told, "everything since the webhook is there, once");
}
