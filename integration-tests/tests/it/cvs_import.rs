//! A module of CVS goes through the services, and any worker goes on where another one stopped.

use super::sshd::Sshd;
use super::support::worker_keys;
use super::svn_import::{codeimport, run};
use codeimport_integration_tests::{Cluster, ClusterOptions, git, program, published_refs};
use codeimport_subprocess::Command;
use cvs_server::CvsServer;
use repository::{CvsRoot, run as run_in};

#[expect(dead_code, reason = "the converter's own, of which only some is needed here")]
#[path = "../../../crates/codeimport-convert/tests/it/cvs/server.rs"]
mod cvs_server;
#[expect(dead_code, reason = "the converter's own, of which only some is needed here")]
#[path = "../../../crates/codeimport-convert/tests/it/cvs/repository.rs"]
mod repository;

/// crypt(3) of [`PASSWORD`].
const CRYPTED: &str = "abVfmJhY9cIzA";
const PASSWORD: &str = "pa55 word";

/// A repository with a module, a branch and a tag.
fn with_history() -> CvsRoot {
    let root = CvsRoot::create();
    let import = root.dir.path().join("import");
    std::fs::create_dir(&import).expect("the folder is ours");
    std::fs::write(import.join("f"), "$Id$\none\n").expect("the folder is ours");
    root.cvs(&import, &["import", "-m", "imported", "m", "vendor", "v0"]);
    root.cvs(root.dir.path(), &["checkout", "m"]);
    let work = root.dir.path().join("m");
    root.cvs(&work, &["tag", "-b", "b"]);
    commit(&root, "two");
    root.cvs(&work, &["tag", "v1"]);
    age(&root);
    root
}

fn commit(root: &CvsRoot, text: &str) {
    let work = root.dir.path().join("m");
    std::fs::write(work.join("f"), format!("$Id$\n{text}\n")).expect("the folder is ours");
    root.cvs(&work, &["commit", "-m", text]);
    age(root);
}

