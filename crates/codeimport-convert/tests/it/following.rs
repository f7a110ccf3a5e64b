//! Whatever happens in the source happens in the target, and nothing else does.

use crate::world::{Ran, World, os, run_git};
use codeimport_convert::PublishError;
use codeimport_core::{Outcome, RefFilter};
use std::fs;

#[test]
fn first_import_brings_everything_the_filter_takes() {
    let world = World::with_history();
    world.git(["tag", "-a", "-m", "one", "v1"]);
    world.git(["tag", "-a", "-m", "tag of a tag", "v1-signed-off", "v1"]);
    let blob = world.git(["hash-object", "-w", "file.txt"]);
    world.git(["tag", "a-blob", &blob]);
    world.push(["--all"]);
    world.push(["--tags"]);
    world.push(["main:refs/pull/1/head"]);
    let published = world.run_published(1);
    assert_eq!(published.changed_count, 4);
    world.assert_in_step();
    assert!(!world.git_target(["for-each-ref"]).contains("refs/pull/"));
}

#[test]
fn nothing_new_writes_nothing() {
    let world = World::with_history();
    world.run_published(1);
    let before = world.target_files();
    world.run_no_change(2);
    assert_eq!(world.target_files(), before);
}

#[test]
fn a_lost_cache_costs_time_and_nothing_else() {
    let world = World::with_history();
    world.run_published(1);
    fs::remove_dir_all(world.dir.path().join("cache")).expect("removable");
    world.run_no_change(2);
    world.commit("second");
    world.push(["main"]);
    world.run_published(3);
    world.assert_in_step();
}

#[test]
fn a_damaged_cache_is_filled_anew() {
    let world = World::with_history();
    world.run_published(1);
    let packs = world.dir.path().join("cache/example.git/objects/pack");
    for entry in fs::read_dir(packs).expect("there").flatten() {
        let path = entry.path();
        let mut permissions = entry.metadata().expect("there").permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "a file in a temporary folder")]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).expect("mine");
        fs::write(&path, b"nonsense").expect("writable");
    }
    world.commit("second");
    world.push(["main"]);
    world.run_published(2);
    world.assert_in_step();
}

#[test]
fn objects_missing_from_the_cache_are_noticed_before_the_target_suffers() {
    let world = World::with_history();
    let cache = world.cache();
    let wanted = world.fetch(&cache).expect("fetched");
    let seen = world.read(&cache);
    cache.reset().expect("emptied");
    let error = world.publish(1, &seen, &wanted, &cache).expect_err("nothing to push");
    assert!(matches!(error, PublishError::CacheDamaged), "{error:?}");
    assert_eq!(world.git_target(["for-each-ref"]), "");
}

#[test]
fn new_commits_a_force_push_and_a_deleted_branch_are_followed() {
    let world = World::with_history();
    world.push(["main:refs/heads/doomed", "main:refs/heads/rewritten"]);
    world.run_published(1);
    world.git(["checkout", "-q", "-b", "other"]);
    world.git(["commit", "-q", "--amend", "-m", "rewritten"]);
    world.push(["other:refs/heads/rewritten", ":refs/heads/doomed"]);
    world.git(["checkout", "-q", "main"]);
    world.commit("second");
    world.push(["main"]);
    assert_eq!(world.run_published(2).changed_count, 3);
    world.assert_in_step();
}

#[test]
fn a_branch_may_become_a_folder_and_a_branch_again() {
    let world = World::with_history();
    world.push(["main:refs/heads/a"]);
    world.run_published(1);
    world.push([":refs/heads/a"]);
    world.push(["main:refs/heads/a/b", "main:refs/heads/a/c/d"]);
    world.run_published(2);
    world.assert_in_step();
    world.push([":refs/heads/a/b", ":refs/heads/a/c/d"]);
    world.push(["main:refs/heads/a"]);
    world.run_published(3);
    world.assert_in_step();
    world.run_no_change(4);
}

#[test]
fn an_empty_repository_is_imported_and_then_followed() {
    let world = World::new();
    assert_eq!(world.run_published(1).changed_count, 0);
    assert_eq!(world.git_target(["symbolic-ref", "HEAD"]), "refs/heads/main");
    world.run_no_change(2);
    world.commit("first");
    world.push(["main"]);
    world.run_published(3);
    world.assert_in_step();
}

