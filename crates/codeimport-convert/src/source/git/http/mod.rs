//! HTTP for gix.
//!
//! ```text
//!   client    implements gix's trait
//!   exchange  one request with its answer; sent when the answer is asked for
//!   answer    status and headers -> is this Git?
//! ```

mod answer;
mod client;
mod exchange;

pub(super) use client::HttpClient;
