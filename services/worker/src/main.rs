//! The worker as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeimport_kit::service_main("worker", codeimport_worker::VERSION, codeimport_worker::run)
}