#[test]
fn a_source_that_lost_everything_is_not_followed() {
    let world = World::with_history();
    world.run_published(1);
    fs::remove_dir_all(world.source()).expect("removable");
    crate::world::git(world.dir.path(), ["init", "-q", "--bare", "served/source.git"]);
    let error = world.run(2).expect_err("refused");
    assert!(matches!(&error, PublishError::Failed(e) if e.outcome == Outcome::RemoteBroken), "{error:?}");
    assert!(world.git_target(["for-each-ref"]).contains("refs/heads/main"));
}

#[test]
fn head_is_followed_also_where_nothing_else_changes() {
    let world = World::with_history();
    world.push(["main:refs/heads/next"]);
    world.run_published(1);
    world.git_source(["symbolic-ref", "HEAD", "refs/heads/next"]);
    assert_eq!(world.run_published(2).changed_count, 0);
    world.assert_in_step();
    world.run_no_change(3);
}

#[test]
fn the_branch_that_head_names_may_be_deleted() {
    let world = World::with_history();
    world.push(["main:refs/heads/next"]);
    world.run_published(1);
    world.git_source(["symbolic-ref", "HEAD", "refs/heads/next"]);
    world.push([":refs/heads/main"]);
    world.run_published(2);
    world.assert_in_step();
}

#[test]
fn a_head_that_names_a_missing_branch_is_taken_as_it_is() {
    let world = World::with_history();
    world.git_source(["symbolic-ref", "HEAD", "refs/heads/missing"]);
    world.run_published(1);
    world.assert_in_step();
    world.run_no_change(2);
}

#[test]
fn a_ref_that_somebody_moved_in_the_target_is_moved_back() {
    let world = World::with_history();
    world.commit("second");
    world.push(["main"]);
    world.run_published(1);
    world.git_target(["update-ref", "refs/heads/main", "main~1"]);
    world.git_target(["update-ref", "refs/heads/stray", "main"]);
    assert_eq!(world.run_published(2).changed_count, 2);
    world.assert_in_step();
}

#[test]
fn refs_outside_the_filter_are_left_alone() {
    let mut world = World::with_history();
    world.filter = RefFilter::new(vec!["refs/heads/*".to_owned()], vec![]).expect("valid");
    world.run_published(1);
    world.git_target(["tag", "of-somebody-else", "main"]);
    world.commit("second");
    world.push(["main"]);
    world.run_published(2);
    assert!(world.git_target(["tag"]).contains("of-somebody-else"));
}

#[test]
fn another_filter_is_another_conversion() {
    let mut world = World::with_history();
    world.push(["main:refs/tags/v1"]);
    world.run_published(1);
    world.filter = RefFilter::new(vec!["refs/*".to_owned()], vec!["refs/tags/*".to_owned()]).expect("valid");
    let ran = world.run(2).expect("run succeeds");
    assert!(matches!(ran, Ran::Published(_)), "{ran:?}");
    assert!(world.git_target(["for-each-ref"]).contains("refs/heads/main"));
}

#[test]
fn names_that_are_not_text_arrive_as_they_are() {
    let world = World::with_history();
    let name = os(b"refs/heads/gr\xfcn");
    run_git(&world.source(), vec!["update-ref".into(), name, "main".into()]);
    world.run_published(1);
    world.assert_in_step();
    let listed = crate::world::git_command(&world.target_path(), vec!["for-each-ref".into()]).run().expect("git runs");
    assert!(listed.stdout.windows(4).any(|bytes| bytes == b"gr\xfcn"));
    world.run_no_change(2);
}

#[test]
fn the_same_source_makes_the_same_state_but_for_its_holder() {
    let (one, two) = (World::with_history(), World::with_history());
    let states = [&one, &two].map(|world| {
        let state = world.run_published(7).snapshot.state.expect("state");
        codeimport_convert::ImportState { source_url: String::new(), options_digest: String::new(), ..state }
    });
    assert_eq!(states[0], states[1]);
}

#[test]
fn thousands_of_refs_are_published() {
    let world = World::with_history();
    let updates: String = (0..3000).map(|n| format!("create refs/tags/t{n} HEAD\n")).collect();
    let command = crate::world::git_command(&world.work(), vec!["update-ref".into(), "--stdin".into()]);
    assert!(command.stdin(updates.into_bytes()).run().expect("git runs").success());
    world.push(["--tags"]);
    assert_eq!(world.run_published(1).changed_count, 3001);
    world.assert_in_step();
}
