//! Compiles the `.proto` files without needing `protoc` on the machine.
//!
//! The descriptor set keeps the comments, so that server reflection can show them.

use prost::Message as _;
use std::{env, fs, path::PathBuf};

const ROOTS: [&str; 11] = [
    "codeimport/common/v1/error_reason.proto",
    "codeimport/queue/v1/host_service.proto",
    "codeimport/queue/v1/lease_service.proto",
    "codeimport/queue/v1/run_service.proto",
    "codeimport/queue/v1/schedule_service.proto",
    "codeimport/queue/v1/stats_service.proto",
    "codeimport/registry/v1/run_support_service.proto",
    "codeimport/registry/v1/scan_service.proto",
    "codeimport/registry/v1/trigger_service.proto",
    "codeimport/registry/v1/webhook_service.proto",
    "codeimport/worker/v1/worker_service.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=codeimport");
    let descriptors = protox::compile(ROOTS, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(out, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
