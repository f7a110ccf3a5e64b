//! What every codeimport process needs and nobody wants to write three times.
//!
//! Configuration, telemetry, health, reflection, orderly shutdown, repeating with a growing delay, the tower layers
//! around every call, errors on the wire. Knows nothing of imports, leases or databases.
//!
//! Nothing here is global except what [`telemetry`] installs, and only a `main` calls that: several services
//! can run in one process.

mod backoff;
pub mod client;
pub mod config;
mod descriptors;
mod failpoint;
mod layers;
pub mod page_token;
mod ready;
mod request;
pub mod server;
mod service_main;
mod shutdown;
mod status;
pub mod tasks;
pub mod telemetry;

pub use backoff::Backoff;
pub use failpoint::failpoint;
pub use layers::{Deadline, RequestId, TraceContext};
pub use ready::Ready;
pub use request::{actor, roles};
pub use service_main::{ServiceConfig, service_main};
pub use shutdown::Shutdown;
pub use status::{ApiError, ERROR_DOMAIN, Violations, code_of, reason_name, reason_of};
