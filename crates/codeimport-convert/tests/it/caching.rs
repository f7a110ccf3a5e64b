//! The cache: bounded, swept, and used by one run at a time.

use crate::world::World;
use codeimport_convert::{Cache, Cancel, Observer, Progress, Watch};
use codeimport_core::Stage;
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

fn packs(world: &World) -> usize {
    let folder = world.dir.path().join("cache/example.git/objects/pack");
    let is_pack = |path: PathBuf| path.extension().is_some_and(|extension| extension == "pack");
    fs::read_dir(folder).expect("there").flatten().filter(|entry| is_pack(entry.path())).count()
}

#[test]
fn a_cache_of_many_packs_is_put_together_and_goes_on() {
    let world = World::with_history();
    let cache = world.cache();
    world.fetch(&cache).expect("fetched");
    // As after as many fetches: the same objects over and over.
    let folder = cache.path().join("objects/pack");
    for entry in fs::read_dir(&folder).expect("there").flatten() {
        let path = entry.path();
        let extension = path.extension().expect("pack or idx").to_str().expect("text");
        for number in 0..51 {
            fs::copy(&path, folder.join(format!("pack-{number:040}.{extension}"))).expect("writable");
        }
    }
    assert_eq!(packs(&world), 52);
    cache.tidy(&Watch::none()).expect("tidied");
    assert_eq!(packs(&world), 1);
    drop(cache);
    world.run_published(1);
    world.assert_in_step();
}

#[test]
fn what_a_killed_fetch_left_is_swept_and_so_are_caches_that_nobody_uses() {
    let world = World::with_history();
    let wanted = world.fetch(&world.cache()).expect("fetched");
    let dir = world.dir.path().join("cache");
    let leftover = dir.join("example.git/objects/pack/.tmpAbCdEf");
    fs::write(&leftover, "half a pack").expect("writable");

    let in_use = world.cache();
    fs::write(&leftover, "half a pack, being written").expect("writable");
    Cache::sweep(&dir, Duration::ZERO).expect("swept");
    assert!(leftover.exists() && in_use.path().exists(), "what is in use is left alone");
    drop(in_use);

    Cache::sweep(&dir, Duration::from_secs(3600)).expect("swept");
    assert!(!leftover.exists());
    assert_eq!(world.fetch(&world.cache()).expect("fetched").received_bytes, 0, "the rest is kept");
    Cache::sweep(&dir, Duration::ZERO).expect("swept");
    assert!(!dir.join("example.git").exists());
    assert_eq!(world.fetch(&world.cache()).expect("fetched").refs, wanted.refs);
}

#[test]
fn a_run_that_is_told_to_stop_does_not_wait_for_a_cache_in_use() {
    struct Nobody;
    impl Observer for Nobody {
        fn progress(&self, _: &Progress) {}
        fn note(&self, _: Stage, _: &str) {}
    }
    let world = World::new();
    let _in_use = world.cache();
    let cancel = Cancel::new();
    cancel.cancel();
    let id = "example".parse().expect("valid");
    let opened = Cache::open(&world.dir.path().join("cache"), &id, &Watch::new(cancel, Arc::new(Nobody)));
    assert!(opened.expect_err("in use").is_cancelled());
}
