//! The pool: how connections are made, bounded and replaced.

use crate::{Client, DbError, client::within};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts};
use std::time::Duration;
use tokio_postgres::NoTls;

/// How long the server may take beyond its own statement time-out before the client gives up on it.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// A connection that answered so lately is taken for alive.
const FRESH: Duration = Duration::from_secs(1);

/// See [`PoolConfig::plans_by_key`]. Comparisons are made dear, so that of two small sets all are never compared with all:
/// they may be large when the plan is used. No workers beside: who counts a whole table now and then must not take all
/// processors from those who are waited for.
const PLANS_BY_KEY: &str = " -c plan_cache_mode=force_generic_plan -c enable_bitmapscan=off -c enable_seqscan=off \
    -c enable_mergejoin=off -c random_page_cost=1.1 -c cpu_operator_cost=0.05 \
    -c max_parallel_workers_per_gather=0";

/// How a service uses its database. Make one with [`PoolConfig::for_service`] and change what differs.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Seen in `pg_stat_activity` and in the server's log.
    pub application_name: String,
    /// The only schema that unqualified names are looked up in; the server's default if none.
    pub schema: Option<String>,
    /// Most connections held at once.
    pub max_connections: usize,
    /// Longest wait for a connection: for a free one, and for a new one to be made.
    pub connect_timeout: Duration,
    /// Longest single statement.
    pub statement_timeout: Duration,
    /// Longest wait for a row lock. Shorter than the statement time-out, so that it is told apart.
    pub lock_timeout: Duration,
    /// The server ends a transaction that does nothing for this long; its client must have died.
    pub idle_in_transaction_timeout: Duration,
    /// For a service whose statements find their rows by a key, in the order of an index: they are planned so, and once
    /// per connection. Else the server plans most of them anew at each call, and may take a large part of a table for few
    /// rows.
    pub plans_by_key: bool,
}

impl PoolConfig {
    /// The settings of a service: its name as application name, its own schema, bounded times.
    #[must_use]
    pub fn for_service(service: &str) -> Self {
        Self {
            application_name: format!("codeimport-{service}"),
            schema: Some(service.to_owned()),
            max_connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(30),
            plans_by_key: false,
        }
    }

    /// As the server's command line wants it. Set with the connection itself, so that no statement ever runs without.
    ///
    /// No JIT: services run short statements, and compiling one takes fifty times as long as running it.
    fn server_options(&self) -> String {
        let mut options = format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c TimeZone=UTC -c jit=off",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
            self.idle_in_transaction_timeout.as_millis(),
        );
        if self.plans_by_key {
            options.push_str(PLANS_BY_KEY);
        }
        if let Some(schema) = &self.schema {
            options.push_str(&format!(" -c search_path={schema}"));
        }
        options
    }
}

/// A database. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Db {
    pub(crate) pool: Pool,
    pub(crate) server: tokio_postgres::Config,
    answer_within: Duration,
}

impl Db {
    /// A pool for a database URL (`postgresql://user:password@host:port/database`, or with a percent-encoded socket
    /// folder as host). Connects at the first use, so that a service can start before its database.
    ///
    /// # Errors
    ///
    /// [`DbError::Url`]. The message does not repeat the URL, which may hold a password.
    pub fn connect(url: &str, config: PoolConfig) -> Result<Self, DbError> {
        let mut server: tokio_postgres::Config =
            url.parse().map_err(|error: tokio_postgres::Error| DbError::Url(error.to_string()))?;
        server
            .options(config.server_options())
            .application_name(config.application_name)
            .connect_timeout(config.connect_timeout)
            // Finds a dead peer behind a silent network within about half a minute.
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(4)
            .tcp_user_timeout(Duration::from_secs(30));
        // One that the server has closed is replaced in any case.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(server.clone(), NoTls, recycling))
            .pre_recycle(sign_of_life(config.connect_timeout))
            .max_size(config.max_connections)
            // The one that was used last: its server process has at hand what the next statement needs.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(config.connect_timeout),
                create: Some(config.connect_timeout),
                recycle: Some(config.connect_timeout),
            })
            .build()
            .map_err(|error| DbError::Url(error.to_string()))?;
        Ok(Self { pool, server, answer_within: config.statement_timeout + ANSWER_MARGIN })
    }

    /// A connection for single statements. Statements that belong together go into [`Db::run_tx`].
    ///
    /// # Errors
    ///
    /// [`DbError::Connect`] if there is none in time.
    pub async fn client(&self) -> Result<Client, DbError> {
        let inner = self.pool.get().await.map_err(DbError::Connect)?;
        Ok(Client { inner, answer_within: self.answer_within })
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    ///
    /// [`DbError`] with [`DbError::is_unavailable`] if there is none.
    pub async fn ping(&self) -> Result<(), DbError> {
        let client = self.client().await?;
        within(self.answer_within, client.inner.simple_query("")).await.map(drop)
    }

    /// Waits until the server answers, at most this long. For a service's start: its database may start with it.
    ///
    /// # Errors
    ///
    /// The last reason why it did not; at once if waiting cannot help.
    pub async fn wait_until_up(&self, at_most: Duration) -> Result<(), DbError> {
        const PAUSE: Duration = Duration::from_millis(250);
        let deadline = tokio::time::Instant::now() + at_most;
        loop {
            match self.ping().await {
                Err(error) if error.is_unavailable() && tokio::time::Instant::now() < deadline => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "database is not up yet");
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Closes all connections that are not in use, and all others when they come back. For tests and for the end.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// Asks a connection that has not been used for a while for a sign of life before it is used again: one behind which
/// nobody answers any more is replaced and not handed out.
fn sign_of_life(at_most: Duration) -> Hook {
    Hook::async_fn(move |client, metrics| {
        let fresh = metrics.last_used() < FRESH;
        Box::pin(async move {
            if fresh {
                return Ok(());
            }
            match tokio::time::timeout(at_most, client.simple_query("")).await {
                Ok(answer) => answer.map(drop).map_err(HookError::Backend),
                Err(_) => Err(HookError::message("no answer")),
            }
        })
    })
}
