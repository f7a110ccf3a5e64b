//! The `main` of every service: options, configuration, telemetry, signals, run, exit code.

use crate::{
    Ready, Shutdown,
    config::{self, ConfigError},
    telemetry,
};
use clap::{Arg, Command, value_parser};
use serde::de::DeserializeOwned;
use std::{
    fmt::Debug,
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Bad usage or configuration: repeating cannot help (`EX_USAGE` of BSD's sysexits).
const EXIT_USAGE: u8 = 64;
/// Everything else that ended the service before it was asked to stop.
const EXIT_FAILURE: u8 = 1;

/// What [`service_main`] has to know of a service's configuration.
pub trait ServiceConfig: DeserializeOwned + Debug {
    /// Checks what types cannot: lengths, combinations.
    ///
    /// # Errors
    ///
    /// The first key that cannot be right.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Where metrics are served; none for nowhere.
    fn metrics_listen(&self) -> Option<SocketAddr> {
        None
    }
}

/// Runs a service as a process of its own, until it fails or is told to stop by SIGTERM or SIGINT.
///
/// Exit codes: 0 after an orderly stop, 64 for bad usage or configuration, 1 for any other failure.
pub fn service_main<C, F, Fut>(name: &'static str, version: &'static str, run: F) -> ExitCode
where
    C: ServiceConfig,
    F: FnOnce(C, Shutdown, Ready) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let file = match parse_options(name, version) {
        Ok(file) => file,
        Err(exit) => return exit,
    };
    let config = match load_checked::<C>(name, file.as_deref()) {
        Ok(config) => config,
        Err(error) => return complain(EXIT_USAGE, &error.to_string()),
    };
    match start(name, version, config, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(EXIT_FAILURE, &format!("{error:#}")),
    }
}

fn parse_options(name: &'static str, version: &'static str) -> Result<Option<PathBuf>, ExitCode> {
    let config = Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf));
    let command = Command::new(name)
        .bin_name(format!("codeimport-{name}"))
        .display_name(format!("codeimport-{name}"))
        .version(version)
        .about(format!("The {name} service of codeimport."))
        .arg(
            config.help(format!("Settings in TOML; variables CODEIMPORT_{}_<KEY> override them", name.to_uppercase())),
        );
    match command.try_get_matches() {
        Ok(mut matches) => Ok(matches.remove_one("config")),
        Err(error) => {
            // Help and version come as errors, too, and are none. A closed pipe is nobody's fault.
            let _ = error.print();
            Err(if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS })
        }
    }
}

fn load_checked<C: ServiceConfig>(name: &'static str, file: Option<&Path>) -> Result<C, ConfigError> {
    let config: C = config::load(name, file)?;
    config.check()?;
    Ok(config)
}

fn start<C, F, Fut>(name: &'static str, version: &'static str, config: C, run: F) -> anyhow::Result<()>
where
    C: ServiceConfig,
    F: FnOnce(C, Shutdown, Ready) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    telemetry::init()?;
    tracing::info!(service.name = name, service.version = version, config = ?config, "starting");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        if let Some(address) = config.metrics_listen() {
            telemetry::serve_metrics(address)?;
        }
        run(config, Shutdown::on_signals()?, Ready::ignored()).await
    });
    // Blocking work that is still under way must not keep a finished service alive.
    runtime.shutdown_background();
    match &ended {
        Ok(()) => tracing::info!(service.name = name, "stopped"),
        Err(error) => tracing::error!(service.name = name, error.cause = format!("{error:#}"), "failed"),
    }
    ended
}

/// To a person at a terminal, who may not have a log: the log needs a configuration first.
#[expect(clippy::print_stderr, reason = "the process ends here, and standard error is where its starter looks")]
fn complain(code: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}
