//! One server per run, one database per test.
//!
//! The server is the one that `CODEIMPORT_TEST_DATABASE_URL` names (`make test` sets it through the program
//! `with-postgres`), else one that the first test of the process starts. The schemas are migrated once, in a template
//! database; each test gets a copy of it, which is dropped with the [`TestDb`].
//!
//! Panics where a test could not go on anyway.

use crate::{Db, DbError, Embedded, EmbeddedError, PoolConfig, embedded::connect_admin};
use refinery::Runner;
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{OnceLock, mpsc},
    thread,
};
use uuid::Uuid;

/// Names a server whose superuser the tests may be.
pub const ENV_URL: &str = "CODEIMPORT_TEST_DATABASE_URL";

/// Two processes that make the same template take turns. Any number that nobody else uses.
const TEMPLATE_LOCK: i64 = 0x6369_6d70_7465_7374;

/// A database for one test, with its schemas migrated. Dropped with this value.
pub struct TestDb {
    name: String,
    url: String,
}

impl TestDb {
    /// Makes a database with these schemas: names, each with its migrations.
    ///
    /// # Panics
    ///
    /// If there is no server to be had, or a migration fails.
    pub async fn new(schemas: &[(&str, Runner)]) -> Self {
        Self::create(schemas).await.expect("a test database can be made")
    }

    async fn create(schemas: &[(&str, Runner)]) -> Result<Self, DbError> {
        let admin = connect_admin(server_url()).await?;
        let template = template(&admin, schemas).await?;
        let name = format!("test_{}", Uuid::new_v4().simple());
        admin.batch_execute(&format!("-- test.clone\nCREATE DATABASE {name} TEMPLATE {template}")).await?;
        let url = with_database(server_url(), &name);
        Ok(Self { name, url })
    }

    /// The database's URL, as superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool of its own for this database.
    ///
    /// # Panics
    ///
    /// If the server's URL is wrong.
    #[must_use]
    pub fn db(&self, service: &str) -> Db {
        Db::connect(&self.url, PoolConfig::for_service(service)).expect("the URL has worked before")
    }
}

impl Drop for TestDb {
    /// In a thread, because the test's runtime may be at its end; and not waited for, because nothing depends on it.
    fn drop(&mut self) {
        let drop_it = format!("-- test.drop\nDROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        thread::spawn(move || {
            block_on(async {
                if let Ok(admin) = connect_admin(server_url()).await {
                    // A database that stays goes with the server.
                    let _ = admin.batch_execute(&drop_it).await;
                }
            });
        });
    }
}

/// The name of the template for these schemas, made by whoever comes first.
async fn template(admin: &tokio_postgres::Client, schemas: &[(&str, Runner)]) -> Result<String, DbError> {
    let name = template_name(schemas);
    admin.query_one("-- test.lock_template\nSELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).await?;
    let made = make_template(admin, &name, schemas).await;
    admin.query_one("-- test.unlock_template\nSELECT pg_advisory_unlock($1)", &[&TEMPLATE_LOCK]).await?;
    made.map(|()| name)
}

async fn make_template(admin: &tokio_postgres::Client, name: &str, schemas: &[(&str, Runner)]) -> Result<(), DbError> {
    let exists = "-- test.template_exists\nSELECT FROM pg_database WHERE datname = $1";
    if admin.query_opt(exists, &[&name]).await?.is_some() {
        return Ok(());
    }
    // Renamed at the end: a half-made one is never copied.
    admin.batch_execute(&format!("-- test.drop_half_made\nDROP DATABASE IF EXISTS {name}_new WITH (FORCE)")).await?;
    admin.batch_execute(&format!("-- test.create_template\nCREATE DATABASE {name}_new")).await?;
    let url = with_database(server_url(), &format!("{name}_new"));
    for (schema, runner) in schemas {
        Db::connect(&url, PoolConfig::for_service(schema))?.migrate(schema, copy(runner)).await?;
    }
    admin.batch_execute(&format!("-- test.name_template\nALTER DATABASE {name}_new RENAME TO {name}")).await?;
    Ok(())
}

/// The same schemas with the same migrations have the same name, in every process.
fn template_name(schemas: &[(&str, Runner)]) -> String {
    let mut hasher = DefaultHasher::new();
    for (schema, runner) in schemas {
        schema.hash(&mut hasher);
        for migration in runner.get_migrations() {
            (migration.version(), migration.name(), migration.checksum()).hash(&mut hasher);
        }
    }
    format!("template_{:016x}", hasher.finish())
}

fn copy(runner: &Runner) -> Runner {
    Runner::new(runner.get_migrations())
}

/// The same server, another database. The path is all that stands behind the host in these URLs.
fn with_database(url: &str, database: &str) -> String {
    let at = url.rfind('/').unwrap_or(url.len());
    let query = url[at..].find('?').map_or("", |query| &url[at + query..]);
    format!("{}/{database}{query}", &url[..at])
}

/// The URL of the run's server.
fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| std::env::var(ENV_URL).unwrap_or_else(|_| own_server()))
}

/// Starts a server that ends with this process: nothing drops a static, but the kernel ends the orphan.
fn own_server() -> String {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let server = block_on(start_in_free_slot()).expect("a PostgreSQL server for the tests can be started");
        sender.send(server.url()).expect("the test waits for the URL");
        // Its guard thread lives on in here; so must the handle.
        loop {
            thread::park();
        }
    });
    receiver.recv().expect("the server's thread sends its URL")
}

/// A few fixed folders, each emptied when it is taken: runs leave one small cluster behind and not one each.
async fn start_in_free_slot() -> Result<Embedded, EmbeddedError> {
    let user = rustix::process::geteuid().as_raw();
    let mut slot = 0;
    loop {
        let dir = std::env::temp_dir().join(format!("codeimport-test-{user}-{slot}"));
        match Embedded::start_throwaway(&dir).await {
            Err(EmbeddedError::InUse(_)) => slot += 1,
            result => return result,
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made").block_on(future)
}
