//! The queue service as a process of its own.

use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    codeimport_kit::service_main("queue", env!("CARGO_PKG_VERSION"), codeimport_queue::run)
}
