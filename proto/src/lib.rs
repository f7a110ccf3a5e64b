//! The contract of codeimport, compiled: what services and clients say to each other.
//!
//! The `.proto` files are the documentation; this crate adds nothing but [`convert`], which is the only
//! place where wire values become domain values and back.

pub mod convert;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated; documented in the .proto files"
)]
mod generated {
    pub mod common {
        pub mod v1 {
            tonic::include_proto!("codeimport.common.v1");
        }
    }
    pub mod queue {
        pub mod v1 {
            tonic::include_proto!("codeimport.queue.v1");
        }
    }
    pub mod registry {
        pub mod v1 {
            tonic::include_proto!("codeimport.registry.v1");
        }
    }
    pub mod worker {
        pub mod v1 {
            tonic::include_proto!("codeimport.worker.v1");
        }
    }
}

/// `codeimport.common.v1`: words that all services use.
pub use generated::common::v1 as common;
/// `codeimport.queue.v1`: schedules, leases, runs.
pub use generated::queue::v1 as queue;
/// `codeimport.registry.v1`: definitions, review, what the scan found.
pub use generated::registry::v1 as registry;
/// `codeimport.worker.v1`: one worker, seen from near.
pub use generated::worker::v1 as worker;

/// All our `.proto` files with their comments, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
