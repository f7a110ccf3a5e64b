//! The `codeimport` command: brings the services up on one machine, and speaks to them; and converts without any of them.
//!
//! Everything it does with a running system goes through the public API: what this command can do, a generated
//! client can do too. Exit codes are part of the interface, see [`exit`].

mod api;
mod args;
mod bulk;
mod credential;
mod display;
mod endpoints;
mod exit;
mod import;
mod local;
mod operate;
mod output;
mod pages;
mod progress;
mod recognize;
mod trigger;
mod up;
mod view;
mod wait;
mod webhook;
mod words;

use args::{Cli, Command};
use clap::Parser as _;
use local::LocalCommand;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&exit::Failure::other("cannot start the runtime", error)),
    };
    let output = output::Output { json: cli.global.json };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Up(up) => up::run(&cli.global, &up).await,
            Command::Import(import) => import::run(&cli.global, import).await,
            Command::Credential(command) => credential::run(&cli.global, command).await,
            Command::Trigger(command) => trigger::run(&cli.global, command).await,
            Command::Webhook(command) => webhook::run(&cli.global, command).await,
            Command::Worker(command) => operate::worker(&cli.global, command).await,
            Command::Host(command) => operate::host(&cli.global, command).await,
            Command::Queue(command) => operate::queue(&cli.global, command).await,
            Command::Convert(convert) => local::run(output, LocalCommand::Convert(convert)).await,
            Command::Map(map) => local::run(output, LocalCommand::Map(map)).await,
            Command::Verify(verify) => local::run(output, LocalCommand::Verify(verify)).await,
            Command::Preview(preview) => local::run(output, LocalCommand::Preview(preview)).await,
            Command::Poll(poll) => local::run(output, LocalCommand::Poll(poll)).await,
        }
    });
    // Blocking work of an embedded worker may still hold threads; the process does not wait for them.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => exit::report(&failure),
    }
}
