//! A Git source is copied as it is, and stays copied, whatever happens to it.

use crate::support::{assert_in_step, footprint};
use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, GitDaemon, GitRepo, git};

/// Runs the import again and claims that it ends well with everything in step.
async fn run_and_compare(cluster: &mut Cluster, repo: &GitRepo) {
    let run = cluster.run_now("it").await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_in_step(cluster, "it", repo).await;
}

async fn imported(repo: &GitRepo) -> (Cluster, GitDaemon) {
    let daemon = GitDaemon::serve(repo).await;
    let mut cluster = Cluster::start().await;
    let run = cluster.import_first("it", &daemon.url()).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_in_step(&mut cluster, "it", repo).await;
    (cluster, daemon)
}

#[tokio::test]
async fn first_import_brings_every_ref_and_revision() {
    let repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    let run = cluster.all_runs("it").await.remove(0);
    let stats = run.stats.expect("a finished run has figures");
    assert_eq!((stats.refs_changed_count, stats.new_revision_count), (5, 5));
    let import = cluster.import("it").await;
    assert!(import.last_success_time.is_some() && import.last_run_id == run.run_id, "{import:?}");
}

#[tokio::test]
async fn an_unchanged_source_is_left_alone_and_so_is_the_target() {
    let repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    let before = footprint(&cluster.target("it"));
    let run = cluster.run_now("it").await;
    assert_eq!(run.domain_outcome(), Some(Outcome::NoChange), "{}", run.message);
    assert_eq!(footprint(&cluster.target("it")), before, "nothing is written where nothing is new");
}

#[tokio::test]
async fn new_commits_and_branches_follow() {
    let mut repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    repo.commit("third");
    repo.git(&["branch", "feature/new"]);
    repo.git(&["tag", "-a", "v2", "-m", "version two"]);
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
    let stats = cluster.all_runs("it").await.pop().and_then(|run| run.stats).expect("a finished run has figures");
    assert_eq!(stats.new_revision_count, 1, "only what is new is scanned");
}

#[tokio::test]
async fn a_force_push_is_followed_and_the_old_history_is_listed_no_more() {
    let mut repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    let gone = repo.git(&["rev-parse", "main"]);
    repo.git(&["reset", "-q", "--hard", "v1"]);
    repo.commit("another second");
    repo.git(&["tag", "-d", "light"]);
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
    let listed = cluster.revisions("it", "").await;
    assert!(listed.iter().all(|revision| revision.commit_id != gone), "{gone} is reachable from no ref");
}

#[tokio::test]
async fn a_deleted_branch_disappears() {
    let repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    repo.git(&["branch", "-D", "stable"]);
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
    assert!(!cluster.target_refs("it").contains("stable"));
}

#[tokio::test]
async fn a_branch_may_become_a_folder_and_a_folder_a_branch() {
    let repo = GitRepo::with_history();
    repo.git(&["branch", "a", "stable"]);
    repo.push();
    let (mut cluster, _daemon) = imported(&repo).await;
    repo.git(&["branch", "-D", "a"]);
    repo.git(&["branch", "a/b", "stable"]);
    // Two pushes: git itself cannot do both at once.
    repo.git(&["push", "-q", "origin", ":refs/heads/a"]);
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
    repo.git(&["branch", "-D", "a/b"]);
    repo.git(&["branch", "a", "main"]);
    repo.git(&["push", "-q", "origin", ":refs/heads/a/b"]);
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
}

#[tokio::test]
async fn the_default_branch_follows_even_when_nothing_else_changes() {
    let repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    git(&repo.bare(), &["symbolic-ref", "HEAD", "refs/heads/stable"]);
    run_and_compare(&mut cluster, &repo).await;
    assert_eq!(git(&cluster.target("it"), &["symbolic-ref", "HEAD"]), "refs/heads/stable");
}

#[tokio::test]
async fn an_empty_repository_is_imported_and_may_grow() {
    let mut repo = GitRepo::empty();
    let daemon = GitDaemon::serve(&repo).await;
    let mut cluster = Cluster::start().await;
    let run = cluster.import_first("it", &daemon.url()).await;
    assert!(run.domain_outcome().is_some_and(Outcome::is_success), "{run:?}");
    assert_eq!(cluster.target_refs("it"), "");
    repo.commit("first of all");
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
}

#[tokio::test]
async fn tags_of_tags_and_of_other_things_are_copied() {
    let repo = GitRepo::with_history();
    repo.git(&["tag", "-a", "tag-of-tag", "-m", "outer", "v1"]);
    repo.git(&["tag", "-a", "tag-of-tree", "-m", "a tree", "HEAD^{tree}"]);
    repo.git(&["tag", "tag-of-blob", "HEAD:file-1.txt"]);
    repo.push();
    let (mut cluster, _daemon) = imported(&repo).await;
    let (refs, _) = cluster.refs("it").await;
    let commit_of =
        |name: &str| refs.iter().find(|r| r.name == name).map(|r| r.commit_id.clone()).expect("the tag is listed");
    assert_eq!(commit_of("refs/tags/tag-of-tag"), repo.git(&["rev-parse", "v1^{commit}"]));
    assert_eq!(
        (commit_of("refs/tags/tag-of-tree"), commit_of("refs/tags/tag-of-blob")),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn a_head_that_names_a_missing_branch_is_no_obstacle() {
    let repo = GitRepo::with_history();
    git(&repo.bare(), &["symbolic-ref", "HEAD", "refs/heads/nowhere"]);
    let daemon = GitDaemon::serve(&repo).await;
    let mut cluster = Cluster::start().await;
    let run = cluster.import_first("it", &daemon.url()).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_eq!(cluster.target_refs("it"), codeimport_integration_tests::published_refs(&repo.bare()));
}

#[tokio::test]
async fn hidden_namespaces_stay_out() {
    let repo = GitRepo::with_history();
    git(&repo.bare(), &["update-ref", "refs/pull/1/head", "refs/heads/stable"]);
    git(&repo.bare(), &["update-ref", "refs/notes/commits", "refs/heads/stable"]);
    let (cluster, _daemon) = imported(&repo).await;
    let all = git(&cluster.target("it"), &["for-each-ref", "--format=%(refname)"]);
    assert!(!all.contains("refs/pull/") && all.contains("refs/notes/commits"), "{all}");
}

#[tokio::test]
async fn what_else_lives_in_the_target_is_not_touched() {
    let mut repo = GitRepo::with_history();
    let (mut cluster, _daemon) = imported(&repo).await;
    let target = cluster.target("it");
    git(&target, &["update-ref", "refs/private/ours", "refs/heads/main"]);
    repo.commit("third");
    repo.push();
    run_and_compare(&mut cluster, &repo).await;
    git(&target, &["rev-parse", "--verify", "refs/private/ours"]);
}
