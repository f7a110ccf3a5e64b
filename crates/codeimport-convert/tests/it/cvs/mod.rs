//! CVS: every branch and tag is what CVS itself exports, however the conversion was cut up and whichever way it came.

mod copy;
mod corpora;
mod damage;
mod failures;
mod findings;
mod generated;
mod repository;
mod server;
mod ssh;
mod stability;
mod transports;
