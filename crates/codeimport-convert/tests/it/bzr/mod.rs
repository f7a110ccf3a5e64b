//! Bazaar branches, made and compared by the real `brz`.

mod copy;
mod corpora;
mod failures;
mod following;
mod generated;
mod polling;
mod repository;
mod server;
