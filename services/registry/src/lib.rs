//! The registry: what is wanted. Definitions of imports, their review, their audit trail, and what the scans found.
//!
//! What it promises:
//!
//! - a change of an import, its audit event and the wish for the queue are one transaction;
//! - the queue learns of every change, whoever was down meanwhile ([`outbox`]);
//! - every finished run takes effect once ([`run_event_consumer`]);
//! - readers see the refs of an import as one scan left them, never in between;
//! - a worker that has lost its lease changes nothing.
//!
//! What it does not do: decide when an import runs, which is the queue's; touch a repository, which is the worker's.

pub mod audit;
pub mod caller;
mod config;
pub mod credential;
mod definition;
mod duty;
pub mod error;
pub mod event_filter;
pub mod import;
pub mod key_ring;
pub mod maintenance;
pub mod outbox;
pub mod owned;
pub mod policy;
pub mod reach;
pub mod rpc;
pub mod run_effect;
pub mod run_event_consumer;
pub mod run_log_url;
pub mod store;
mod sweeper;
pub mod trigger;
pub mod webhook;
pub mod what_now;
mod work;
pub mod workflow;

pub use config::Config;
pub use store::migrations;

use anyhow::Context as _;
use codeimport_kit::{
    Ready, ServiceConfig as _, Shutdown,
    client::{self, Outbound},
    config::database_url,
    server::{Health, Server},
    tasks::TaskGroup,
};
use codeimport_pg::{Db, PoolConfig};
use codeimport_proto::registry::{
    credential_service_server::CredentialServiceServer, import_service_server::ImportServiceServer,
    run_support_service_server::RunSupportServiceServer, scan_service_server::ScanServiceServer,
    trigger_service_server::TriggerServiceServer, webhook_service_server::WebhookServiceServer,
};
use duty::Duty;
use maintenance::Maintenance;
use outbox::Relay;
use run_event_consumer::RunEventConsumer;
use std::{sync::Arc, time::Duration};
use store::Store;
use sweeper::Sweeper;

const NAME: &str = "registry";
/// A service may start with its database, or before.
const DATABASE_START: Duration = Duration::from_secs(60);
/// A forced push of a large history deletes a million revisions by one statement.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the queue may take to answer the relay.
const QUEUE_DEADLINE: Duration = Duration::from_secs(10);
/// All refs of a repository travel in one message; a hundred thousand of them take some 20 MiB.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Runs the registry until `shutdown` begins, and stops it in order. Fulfils `ready` once it accepts calls.
///
/// # Errors
///
/// If the configuration cannot be used, the database does not come up or cannot be migrated, or the address cannot be
/// bound. What fails later is waited out.
pub async fn run(config: Config, shutdown: Shutdown, ready: Ready) -> anyhow::Result<()> {
    config.check()?;
    let db = tokio::select! {
        db = open_database(&config) => db?,
        () = shutdown.drained() => return Ok(()),
    };
    let store = Store::new(db.clone());
    let server = server(&config, &store, &shutdown)?;
    let health = server.health();
    let relay_channel = client::connect(&config.queue_url, Outbound::with_deadline(QUEUE_DEADLINE))?;
    let trigger_channel = client::connect(&config.queue_url, Outbound::with_deadline(QUEUE_DEADLINE))?;
    let event_channel = client::connect(&config.queue_url, Outbound::without_deadline())?;

    let mut tasks = TaskGroup::new(shutdown.clone());
    // Deletes by and by what nobody reads any more.
    tasks.spawn("registry.sweeper", work::until_stopped(Sweeper(store.clone()), shutdown.clone()));
    // Keeps audit trail and delivery logs short, and secrets sealed with the newest key.
    let maintenance = Maintenance::new(store.clone(), config.key_ring()?, config.retention());
    tasks.spawn("registry.maintenance", work::until_stopped(maintenance, shutdown.clone()));
    // Tells the queue what has changed.
    let relay = Relay::new(store.clone(), relay_channel);
    tasks.spawn("registry.outbox_relay", Duty::new(store.clone(), "outbox_relay").run(relay, shutdown.clone()));
    // Learns from the queue how runs ended.
    let consumer = RunEventConsumer::new(store.clone(), event_channel);
    let duty = Duty::new(store.clone(), "run_event_consumer");
    tasks.spawn("registry.run_event_consumer", duty.run(consumer, shutdown.clone()));
    // Tells the queue of pushes.
    let relay = trigger::Relay::new(store.clone(), trigger_channel, config.trigger_cool_down.get());
    tasks.spawn("registry.trigger_relay", Duty::new(store.clone(), "trigger_relay").run(relay, shutdown.clone()));
    if let Some(listen) = config.trigger_listen {
        // Hears of pushes.
        let (keys, cool_down) = (config.key_ring()?, config.trigger_cool_down.get());
        let listener = trigger::Listener { store: store.clone(), keys, cool_down };
        let port_file = config.trigger_port_file.clone();
        tasks.spawn("registry.trigger_listener", listener.serve(listen, port_file, shutdown.clone()));
    }
    // Tells receivers what happened.
    let sender = webhook::Sender::new(store.clone(), config.key_ring()?, config.webhook_settings()?)?;
    tasks.spawn("registry.webhook_sender", Duty::new(store, "webhook_sender").run(sender, shutdown.clone()));
    tasks.spawn("registry.health", follow_database(db, health, shutdown.clone()));
    tasks.spawn("registry.server", server.serve(shutdown, ready));
    tasks.join().await
}

