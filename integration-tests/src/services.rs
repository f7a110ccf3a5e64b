//! Starts one service each, with the settings that stories share.

use crate::Process;
use std::path::Path;
use tonic::transport::{Channel, Endpoint};

/// Queue and registry sign and check lease tokens with this.
pub(crate) const LEASE_KEY: &str = "integration tests need no secret, only 32 bytes";

/// Settings that a story adds, as environment variables.
pub type Env = Vec<(&'static str, String)>;

/// Starts a replica of the queue. `name` tells it from others in the same folder.
pub(crate) async fn start_queue(dir: &Path, name: &str, lease_ttl: &str, added: &Env, database_url: &str) -> Process {
    let settings = [
        ("DATABASE_URL", database_url.to_owned()),
        ("LEASE_KEY", LEASE_KEY.to_owned()),
        ("LEASE_TTL", lease_ttl.to_owned()),
        ("HEARTBEAT_INTERVAL", "200ms".to_owned()),
        ("RECLAIM_INTERVAL", "200ms".to_owned()),
    ];
    let env = environment("QUEUE", &settings, dir, name, added);
    Process::start("codeimport-queue", &env, &dir.join(format!("{name}.port"))).await
}

/// Starts the registry.
pub(crate) async fn start_registry(dir: &Path, added: &Env, database_url: &str, queue: &Process) -> Process {
    let settings = [
        ("DATABASE_URL", database_url.to_owned()),
        ("LEASE_KEY", LEASE_KEY.to_owned()),
        ("QUEUE_URL", queue.url()),
        ("LOCAL_TARGET_ROOT", dir.join("targets").display().to_string()),
        // The sources of the stories are on this machine.
        ("ALLOWED_NETWORKS", r#"["127.0.0.0/8", "::1/128"]"#.to_owned()),
    ];
    let env = environment("REGISTRY", &settings, dir, "registry", added);
    Process::start("codeimport-registry", &env, &dir.join("registry.port")).await
}

/// The environment of one service: what all have, its own settings, and what the story adds.
pub(crate) fn environment(
    service: &str,
    settings: &[(&str, String)],
    dir: &Path,
    name: &str,
    added: &Env,
) -> Vec<(String, String)> {
    let port_file = dir.join(format!("{name}.port")).display().to_string();
    let common = [("LISTEN", "127.0.0.1:0".to_owned()), ("PORT_FILE", port_file)];
    let own = common.iter().chain(settings).map(|(key, value)| (format!("CODEIMPORT_{service}_{key}"), value.clone()));
    let added = added.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    own.chain(added).collect()
}

/// A channel that connects when it is used, and again after a restart.
pub(crate) fn channel(process: &Process) -> Channel {
    Endpoint::from_shared(process.url()).expect("an address is a valid URL").connect_lazy()
}
