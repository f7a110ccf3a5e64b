//! Histories made by dice with Bazaar's own library: whatever it takes, the engine has to follow.

use super::copy::Copy;
use super::repository::Branches;
use super::server::BzrServer;

/// Revisions that are added at a time: each costs a `brz export`.
const STEP: u64 = 12;

fn check(seed: u64, format: &str, steps: u64) {
    let branches = Branches::create();
    let grown = Copy::of(&branches.url("branch"));
    for step in 0..steps {
        branches.roll("branch", seed, step * STEP, (step + 1) * STEP, format);
        grown.run();
    }
    assert_eq!(grown.compare_all(), grown.map().len(), "seed {seed}");
    let at_once = Copy::of(&branches.url("branch"));
    at_once.run();
    assert_eq!(at_once.refs(), grown.refs(), "seed {seed}: at once as in increments");
    let server = BzrServer::start(branches.dir.path());
    let mut in_pieces = Copy::of(&server.url("branch"));
    in_pieces.options.max_revisions = 7;
    while !in_pieces.run().outcome.is_success() {}
    assert_eq!(in_pieces.refs(), grown.refs(), "seed {seed}: over the wire and in pieces");
}

#[test]
fn every_tree_of_a_generated_history_is_what_brz_exports() {
    for seed in [1, 2] {
        check(seed, "2a", 4);
    }
}

#[test]
fn older_formats_give_the_same() {
    for format in ["pack-0.92", "knit", "1.9-rich-root"] {
        check(4, format, 2);
    }
}
