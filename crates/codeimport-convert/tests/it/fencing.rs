//! Of two holders, only one can write.

use crate::world::World;
use codeimport_convert::{PublishError, Watch};

#[test]
fn a_claimed_state_makes_the_older_holders_push_fail_with_nothing_changed() {
    let world = World::with_history();
    world.run_published(1);
    world.commit("second");
    world.push(["main"]);
    let (wanted, seen) = {
        let cache = world.cache();
        (world.fetch(&cache).expect("fetched"), world.read(&cache))
    };
    let cache = world.cache();
    world.target().claim_state(&world.begin(3), &world.filter, &cache, &Watch::none()).expect("claimed");
    let before = world.git_target(["for-each-ref"]);

    let error = world.publish(2, &seen, &wanted, &cache).expect_err("fenced");
    assert!(matches!(error, PublishError::Fenced { .. }), "{error:?}");
    assert_eq!(world.git_target(["for-each-ref"]), before);
}

#[test]
fn a_holder_that_was_fenced_before_it_looked_stops_at_once() {
    let world = World::with_history();
    world.run_published(5);
    world.commit("second");
    world.push(["main"]);
    let error = world.run(4).expect_err("fenced");
    assert!(matches!(error, PublishError::Fenced { .. }), "{error:?}");
}

#[test]
fn claiming_keeps_what_is_known_and_publishes_nothing() {
    let world = World::with_history();
    world.run_published(1);
    let refs = world.git_target(["for-each-ref", "refs/heads"]);
    let claim = |token| {
        let cache = world.cache();
        world.target().claim_state(&world.begin(token), &world.filter, &cache, &Watch::none())
    };
    claim(2).expect("claimed");
    assert_eq!(world.git_target(["for-each-ref", "refs/heads"]), refs);
    world.run_no_change(2);
    let before = world.target_files();
    claim(2).expect("claimed already");
    assert_eq!(world.target_files(), before);
    assert!(matches!(claim(1), Err(PublishError::Fenced { .. })));
}

#[test]
fn a_target_that_is_not_there_yet_can_be_claimed() {
    let world = World::with_history();
    {
        let cache = world.cache();
        world.target().claim_state(&world.begin(1), &world.filter, &cache, &Watch::none()).expect("claimed");
    }
    world.run_published(1);
    world.assert_in_step();
}

#[test]
fn a_push_that_somebody_else_was_faster_with_is_planned_again() {
    let world = World::with_history();
    world.commit("second");
    world.push(["main"]);
    world.run_published(1);
    world.commit("third");
    world.push(["main"]);
    let cache = world.cache();
    let (wanted, seen) = (world.fetch(&cache).expect("fetched"), world.read(&cache));
    world.git_target(["update-ref", "refs/heads/main", "main~1"]);
    world.publish(2, &seen, &wanted, &cache).expect("published");
    world.assert_in_step();
}

#[test]
fn a_run_that_died_after_its_push_may_publish_the_same_again() {
    let world = World::with_history();
    let cache = world.cache();
    let (wanted, seen) = (world.fetch(&cache).expect("fetched"), world.read(&cache));
    world.publish(1, &seen, &wanted, &cache).expect("published");
    let before = world.target_files();
    // The answer got lost: the same run publishes again from what it saw before.
    world.publish(1, &seen, &wanted, &cache).expect("published");
    assert_eq!(world.target_files(), before);
    world.assert_in_step();
}

#[test]
fn a_ref_moved_behind_a_run_that_publishes_again_is_moved_back() {
    let world = World::with_history();
    world.commit("second");
    world.push(["main"]);
    let cache = world.cache();
    let (wanted, seen) = (world.fetch(&cache).expect("fetched"), world.read(&cache));
    world.publish(1, &seen, &wanted, &cache).expect("published");
    world.git_target(["update-ref", "refs/heads/main", "main~1"]);
    let state = world.git_target(["rev-parse", "refs/codeimport/state"]);
    world.publish(1, &world.read(&cache), &wanted, &cache).expect("published");
    world.assert_in_step();
    assert_ne!(world.git_target(["rev-parse", "refs/codeimport/state"]), state, "every push moves the fence");
}
