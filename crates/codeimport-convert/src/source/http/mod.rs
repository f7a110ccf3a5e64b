//! HTTP to sources: every wait has an end, every failure keeps its meaning.
//!
//! ```text
//!   client  for one host; redirects stay there
//!   tls     one configuration for all of them
//!   pump    the thread that waits for the server, and the reader that may stop waiting for it
//!   head    status and headers of an answer
//! ```

mod client;
mod head;
mod pump;
mod tls;

pub(super) use client::client;
pub(super) use head::Head;
pub(super) use pump::{Body, Patience, Sent, read_buffered, send, start};
