//! How a Mercurial source is read, chosen where the import is defined.

use crate::hg_import::{HgServer, hg};
use crate::svn_import::{codeimport, run};
use codeimport_integration_tests::{Cluster, git};
use std::path::{Path, PathBuf};

/// A file that says who is meant by what Mercurial and Bazaar have.
pub(crate) fn author_map(dir: &Path) -> PathBuf {
    let path = dir.join("authors");
    let king = ["Ada", "Ada Lovelace"].map(|name| format!("{name} <ada@example.org> = Ada King <king@example.org>\n"));
    std::fs::write(&path, king.concat()).expect("the folder is ours");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn subrepositories_people_and_a_frozen_source_of_mercurial_are_chosen_with_the_import() {
    let server = HgServer::with(&[]).await;
    let dir = server.dir.path();
    std::fs::create_dir(dir.join("sub")).expect("the folder is ours");
    hg(&server.dir, &["init", "sub"]);
    std::fs::write(dir.join(".hgsub"), "sub = sub\n").expect("the folder is ours");
    server.commit("one");
    server.commit("two");
    let cluster = Cluster::start().await;
    let authors = tempfile::tempdir().expect("a temporary folder can be made");
    let authors = author_map(authors.path());
    let url = format!("http://127.0.0.1:{}/", server.port);
    let create = ["import", "create", &url, "--rcs", "hg", "--id", "it", "--wait", "--hg-keep-subrepos"];
    let options = ["--freeze-rewritten", "--author-map", authors.to_str().expect("text")];
    assert_eq!(codeimport(&cluster, &[&create[..], &options].concat())[0]["outcome"], "success");
    let target = cluster.target("it");
    assert_eq!(git(&target, &["log", "-1", "--format=%an <%ae>", "default"]), "Ada King <king@example.org>");
    assert!(git(&target, &["ls-tree", "--name-only", "default"]).contains(".hgsubstate"));

    let before = cluster.target_refs("it");
    hg(&server.dir, &["--config", "extensions.strip=", "strip", "--no-backup", "tip"]);
    let frozen = run(&cluster, &["import", "now", "it", "--wait"]);
    assert!(!frozen.success() && frozen.stdout_text().contains("was rewritten"), "{}", frozen.stdout_text());
    assert_eq!(cluster.target_refs("it"), before);
    codeimport(&cluster, &["import", "update", "it", "--freeze-rewritten=false"]);
    // The change has made it due already: it follows in this run or in the one before it.
    let retried = run(&cluster, &["import", "retry", "it", "--wait"]);
    assert!(retried.success(), "{}", retried.stdout_text());
    assert_eq!(git(&target, &["log", "--format=%s", "default"]), "one");
    let backups = git(&target, &["for-each-ref", "--format=%(subject) %(refname:lstrip=-1)", "refs/codeimport/backup"]);
    assert_eq!(backups, "two default");
}
