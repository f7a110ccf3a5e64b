//! The `codeimport` command, as a person or a script uses it.

use crate::up::{Up, codeimport};
use codeimport_integration_tests::{GitDaemon, GitRepo, eventually, git, published_refs};
use serde_json::Value;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn one_command_brings_all_up_and_the_others_find_it() {
    let mut repo = GitRepo::with_history();
    let source = GitDaemon::serve(&repo).await;
    let up = Up::start().await;

    let run = up.json(&["import", "create", &source.url(), "--id", "it", "--wait"]);
    assert_eq!((&run[0]["outcome"], &run[0]["import_id"]), (&"success".into(), &"it".into()), "{run:?}");
    let import = up.json(&["import", "show", "it"]).remove(0);
    assert_eq!((&import["review_status"], &import["job_state"]), (&"reviewed".into(), &"waiting".into()), "{import}");
    let target = import["target_url"].as_str().and_then(|url| url.strip_prefix("file://")).expect("a local target");
    assert_eq!(published_refs(Path::new(target)), published_refs(&repo.bare()));

    let refs = up.json(&["import", "refs", "it"]);
    assert_eq!(refs.len(), 5);
    assert_eq!(refs.iter().filter(|r| r["is_default_branch"] == true).count(), 1);
    let revisions = up.json(&["import", "revisions", "it", "--ref", "refs/heads/main", "--limit", "2"]);
    assert_eq!(revisions[0]["commit_id"], git(&repo.bare(), &["rev-parse", "main"]).as_str());

    let again = up.json(&["import", "now", "it", "--wait"]);
    assert_eq!(again[0]["outcome"], "no_change");
    repo.commit("third");
    repo.push();
    let run = up.json(&["import", "now", "it", "--wait"]).remove(0);
    assert_eq!((&run["outcome"], &run["new_revision_count"]), (&"success".into(), &1.into()), "{run}");

    let runs = up.json(&["import", "runs", "it"]);
    assert_eq!(runs.len(), 3);
    let log = up.ok(&["import", "log", &run["run_id"].to_string(), "--follow"]);
    assert!(log.contains("publish"), "the log names its stages:\n{log}");

    up.ok(&["import", "suspend", "it", "--reason", "not now"]);
    let events = up.json(&["import", "events", "it"]);
    assert!(events.iter().any(|event| event["type"] == "reviewed" && event["reason"] == "not now"), "{events:?}");
    assert_eq!(events.last().expect("it has a beginning")["type"], "created");
    assert_eq!(up.json(&["import", "show", "it"])[0]["review_status"], "suspended");
    up.ok(&["import", "approve", "it"]);
    up.ok(&["import", "delete", "it"]);
    assert!(up.json(&["import", "list"]).is_empty());
    assert!(Path::new(target).exists(), "the target stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_imported_is_there_again_after_a_restart() {
    let repo = GitRepo::with_history();
    let source = GitDaemon::serve(&repo).await;
    let up = Up::start().await;
    up.ok(&["import", "create", &source.url(), "--id", "it", "--wait"]);
    let Up { dir, daemon } = up;
    let end = daemon.stop().expect("it can be stopped");
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(!dir.path().join("endpoints.json").exists(), "nothing is up, nothing is written down");

    let daemon = codeimport(dir.path(), &["up", "--port", "0"]).start().expect("the program can be started");
    let up = Up { dir, daemon };
    eventually("it is up again", async || up.run(&["import", "list"]).success().then_some(())).await;
    assert_eq!(up.json(&["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_went_wrong() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let nobody = codeimport(dir.path(), &["import", "list"]).run().expect("the program can be run");
    assert_eq!(nobody.code, Some(4), "nothing is up: {}", nobody.stderr);
    assert!(nobody.stderr.contains("codeimport up"), "it says what to do: {}", nobody.stderr);
    let wrong = codeimport(dir.path(), &["import", "shwo"]).run().expect("the program can be run");
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);

    let up = Up::start().await;
    let refused = up.run(&["import", "create", "file:///etc", "--id", "x"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("import.source.url"), "the field is named: {}", refused.stderr);
    let missing = up.run(&["import", "show", "nobody"]);
    assert_eq!(missing.code, Some(3), "{}", missing.stderr);
    let failed = up.run(&["import", "create", "git://127.0.0.1:1/x.git", "--id", "down", "--wait"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert!(said.contains("unavailable"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_takes_no_jobs_and_the_import_says_what_it_waits_for() {
    let repo = GitRepo::with_history();
    let source = GitDaemon::serve(&repo).await;
    let up = Up::start().await;
    let worker = eventually("the worker has registered", async || {
        up.json(&["worker", "list"]).pop().filter(|worker| worker["slot_count"] == 2)
    })
    .await;
    assert!(worker["capabilities"]["git"].as_str().is_some_and(|tools| tools.starts_with("git version")), "{worker}");

    let worker_id = worker["worker_id"].as_str().expect("it has a name");
    let drained = up.json(&["worker", "drain", worker_id, "--reason", "new disk"]).remove(0);
    assert_eq!((&drained["state"], &drained["state_reason"]), (&"draining".into(), &"new disk".into()), "{drained}");
    up.ok(&["import", "create", &source.url(), "--id", "it"]);
    let explained = eventually("the queue has the job", async || {
        let output = up.run(&["--json", "import", "explain", "it"]);
        output.success().then(|| serde_json::from_slice::<Value>(&output.stdout).expect("an object"))
    })
    .await;
    assert_eq!((&explained["due_reason"], &explained["wait_reason"]), (&"new".into(), &"no_worker".into()));
    assert_eq!(up.json(&["queue", "stats"])[0]["waiting"]["no_worker"], 1);

    up.ok(&["worker", "resume", worker_id]);
    eventually("the import has run", async || {
        up.json(&["import", "runs", "it"]).pop().filter(|run| run["outcome"] == "success")
    })
    .await;
    let host = up.json(&["host", "limit", "127.0.0.1", "--running", "0", "--reason", "they asked"]).remove(0);
    assert_eq!((&host["max_running"], &host["limits_reason"]), (&0.into(), &"they asked".into()));
    up.ok(&["import", "now", "it"]);
    assert_eq!(up.json(&["import", "explain", "it"])[0]["wait_reason"], "host_limit");
}
