//! A Bazaar branch goes through the services, and any worker goes on where another one stopped.

use super::hg_options::author_map;
use super::killed::assert_nothing_is_lost;
use super::svn_import::codeimport;
use bzr_server::BzrServer;
use codeimport_integration_tests::{Cluster, git, published_refs};
use repository::Branches;

#[expect(dead_code, reason = "the converter's own, of which only some is needed here")]
#[path = "../../../crates/codeimport-convert/tests/it/bzr/server.rs"]
mod bzr_server;
#[expect(dead_code, reason = "the converter's own, of which only some is needed here")]
#[path = "../../../crates/codeimport-convert/tests/it/bzr/repository.rs"]
mod repository;

#[tokio::test(flavor = "multi_thread")]
async fn any_worker_goes_on_and_makes_what_a_conversion_by_hand_makes() {
    let branches = Branches::create();
    branches.roll("branch", 11, 0, 12, "2a");
    let server = BzrServer::start(branches.dir.path());
    let url = server.url("branch");
    let mut cluster = Cluster::start().await;
    let run = codeimport(&cluster, &["import", "create", &url, "--id", "it", "--wait"]).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    let shown = codeimport(&cluster, &["import", "show", "it"]).remove(0);
    assert_eq!(shown["rcs_type"], "bzr", "{shown}");

    let by_hand = branches.path("by-hand.git");
    let by_hand_path = by_hand.to_str().expect("a temporary folder's name is text").to_owned();
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));

    // Another worker, whose cache is empty.
    cluster.workers[0].process.kill();
    branches.roll("branch", 11, 12, 20, "2a");
    cluster.add_worker().await;
    let run = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));

    let target = cluster.target("it");
    git(&target, &["fsck", "--strict", "--no-dangling"]);
    let found = codeimport(&cluster, &["verify", &url, target.to_str().expect("text"), "--all"]).remove(0);
    assert_eq!(found["verdict"], "VERIFIED", "{found}");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
    let preview = codeimport(&cluster, &["preview", &url]).remove(0);
    assert_eq!(preview["branches"][0], "trunk", "{preview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_and_people_of_bazaar_are_chosen_with_the_import() {
    let branches = Branches::with_branch("branch");
    branches.commit("branch", &[("f", "one\n")], "one");
    let server = BzrServer::start(branches.dir.path());
    let cluster = Cluster::start().await;
    let authors = author_map(branches.dir.path());
    let create = ["import", "create", &server.url("branch"), "--id", "it", "--wait", "--bzr-trailers"];
    let options = ["--author-map", authors.to_str().expect("text")];
    assert_eq!(codeimport(&cluster, &[&create[..], &options].concat())[0]["outcome"], "success");
    let log = git(&cluster.target("it"), &["log", "-1", "--format=%an <%ae>%n%B", "trunk"]);
    assert!(log.starts_with("Ada King <king@example.org>") && log.contains("Bazaar-revision-id: "), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_was_killed_goes_on_and_makes_the_same() {
    let branches = Branches::create();
    branches.roll("branch", 17, 0, 300, "2a");
    let server = BzrServer::start(branches.dir.path());
    assert_nothing_is_lost(&server.url("branch"), "bzr").await;
}
