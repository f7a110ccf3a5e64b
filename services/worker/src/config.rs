//! What can be set of a worker: a TOML file, or variables `CODEIMPORT_WORKER_<KEY>`.

use codeimport_convert::Ssh;
use codeimport_kit::{
    ServiceConfig,
    config::{ConfigDuration, ConfigError},
};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// Most slots of one worker: the queue grants at most 100 leases at once.
const MAX_SLOTS: u32 = 100;

/// Longest worker id, in bytes; the queue's limit.
const MAX_WORKER_ID_LEN: usize = 200;

/// Settings of a worker.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where `WorkerService` is served. Default `127.0.0.1:7403`; port 0: any free one.
    pub listen: SocketAddr,
    /// Where to write the address that was bound, as one line of text.
    pub port_file: Option<PathBuf>,
    /// Where metrics are served, for Prometheus. Absent: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// How long runs may go on after the worker was told to stop, before they are given back to the queue. Default 30 s.
    pub shutdown_grace: ConfigDuration,
    /// Address of the queue. Default `http://127.0.0.1:7402`.
    pub queue_url: String,
    /// Address of the registry. Default `http://127.0.0.1:7401`.
    pub registry_url: String,
    /// Names this worker in the queue; unique among the living, at most 200 bytes. Absent: host name, process id and a
    /// random part.
    pub worker_id: Option<String>,
    /// How many jobs are run at once, 1 to 100. Default 2.
    pub slots: u32,
    /// Folder for caches (in `cache/` below it). May be shared by workers of one machine, and lost at any time. Default
    /// `/var/lib/codeimport/worker`.
    pub data_dir: PathBuf,
    /// How much of a lease must be left before something is written under it; a third of the lease at most. Covers the
    /// way to target and registry and the difference of clocks. Default 5 s.
    pub lease_safety_margin: ConfigDuration,
    /// Private key, without a passphrase, by which sources are read over SSH; together with `ssh_known_hosts`. Absolute
    /// path. Absent: such sources are refused.
    pub ssh_key: Option<PathBuf>,
    /// Keys of the hosts that may be read over SSH, in the form of OpenSSH's `known_hosts`. A host that is not in it is
    /// refused. Absolute path.
    pub ssh_known_hosts: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7403)),
            port_file: None,
            metrics_listen: None,
            shutdown_grace: ConfigDuration::from_secs(30),
            queue_url: "http://127.0.0.1:7402".to_owned(),
            registry_url: "http://127.0.0.1:7401".to_owned(),
            worker_id: None,
            slots: 2,
            data_dir: PathBuf::from("/var/lib/codeimport/worker"),
            lease_safety_margin: ConfigDuration::from_secs(5),
            ssh_key: None,
            ssh_known_hosts: None,
        }
    }
}

impl Config {
    /// Where the caches are.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.data_dir.join("cache")
    }

    /// How sources are read over SSH.
    pub(crate) fn ssh(&self) -> Result<Ssh, ConfigError> {
        match (&self.ssh_key, &self.ssh_known_hosts) {
            (None, None) => Ok(Ssh::Off),
            (Some(key), Some(known_hosts)) => Ssh::pinned(key.clone(), known_hosts.clone())
                .map_err(|error| ConfigError::invalid("ssh_key", format!("or ssh_known_hosts {error}"))),
            _ => Err(ConfigError::invalid("ssh_key", "and ssh_known_hosts go together")),
        }
    }

    /// The worker's name: as configured, else made up for this process.
    pub(crate) fn worker_id(&self) -> String {
        self.worker_id.clone().unwrap_or_else(|| {
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let host = if host.trim().is_empty() { "worker" } else { host.trim() };
            format!("{host}-{}-{:06x}", std::process::id(), rand::random::<u32>() >> 8)
        })
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MAX_SLOTS).contains(&self.slots) {
            return Err(ConfigError::invalid("slots", format!("must be 1 to {MAX_SLOTS}")));
        }
        let id_fits = self.worker_id.as_ref().is_none_or(|id| (1..=MAX_WORKER_ID_LEN).contains(&id.len()));
        if !id_fits {
            return Err(ConfigError::invalid("worker_id", format!("must have 1 to {MAX_WORKER_ID_LEN} bytes")));
        }
        self.ssh().map(drop)
    }

    fn metrics_listen(&self) -> Option<SocketAddr> {
        self.metrics_listen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_without_slots_is_refused() {
        assert!(Config { slots: 0, ..Config::default() }.check().is_err());
        assert!(Config { slots: 101, ..Config::default() }.check().is_err());
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn a_key_for_ssh_needs_known_hosts() {
        let (key, hosts) = (Some(PathBuf::from("/etc/key")), Some(PathBuf::from("/etc/known_hosts")));
        let config = |ssh_key: &Option<PathBuf>, ssh_known_hosts: &Option<PathBuf>| {
            let (ssh_key, ssh_known_hosts) = (ssh_key.clone(), ssh_known_hosts.clone());
            Config { ssh_key, ssh_known_hosts, ..Config::default() }
        };
        assert!(config(&key, &hosts).check().is_ok());
        assert!(config(&key, &None).check().is_err() && config(&None, &hosts).check().is_err());
        assert!(config(&Some("key".into()), &hosts).check().is_err());
    }

    #[test]
    fn two_workers_of_one_process_have_different_names() {
        let config = Config::default();
        assert_ne!(config.worker_id(), config.worker_id());
        assert!(Config { worker_id: Some(String::new()), ..config }.check().is_err());
    }
}
