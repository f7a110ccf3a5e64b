//! HTTP for gix: every wait has an end, every failure keeps its meaning.
//!
//! ```text
//!   client    implements gix's trait
//!   exchange  one request with its answer; sent when the answer is asked for
//!   pump      the thread that waits for the server, and the reader that may stop waiting for it
//!   answer    status and headers -> is this Git?
//! ```

mod answer;
mod client;
mod exchange;
mod pump;

pub(super) use client::HttpClient;
