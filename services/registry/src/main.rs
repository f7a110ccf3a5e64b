//! The registry as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeimport_kit::service_main("registry", env!("CARGO_PKG_VERSION"), codeimport_registry::run)
}
