//! How a Subversion source is read, chosen where the import is defined, and what came of each of its revisions.

use crate::svn_import::{SvnServer, codeimport};
use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, git};
use serde_json::Value;

fn revisions(map: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    map.iter().map(|entry| format!("{}@{}", text(&entry["branch"]), text(&entry["revision"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn options_reach_the_commits_and_the_map_finds_them_both_ways() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    svn.commit("r", &["cp", "4", "trunk", "tags/v2", "cp", "4", "trunk", "tags/v3"]);
    let authors = svn.dir.path().join("authors");
    std::fs::write(&authors, "ada = Ada Lovelace <ada@example.org>\n").expect("the folder is ours");
    let cluster = Cluster::start().await;
    let options = ["--author-map", authors.to_str().expect("text"), "--git-svn-id", "--layout", "standard"];
    let url = svn.url("r");
    let create = [&["import", "create", &url, "--id", "it", "--wait"], &options[..]].concat();
    assert_eq!(codeimport(&cluster, &create)[0]["outcome"], "success");

    let target = cluster.target("it");
    let log = git(&target, &["log", "-1", "--format=%H%n%an <%ae>%n%B", "trunk"]);
    let (trunk, log) = log.split_once('\n').expect("lines");
    assert!(log.starts_with("Ada Lovelace <ada@example.org>"), "{log}");
    assert!(log.contains(&format!("git-svn-id: {url}/trunk@4 ")), "{log}");

    let by_revision = codeimport(&cluster, &["import", "map", "it", "--source-revision", "4"]);
    assert_eq!(revisions(&by_revision), ["trunk@4"]);
    assert_eq!(by_revision[0]["commit_id"], trunk);
    assert_eq!(revisions(&codeimport(&cluster, &["import", "map", "it", "--commit", trunk])), ["trunk@4"]);
    let copies = codeimport(&cluster, &["import", "map", "it", "--source-revision", "6"]);
    assert_eq!(revisions(&copies), ["tags/v2@6", "tags/v3@6"]);
    let of_branch = ["import", "map", "it", "--source-revision", "6", "--branch", "tags/v3"];
    assert_eq!(revisions(&codeimport(&cluster, &of_branch)), ["tags/v3@6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_change_after_the_conversion_are_told_and_nothing_is_rewritten() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let mut cluster = Cluster::start().await;
    let first = codeimport(&cluster, &["import", "create", &svn.url("r"), "--id", "it", "--wait"]).remove(0);
    let before = cluster.target_refs("it");
    codeimport(&cluster, &["import", "update", "it", "--layout", "single"]);

    let after_run_id = first["run_id"].as_i64().expect("a number");
    let run = cluster.finished_run("it", after_run_id).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Invalid), "{}", run.message);
    assert!(run.message.contains("layout"), "{}", run.message);
    assert_eq!(cluster.target_refs("it"), before);

    // Changed back, all is well again.
    codeimport(&cluster, &["import", "update", "it", "--layout", "auto"]);
    let run_end = codeimport(&cluster, &["import", "retry", "it", "--wait"]).remove(0);
    assert_eq!(run_end["outcome"], "no_change", "{run_end}");
}
