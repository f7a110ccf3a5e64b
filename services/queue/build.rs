//! Makes a new migration count: cargo does not see the files that `embed_migrations!` reads.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/queue");
}
