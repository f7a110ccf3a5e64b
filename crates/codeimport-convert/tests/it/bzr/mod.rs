//! Bazaar branches, made and compared by the real `brz`.

mod copy;
mod corpora;
mod failures;
mod generated;
mod repository;
mod server;
