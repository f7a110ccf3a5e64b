//! Histories made at random by Mercurial itself: faithful, and the same commits however the conversion was cut up.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};

fn check(seed: u64) {
    let repository = HgRepository::create();
    repository.grow(seed, 5);
    let server = HgServer::start(&repository);
    let mut grown = Copy::of(&server.url());
    for _ in 0..4 {
        grown.run(seed.is_multiple_of(2));
        repository.grow(seed, 20);
    }
    grown.run(true);
    assert!(grown.assert_faithful(&repository) == 85, "seed {seed}");
    let mut at_once = Copy::of(&server.url());
    at_once.run(false);
    assert_eq!(at_once.refs(), grown.refs(), "seed {seed}");
    let mut in_pieces = Copy::of(&repository.file_url());
    in_pieces.options.max_revisions = 25;
    assert!(in_pieces.run(true) > 2, "seed {seed}");
    assert_eq!(in_pieces.refs(), at_once.refs(), "seed {seed}");
    let sorted = |copy: &Copy| {
        let mut map: Vec<_> = copy.map().into_iter().map(|entry| (entry.revision, entry.commit)).collect();
        map.sort();
        map
    };
    assert_eq!(sorted(&in_pieces), sorted(&at_once), "seed {seed}");
    assert_eq!(sorted(&grown), sorted(&at_once), "seed {seed}");
}

#[test]
fn generated_histories_are_faithful_and_the_same_in_one_go_in_pieces_and_as_they_grow() {
    std::thread::scope(|scope| {
        for seed in 1..=3 {
            scope.spawn(move || check(seed));
        }
    });
}
