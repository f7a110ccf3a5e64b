//! Where a branch stands, asked without any program.

use super::copy::Copy;
use super::repository::Branches;
use super::server::{BzrServer, WebServer};
use codeimport_convert::{Watch, open_source};
use codeimport_core::Outcome;

fn position(url: &str) -> String {
    let copy = Copy::of(url);
    let url = copy.url();
    let source = open_source(&url, copy.options);
    source.probe(&Watch::none()).unwrap_or_else(|error| panic!("{url}: {}", error.chain())).0
}

#[test]
fn every_way_of_asking_gets_the_same_answer() {
    let branches = Branches::create();
    branches.roll("a branch", 5, 0, 8, "2a");
    branches.roll("older", 5, 0, 8, "knit");
    let (smart, web) = (BzrServer::start(branches.dir.path()), WebServer::start(branches.dir.path()));
    for (name, encoded) in [("a branch", "a%20branch"), ("older", "older")] {
        let here = position(&branches.url(encoded));
        let tip = branches.brz(name, &["revision-info"]);
        assert!(tip.ends_with(here.split(',').next().expect("a part")), "{here}: {tip}");
        assert_eq!(position(&smart.url(encoded)), here);
        assert_eq!(position(&web.url(encoded)), here);
    }
}

#[test]
fn a_branch_is_imported_over_plain_http() {
    let branches = Branches::create();
    branches.roll("branch", 6, 0, 20, "2a");
    let web = WebServer::start(branches.dir.path());
    let (copy, here) = (Copy::of(&web.url("branch")), Copy::of(&branches.url("branch")));
    copy.run();
    here.run();
    assert_eq!(copy.refs(), here.refs());
}

#[test]
fn a_revision_and_a_tag_are_seen_and_nothing_new_is_no_change() {
    let branches = Branches::with_branch("branch");
    branches.commit("branch", &[("f", "one\n")], "one");
    let server = BzrServer::start(branches.dir.path());
    let copy = Copy::of(&server.url("branch"));
    assert_eq!(copy.run().outcome, Outcome::Success);
    assert_eq!(copy.run().outcome, Outcome::NoChange);
    branches.commit("branch", &[("f", "two\n")], "two");
    assert_eq!(copy.run().outcome, Outcome::Success);
    branches.brz("branch", &["tag", "-q", "v1"]);
    assert_eq!(copy.run().outcome, Outcome::Success);
    assert!(copy.refs().contains("refs/tags/v1"), "{}", copy.refs());
    assert_eq!(copy.run().outcome, Outcome::NoChange);
}
