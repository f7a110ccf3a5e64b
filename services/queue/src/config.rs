//! The queue's settings.

use crate::{
    breaker::BreakerPolicy,
    host::{HostLimits, HostPolicy},
    next_due::Limits,
    store::{Policy, Retention, RunBounds},
};
use codeimport_core::{LeaseKey, RcsType, Stage};
use codeimport_kit::{
    ServiceConfig,
    config::{ConfigDuration, ConfigError, Secret, database_url},
    server::ServerConfig,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// How long a worker may repeat a request for leases: far longer than any of them lasts without an answer.
const REQUEST_RETENTION: Duration = Duration::from_secs(3600);

/// The queue's settings: a TOML file, then `CODEIMPORT_QUEUE_<KEY>`. Spans are written with their unit: `"30s"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to accept calls; port 0 for any free one. `127.0.0.1:7402`.
    pub listen: SocketAddr,
    /// Where to write the address that was bound, for whoever asked for port 0.
    pub port_file: Option<PathBuf>,
    /// Where to serve metrics (Prometheus text); nowhere if not set.
    pub metrics_listen: Option<SocketAddr>,
    /// How long to go on answering after health has said NOT_SERVING; as long as a balancer needs to see it. `0s`.
    pub drain_notice: ConfigDuration,
    /// How long calls under way may take to end after that. Long polls end at once. `20s`.
    pub shutdown_grace: ConfigDuration,
    /// The database; `DATABASE_URL` of the environment if not set.
    pub database_url: Option<Secret>,
    /// Secret of at least 32 bytes that signs lease tokens; the registry needs the same.
    pub lease_key: Secret,
    /// How long a lease lasts without a heartbeat. Short: a dead worker is noticed soon. Long: a slow network is
    /// forgiven. `30s`.
    pub lease_ttl: ConfigDuration,
    /// How often workers are told to send heartbeats; at most a third of `lease_ttl`, so that two may get lost. `3s`.
    pub heartbeat_interval: ConfigDuration,
    /// How often to look for expired leases. `1s`.
    pub reclaim_interval: ConfigDuration,
    /// Longest wait of an AcquireLeases that finds nothing. `30s`.
    pub long_poll_cap: ConfigDuration,
    /// Counted failures in a row that stop a job. 5.
    pub failure_limit: u32,
    /// Reclaims in a row that stop a job. 5.
    pub reclaim_limit: u32,
    /// Longest delay that failures in a row lead to; a longer update interval stays as it is. `168h`.
    pub backoff_cap: ConfigDuration,
    /// Most runs at a time for one source host, unless operators have set another limit for it; 0 for any number. 8.
    pub host_concurrency: u32,
    /// Most starts in a minute for one source host, likewise; 0 for any number. 0.
    pub host_starts_per_minute: u32,
    /// Runs in a row that find a host in trouble before it is left alone for a while. 3.
    pub breaker_trip_after: u32,
    /// How long it is left alone then; doubles each time that it is still in trouble. `1m`.
    pub breaker_pause: ConfigDuration,
    /// Longest time that a host is left alone, whatever it asks for. `1h`.
    pub breaker_pause_cap: ConfigDuration,
    /// After so many pauses in a row a host may be gone for good, and its imports say so. The default is about a day, with
    /// those of the pauses. 30.
    pub host_down_after: u32,
    /// Longest time for a run, from start to end; then it is told to stop. `24h`.
    pub run_deadline: ConfigDuration,
    /// Longest time without any progress, for each stage that has a limit. `30m` for each.
    pub stall_limits: BTreeMap<Stage, ConfigDuration>,
    /// How long a run that was told to stop may take to clean up before its lease ends. `1m`.
    pub cancel_grace: ConfigDuration,
    /// Most runs at a time of one RCS type: `rcs_concurrency.cvs = 2`. None is limited if not set.
    pub rcs_concurrency: BTreeMap<RcsType, u32>,
    /// A worker that was not heard of for so long is OFFLINE. Longer than `long_poll_cap`: an idle one says nothing else.
    /// `90s`.
    pub worker_silence: ConfigDuration,
    /// How long finished runs and their logs are kept, and workers that are gone. `720h`.
    pub history_retention: ConfigDuration,
    /// So many of the newest runs of each job are kept, however old. 20.
    pub runs_kept_per_job: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7402)),
            port_file: None,
            metrics_listen: None,
            drain_notice: ConfigDuration::from_secs(0),
            shutdown_grace: ServerConfig::DEFAULT_SHUTDOWN_GRACE,
            database_url: None,
            // Empty is refused by the check: there is no default secret.
            lease_key: Secret::from(""),
            lease_ttl: ConfigDuration::from_secs(30),
            heartbeat_interval: ConfigDuration::from_secs(3),
            reclaim_interval: ConfigDuration::from_secs(1),
            long_poll_cap: ConfigDuration::from_secs(30),
            failure_limit: 5,
            reclaim_limit: 5,
            backoff_cap: ConfigDuration::from_secs(7 * 86_400),
            host_concurrency: 8,
            host_starts_per_minute: 0,
            breaker_trip_after: 3,
            breaker_pause: ConfigDuration::from_secs(60),
            breaker_pause_cap: ConfigDuration::from_secs(3_600),
            host_down_after: 30,
            run_deadline: ConfigDuration::from_secs(86_400),
            stall_limits: Stage::ALL.iter().map(|stage| (*stage, ConfigDuration::from_secs(30 * 60))).collect(),
            cancel_grace: ConfigDuration::from_secs(60),
            rcs_concurrency: BTreeMap::new(),
            worker_silence: ConfigDuration::from_secs(90),
            history_retention: ConfigDuration::from_secs(30 * 86_400),
            runs_kept_per_job: 20,
        }
    }
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), ConfigError> {
        self.signing_key()?;
        database_url(self.database_url.as_ref())?;
        let spans = [
            ("lease_ttl", self.lease_ttl),
            ("heartbeat_interval", self.heartbeat_interval),
            ("reclaim_interval", self.reclaim_interval),
        ];
        if let Some((key, _)) = spans.iter().find(|(_, span)| span.get().is_zero()) {
            return Err(ConfigError::invalid(key, "must not be zero"));
        }
        if self.heartbeat_interval.get() * 3 > self.lease_ttl.get() {
            return Err(ConfigError::invalid("heartbeat_interval", "must be at most a third of lease_ttl"));
        }
        if self.worker_silence.get() <= self.long_poll_cap.get() {
            return Err(ConfigError::invalid("worker_silence", "must be longer than long_poll_cap"));
        }
        let limits = [("failure_limit", self.failure_limit), ("reclaim_limit", self.reclaim_limit)];
        match limits.iter().find(|(_, limit)| *limit == 0) {
            Some((key, _)) => Err(ConfigError::invalid(key, "must be at least 1")),
            None => Ok(()),
        }
    }

    fn metrics_listen(&self) -> Option<SocketAddr> {
        self.metrics_listen
    }
}

