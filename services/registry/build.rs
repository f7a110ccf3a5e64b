//! Rebuilds when a migration is added or changed: the macro that embeds them does not tell cargo.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/registry");
}
