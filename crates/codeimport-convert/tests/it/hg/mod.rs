//! Mercurial: every changeset is what Mercurial itself exports, however the conversion was cut up and whichever way it came.

mod copy;
mod corpora;
mod damage;
mod failures;
mod following;
mod generated;
mod refused;
mod repository;
mod rewritten;