/// Ready means: the database answers.
async fn follow_database(db: Db, health: Health, shutdown: Shutdown) -> anyhow::Result<()> {
    health.follow("database", || db.ping(), &shutdown).await;
    Ok(())
}

async fn open_database(config: &Config) -> anyhow::Result<Db> {
    let url = database_url(config.database_url.as_ref())?;
    let pool = PoolConfig { statement_timeout: STATEMENT_TIMEOUT, ..PoolConfig::for_service(NAME) };
    let db = Db::connect(url.expose(), pool)?;
    db.wait_until_up(DATABASE_START).await.context("the database does not answer")?;
    db.migrate(NAME, migrations()).await.context("the schema cannot be brought up to date")?;
    Ok(db)
}

fn server(config: &Config, store: &Store, shutdown: &Shutdown) -> anyhow::Result<Server> {
    let policy = Arc::new(config.policy()?);
    let rights = Arc::new(config.rights());
    let keys = config.key_ring()?;
    let queue = client::connect(&config.queue_url, Outbound::with_deadline(QUEUE_DEADLINE))?;
    let imports = rpc::ImportApi {
        store: store.clone(),
        policy: policy.clone(),
        rights: rights.clone(),
        keys: keys.clone(),
        queue,
        log_url: config.run_log_url(),
        shutdown: shutdown.clone(),
    };
    let credentials = rpc::CredentialApi::new(store.clone(), rights.clone(), keys.clone());
    let webhooks = rpc::WebhookApi {
        store: store.clone(),
        rights: rights.clone(),
        keys: keys.clone(),
        networks: config.webhook_networks()?,
    };
    let triggers = rpc::TriggerApi { store: store.clone(), rights, keys: keys.clone() };
    let scans = rpc::ScanApi::new(store.clone(), shutdown.clone());
    let skew = config.lease_skew_allowance.get();
    let run_support = rpc::RunSupportApi::new(store.clone(), policy, keys, config.lease_key()?, skew);
    let run_support = RunSupportServiceServer::new(run_support)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    Ok(Server::new(NAME, config.server())
        .add_service(ImportServiceServer::new(imports))
        .add_service(CredentialServiceServer::new(credentials))
        .add_service(TriggerServiceServer::new(triggers))
        .add_service(WebhookServiceServer::new(webhooks))
        .add_service(ScanServiceServer::new(scans))
        .add_service(run_support))
}
