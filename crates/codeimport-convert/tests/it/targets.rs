//! Targets that are not on this disk, and targets with a will of their own.

use crate::world::{World, git, serve};
use codeimport_convert::{PublishError, Target, Watch};
use codeimport_core::{Outcome, TargetUrl};
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

#[test]
fn a_remote_target_is_written_and_then_found_current() {
    let world = World::with_history();
    let served = world.dir.path().join("targets");
    git(world.dir.path(), ["init", "-q", "--bare", "targets/target.git"]);
    let (port, _daemon) = serve(&served);
    let target = Target::new(TargetUrl::parse(&format!("git://127.0.0.1:{port}/target.git")).expect("valid"));
    let watch = Watch::none();
    for token in [1, 2] {
        world.commit(&format!("change {token}"));
        world.push(["main"]);
        let cache = world.cache();
        let wanted = world.fetch(&cache).expect("fetched");
        let seen = target.read(&world.filter, &cache, &watch).expect("read");
        target.publish(&world.begin(token), &seen, &wanted, &world.filter, &cache, &watch).expect("published");
        cache.reset().expect("emptied");
        let now = target.read(&world.filter, &cache, &watch).expect("read, with its state fetched");
        assert!(now.is_current(&wanted.watermark, world.digest()));
        assert_eq!(now.default_branch(), Some("refs/heads/main"));
    }
    assert_eq!(git(&served.join("target.git"), ["rev-parse", "main"]), world.git(["rev-parse", "main"]));
}

#[test]
fn a_target_that_cannot_be_reached_is_unavailable() {
    let world = World::with_history();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    for scheme in ["git", "http"] {
        let target = Target::new(TargetUrl::parse(&format!("{scheme}://127.0.0.1:{port}/x.git")).expect("valid"));
        let error = target.read(&world.filter, &world.cache(), &Watch::none()).expect_err("nobody there");
        assert_eq!(error.outcome, Outcome::Unavailable, "{}", error.chain());
    }
}

#[test]
fn a_target_that_declines_the_push_is_forbidden_and_unchanged() {
    let world = World::with_history();
    world.run_published(1);
    let hook = world.target_path().join("hooks/pre-receive");
    fs::create_dir_all(world.target_path().join("hooks")).expect("writable");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").expect("writable");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("mine");
    world.commit("second");
    world.push(["main"]);
    let before = world.git_target(["for-each-ref"]);
    let error = world.run(2).expect_err("declined");
    assert!(matches!(&error, PublishError::Failed(e) if e.outcome == Outcome::Forbidden), "{error:?}");
    assert_eq!(world.git_target(["for-each-ref"]), before);
}