impl Config {
    /// The key that signs lease tokens.
    ///
    /// # Errors
    ///
    /// If the secret is too short.
    pub fn signing_key(&self) -> Result<LeaseKey, ConfigError> {
        LeaseKey::new(self.lease_key.expose().as_bytes())
            .ok_or_else(|| ConfigError::invalid("lease_key", "must be set, to at least 32 bytes"))
    }

    pub(crate) fn policy(&self) -> Policy {
        let any_if_zero = |limit| Some(limit).filter(|limit| *limit > 0);
        Policy {
            limits: Limits {
                failure_limit: self.failure_limit,
                reclaim_limit: self.reclaim_limit,
                backoff_cap: self.backoff_cap.get(),
            },
            hosts: HostPolicy {
                limits: HostLimits {
                    max_running: any_if_zero(self.host_concurrency),
                    starts_per_minute: any_if_zero(self.host_starts_per_minute),
                },
                breaker: BreakerPolicy {
                    trip_after: self.breaker_trip_after,
                    first_pause: self.breaker_pause.get(),
                    longest_pause: self.breaker_pause_cap.get(),
                    down_after: self.host_down_after,
                },
            },
            runs: RunBounds {
                deadline: self.run_deadline.get(),
                stall: self.stall_limits.iter().map(|(stage, limit)| (*stage, limit.get())).collect(),
                grace: self.cancel_grace.get(),
            },
            type_limits: self.rcs_concurrency.clone(),
        }
    }

    pub(crate) fn retention(&self) -> Retention {
        Retention {
            history: self.history_retention.get(),
            runs_per_job: self.runs_kept_per_job,
            requests: REQUEST_RETENTION,
        }
    }

    pub(crate) fn server(&self) -> ServerConfig {
        ServerConfig {
            listen: self.listen,
            port_file: self.port_file.clone(),
            drain_notice: self.drain_notice,
            shutdown_grace: self.shutdown_grace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        Config {
            lease_key: Secret::from("0123456789abcdef0123456789abcdef"),
            database_url: Some(Secret::from("postgresql://host/codeimport")),
            ..Config::default()
        }
    }

    fn complaint(config: &Config) -> String {
        config.check().expect_err("the check complains").to_string()
    }

    #[test]
    fn the_defaults_are_right_but_for_secret_and_database() {
        assert!(good().check().is_ok());
        assert!(complaint(&Config::default()).contains("lease_key"));
    }

    #[test]
    fn settings_that_would_lose_every_lease_are_refused() {
        let hasty = Config { heartbeat_interval: ConfigDuration::from_secs(20), ..good() };
        assert!(complaint(&hasty).contains("heartbeat_interval"));
        assert!(complaint(&Config { lease_ttl: ConfigDuration::from_secs(0), ..good() }).contains("lease_ttl"));
        assert!(complaint(&Config { reclaim_limit: 0, ..good() }).contains("reclaim_limit"));
    }
}