/// Moves all that was committed into the first decade of this century: nothing has to settle, and the order stays.
fn age(root: &CvsRoot) {
    let files = run_in(root.dir.path(), &["find", "root/m", "-name", "*,v"]);
    for file in files.lines() {
        run_in(root.dir.path(), &["chmod", "u+w", file]);
        let old = r"s/^date(\s+)20[0-9]([0-9])\./date${1}200$2./";
        run_in(root.dir.path(), &["perl", "-pi", "-e", old, file]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_worker_goes_on_and_makes_what_a_conversion_by_hand_makes() {
    let root = with_history();
    let server = CvsServer::start(&root);
    let url = server.url("m");
    let mut cluster = Cluster::start().await;
    let cvs_root = server.cvs_root("anonymous@");
    let create = ["import", "create", &cvs_root, "--cvs-module", "m", "--id", "it", "--wait"];
    let run = codeimport(&cluster, &create).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    let shown = codeimport(&cluster, &["import", "show", "it"]).remove(0);
    assert_eq!((&shown["rcs_type"], &shown["source_url"]), (&"cvs".into(), &url.as_str().into()), "{shown}");

    let by_hand = root.dir.path().join("by-hand.git");
    let by_hand_path = by_hand.to_str().expect("a temporary folder's name is text").to_owned();
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));
    for name in ["refs/heads/trunk", "refs/heads/b", "refs/heads/vendor", "refs/tags/v0", "refs/tags/v1"] {
        assert!(cluster.target_refs("it").contains(name), "{name}");
    }

    // Another worker, whose cache is empty.
    cluster.workers[0].process.kill();
    let before = git(&cluster.target("it"), &["rev-parse", "trunk"]);
    commit(&root, "three");
    cluster.add_worker().await;
    let run = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!((&run["outcome"], &run["new_revision_count"]), (&"success".into(), &1.into()), "{run}");
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));
    let target = cluster.target("it");
    assert_eq!(git(&target, &["rev-parse", "trunk^"]), before, "what was published stays");

    git(&target, &["fsck", "--strict", "--no-dangling"]);
    let found = codeimport(&cluster, &["verify", &url, target.to_str().expect("text"), "--all"]).remove(0);
    assert_eq!(found["verdict"], "VERIFIED", "{found}");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_key_reads_over_ssh_and_another_worker_goes_on() {
    let root = with_history();
    let Some(sshd) = Sshd::running("cvs server") else { return };
    let mut cluster = Cluster::with(ClusterOptions { env: worker_keys(&sshd), ..ClusterOptions::default() }).await;
    let cvs_root = format!(":ext:{}{}", sshd.account(), root.path().display());
    let create = ["import", "create", &cvs_root, "--cvs-module", "m", "--id", "it", "--wait"];
    let first = codeimport(&cluster, &create).remove(0);
    assert_eq!(first["outcome"], "success", "{first}");

    cluster.workers[0].process.kill();
    commit(&root, "three");
    cluster.add_worker().await;
    let second = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!((&second["outcome"], &second["new_revision_count"]), (&"success".into(), &1.into()), "{second}");
    let files = format!("file://{}//m", root.path().display());
    let by_hand = root.dir.path().join("by-hand.git");
    codeimport(&cluster, &["convert", &files, by_hand.to_str().expect("text"), "--rcs", "cvs"]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand), "what the files themselves make");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_password_is_read_with_a_credential() {
    let root = with_history();
    let server = CvsServer::start_for(&root, &format!("ada:{CRYPTED}"));
    let env = vec![("CODEIMPORT_REGISTRY_CREDENTIAL_KEYS", "5".repeat(64))];
    let cluster = Cluster::with(ClusterOptions { env, ..ClusterOptions::default() }).await;
    let closed = codeimport_fails(&cluster, &["import", "create", &server.url("m"), "--id", "closed", "--wait"]);
    assert!(closed.contains("does not let anonymous read"), "{closed}");
    codeimport(&cluster, &["import", "delete", "closed"]);

    // In the words of CVS itself; the password goes into a credential, and is seen nowhere else.
    let cvs_root = server.cvs_root(&format!("ada:{PASSWORD}@"));
    let create = ["import", "create", &cvs_root, "--cvs-module", "m", "--id", "it", "--wait"];
    let run = codeimport(&cluster, &create).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    let shown = codeimport(&cluster, &["import", "show", "it"]).remove(0);
    assert_eq!(shown["source_url"], server.url("m"), "{shown}");
    assert!(git(&cluster.target("it"), &["show", "trunk:f"]).ends_with("two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn roots_that_lead_nowhere_are_refused_with_the_field_that_is_wrong() {
    let cluster = Cluster::start().await;
    let create = |root: &'static str| codeimport_fails(&cluster, &["import", "create", root, "--rcs", "cvs"]);
    let with_module = |root: &'static str, module: &'static str| {
        codeimport_fails(&cluster, &["import", "create", root, "--cvs-module", module])
    };
    for (told, field, words) in [
        (with_module(":local:/cvsroot", "m"), "source.url", "folder of the machine"),
        (create("file:///cvsroot//m"), "source.url", "file"),
        (with_module(":gserver:host.example:/r", "m"), "source.url", "gserver"),
        (create(":pserver:anonymous@host.example:/r"), "source.cvs.module", "is not given"),
        (with_module(":pserver:host.example:/r", "../m"), "source.cvs.module", "no directory"),
    ] {
        assert!(told.contains(field) && told.contains(words), "{told}");
    }
}

#[test]
fn a_preview_tells_people_of_no_layout_where_there_is_none() {
    let root = with_history();
    let url = format!("file://{}//m", root.path().display());
    let preview = Command::new(program("codeimport")).args(["preview", &url, "--rcs", "cvs"]).run();
    let shown = preview.expect("the program can be run").stdout_text();
    assert!(shown.contains("  branches ") && !shown.contains("  layout"), "{shown}");
}

/// What a command says that must fail.
fn codeimport_fails(cluster: &Cluster, args: &[&str]) -> String {
    let output = run(cluster, args);
    assert!(!output.success(), "{args:?}");
    output.stdout_text() + &output.stderr
}
