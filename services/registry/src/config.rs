//! The settings of the registry. Keys of the TOML file; `CODEIMPORT_REGISTRY_<KEY>` overrides each.

use crate::{
    caller::Rights,
    key_ring::KeyRing,
    maintenance::Retention,
    policy::Policy,
    run_log_url::RunLogUrl,
    webhook::{RetryPolicy, SenderSettings},
};
use codeimport_core::{InvalidNetwork, LeaseKey, Network, RcsType};
use codeimport_kit::{
    ServiceConfig,
    config::{ConfigDuration, ConfigError, Secret, database_url},
    server::ServerConfig,
};
use serde::Deserialize;
use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

/// The settings of the registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to accept calls; port 0 for any free one. `127.0.0.1:7401`.
    pub listen: SocketAddr,
    /// Where to write the address that was bound.
    pub port_file: Option<PathBuf>,
    /// Where to serve metrics; nowhere if not set.
    pub metrics_listen: Option<SocketAddr>,
    /// How long to go on accepting calls after health has said NOT_SERVING. Longer than one health check of the
    /// balancer in front. 0 s.
    pub drain_notice: ConfigDuration,
    /// How long calls under way may take to end after that. 20 s.
    pub shutdown_grace: ConfigDuration,
    /// Address of the PostgreSQL database; the variable `DATABASE_URL` if not set.
    pub database_url: Option<Secret>,
    /// The secret by which lease tokens are checked: the queue's own, at least 32 bytes.
    pub lease_key: Secret,
    /// Address of the queue. `http://127.0.0.1:7402`.
    pub queue_url: String,
    /// Imports of sources whose address begins with one of these are approved at once.
    pub auto_approve_prefixes: Vec<String>,
    /// And so are those of sources on these hosts and their subdomains.
    pub auto_approve_hosts: Vec<String>,
    /// And so are those of sources of these types: `git`, `svn`, `cvs`, `hg`, `bzr`. All others wait for a review; if all
    /// three lists are empty, all are approved.
    pub auto_approve_rcs_types: BTreeSet<RcsType>,
    /// Only these schemes are read, of those that a type has. Empty: all.
    pub source_schemes: BTreeSet<String>,
    /// Only sources whose address begins with one of these are read. Empty: all.
    pub allowed_source_prefixes: Vec<String>,
    /// Sources whose address begins with one of these are not read.
    pub denied_source_prefixes: Vec<String>,
    /// Sources on these hosts and their subdomains are not read.
    pub denied_hosts: Vec<String>,
    /// Hosts that serve what is imported here; sources on them are not read.
    pub own_hosts: Vec<String>,
    /// Networks that sources may lie in besides the public one: `["10.0.0.0/8"]`. Empty: none.
    pub allowed_networks: Vec<String>,
    /// Addresses that remote targets have to begin with. Empty: no remote targets.
    pub target_prefixes: Vec<String>,
    /// Absolute path of the folder below which local targets lie, as the workers see it. Imports that name no target
    /// get `<root>/<import id>.git`. Not set: no local targets.
    pub local_target_root: Option<PathBuf>,
    /// Names of operators, who review imports: persons, or roles. `*` stands for everybody. `["*"]`.
    pub operators: BTreeSet<String>,
    /// Whether `codeimport-actor` and `codeimport-roles` of a request are believed, because something in front has
    /// checked who calls. Otherwise they are only written down, and give no rights. `false`.
    pub trust_actor_header: bool,
    /// How long entries of the audit trail are kept, deliveries of webhooks, and what runs changed. 30 days.
    pub event_retention: ConfigDuration,
    /// How many results of runs are kept of each import, however old: one less than the queue's failure limit. 4.
    pub kept_results: u16,
    /// Where people read the log of a run, for events that come of one: `https://host/{import_id}/runs/{run_id}`. Empty:
    /// not told.
    pub run_log_url: String,
    /// Keys that seal credentials: 64 hex digits each, separated by commas or white space. The first one seals, all open.
    /// Empty: no credentials are stored.
    pub credential_keys: Secret,
    /// A file with more of them, behind the others.
    pub credential_keys_file: Option<PathBuf>,
    /// Networks that receivers of webhooks may lie in besides the public one: `["10.0.0.0/8"]`. Empty: none.
    pub webhook_networks: Vec<String>,
    /// How long a receiver may take to answer. 10 s.
    pub webhook_timeout: ConfigDuration,
    /// Pause before what a receiver did not take is sent again; doubles with each further failure. 5 s.
    pub webhook_first_pause: ConfigDuration,
    /// Longest pause. 15 min.
    pub webhook_longest_pause: ConfigDuration,
    /// How often something is sent in all before it is given up. 12, which takes about an hour.
    pub webhook_max_attempts: u16,
    /// Where to take pushes by HTTP; nowhere if not set.
    pub trigger_listen: Option<SocketAddr>,
    /// Where to write the address that was bound for them.
    pub trigger_port_file: Option<PathBuf>,
    /// From one run of an import that a push may start to the next. 60 s.
    pub trigger_cool_down: ConfigDuration,
    /// How long after its expiry a lease token is still taken: clocks of queue and registry's databases may differ. 5 s.
    pub lease_skew_allowance: ConfigDuration,
}

