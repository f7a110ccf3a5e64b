//! The queue service as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeimport_kit::service_main("queue", env!("CARGO_PKG_VERSION"), codeimport_queue::run)
}