impl Default for Config {
    /// Without the secrets, which have no default: [`ServiceConfig::check`] refuses it as it is.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7401)),
            port_file: None,
            metrics_listen: None,
            drain_notice: ConfigDuration::from_secs(0),
            shutdown_grace: ServerConfig::DEFAULT_SHUTDOWN_GRACE,
            database_url: None,
            lease_key: Secret::default(),
            queue_url: "http://127.0.0.1:7402".to_owned(),
            auto_approve_prefixes: Vec::new(),
            auto_approve_hosts: Vec::new(),
            auto_approve_rcs_types: BTreeSet::new(),
            source_schemes: BTreeSet::new(),
            allowed_source_prefixes: Vec::new(),
            denied_source_prefixes: Vec::new(),
            denied_hosts: Vec::new(),
            own_hosts: Vec::new(),
            allowed_networks: Vec::new(),
            target_prefixes: Vec::new(),
            local_target_root: None,
            operators: BTreeSet::from(["*".to_owned()]),
            trust_actor_header: false,
            event_retention: ConfigDuration::from_secs(30 * 24 * 3600),
            kept_results: 4,
            run_log_url: String::new(),
            credential_keys: Secret::default(),
            credential_keys_file: None,
            webhook_networks: Vec::new(),
            webhook_timeout: ConfigDuration::from_secs(10),
            webhook_first_pause: ConfigDuration::from_secs(5),
            webhook_longest_pause: ConfigDuration::from_secs(15 * 60),
            webhook_max_attempts: 12,
            trigger_listen: None,
            trigger_port_file: None,
            trigger_cool_down: ConfigDuration::from_secs(60),
            lease_skew_allowance: ConfigDuration::from_secs(5),
        }
    }
}

impl Config {
    /// The part that the server needs.
    #[must_use]
    pub fn server(&self) -> ServerConfig {
        ServerConfig {
            listen: self.listen,
            port_file: self.port_file.clone(),
            drain_notice: self.drain_notice,
            shutdown_grace: self.shutdown_grace,
        }
    }

    /// What is allowed here.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] if one of `allowed_networks` is none.
    pub fn policy(&self) -> Result<Policy, ConfigError> {
        Ok(Policy {
            auto_approve_prefixes: self.auto_approve_prefixes.clone(),
            auto_approve_hosts: self.auto_approve_hosts.clone(),
            auto_approve_rcs_types: self.auto_approve_rcs_types.clone(),
            source_schemes: self.source_schemes.clone(),
            allowed_source_prefixes: self.allowed_source_prefixes.clone(),
            denied_source_prefixes: self.denied_source_prefixes.clone(),
            denied_hosts: self.denied_hosts.clone(),
            own_hosts: self.own_hosts.clone(),
            allowed_networks: networks("allowed_networks", &self.allowed_networks)?,
            target_prefixes: self.target_prefixes.clone(),
            local_target_root: self.local_target_root.clone(),
        })
    }

    /// Networks that receivers of webhooks may lie in.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] if one of them is none.
    pub fn webhook_networks(&self) -> Result<Vec<Network>, ConfigError> {
        networks("webhook_networks", &self.webhook_networks)
    }

    /// How webhooks are sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] if one of `webhook_networks` is none.
    pub fn webhook_settings(&self) -> Result<SenderSettings, ConfigError> {
        Ok(SenderSettings {
            networks: self.webhook_networks()?,
            timeout: self.webhook_timeout.get(),
            log_url: self.run_log_url(),
            retry: RetryPolicy {
                first_pause: self.webhook_first_pause.get(),
                longest_pause: self.webhook_longest_pause.get(),
                max_attempts: self.webhook_max_attempts.into(),
            },
        })
    }

    /// Who has which rights.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights { operators: self.operators.clone(), trust_claims: self.trust_actor_header }
    }

    /// What is kept of the audit trail.
    #[must_use]
    pub fn retention(&self) -> Retention {
        Retention { keep_for: self.event_retention.get(), kept_results: self.kept_results.into() }
    }

    /// Where people read logs.
    #[must_use]
    pub fn run_log_url(&self) -> RunLogUrl {
        RunLogUrl::new(&self.run_log_url)
    }

    /// The keys that seal credentials.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] if the file cannot be read, or something in it is no key.
    pub fn key_ring(&self) -> Result<KeyRing, ConfigError> {
        let more = self.credential_keys_file.as_ref().map(std::fs::read_to_string).transpose();
        let more =
            more.map_err(|error| ConfigError::invalid("credential_keys_file", format!("cannot be read: {error}")))?;
        let keys = format!("{} {}", self.credential_keys.expose(), more.unwrap_or_default());
        KeyRing::parse(&keys).map_err(|error| ConfigError::invalid("credential_keys", error.to_string()))
    }

    /// The key by which lease tokens are checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] if the secret is too short.
    pub fn lease_key(&self) -> Result<LeaseKey, ConfigError> {
        let too_short = || ConfigError::invalid("lease_key", format!("is shorter than {} bytes", LeaseKey::MIN_LEN));
        LeaseKey::new(self.lease_key.expose().as_bytes()).ok_or_else(too_short)
    }
}

fn networks(key: &'static str, texts: &[String]) -> Result<Vec<Network>, ConfigError> {
    let networks = texts.iter().map(|text| text.parse());
    networks
        .collect::<Result<_, _>>()
        .map_err(|error: InvalidNetwork| ConfigError::invalid(key, format!("has an entry that {error}")))
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), ConfigError> {
        self.lease_key()?;
        self.policy()?;
        self.key_ring()?;
        database_url(self.database_url.as_ref())?;
        if self.local_target_root.as_ref().is_some_and(|root| !root.is_absolute()) {
            return Err(ConfigError::invalid("local_target_root", "is no absolute path"));
        }
        if self.rights().leave_nobody() {
            let text = "leaves nobody who could be one: trust_actor_header is off, so nobody is known by name";
            return Err(ConfigError::invalid("operators", text));
        }
        Ok(())
    }

    fn metrics_listen(&self) -> Option<SocketAddr> {
        self.metrics_listen
    }
}
