//! Mercurial that is not open to everybody: certificates of an authority of one's own, and SSH.

use crate::hg_import::{HgServer, hg};
use crate::sshd::Sshd;
use crate::support::{trusting, worker_keys};
use crate::svn_import::codeimport;
use codeimport_integration_tests::{Authority, Cluster, ClusterOptions, published_refs};

#[tokio::test]
async fn a_server_with_a_certificate_is_read_by_whoever_trusts_its_authority_and_by_nobody_else() {
    let authority = Authority::create();
    let server = HgServer::with(&["--certificate", authority.server_pem().to_str().expect("text")]).await;
    server.commit("one");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = folder.path().join("copy.git");
    let url = format!("https://localhost:{}/", server.port);
    let convert = ["convert", "--rcs", "hg", &url, copy.to_str().expect("text")];
    let stranger = trusting(None, &convert);
    assert_eq!(stranger.code, Some(4), "{}", stranger.stderr);
    assert!(stranger.stderr.contains("certificate"), "{}", stranger.stderr);

    let certificate = authority.certificate();
    let output = trusting(Some(&certificate), &convert);
    assert!(output.success(), "{}{}", output.stdout_text(), output.stderr);
    assert!(published_refs(&copy).contains("refs/heads/default"));
    // What an address is of, is found out by the same way.
    let found = trusting(Some(&certificate), &["poll", &url]);
    assert!(found.success(), "{}{}", found.stdout_text(), found.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_key_reads_mercurial_over_ssh_and_the_next_run_is_an_increment() {
    let server = HgServer::with(&[]).await;
    server.commit("one");
    let path = server.dir.path();
    let Some(sshd) = Sshd::running("env HGRCPATH= sh -c \"$SSH_ORIGINAL_COMMAND\"") else { return };
    let cluster = Cluster::with(ClusterOptions { env: worker_keys(&sshd), ..ClusterOptions::default() }).await;
    let url = format!("ssh://{}/{}", sshd.account(), path.display());
    let create = ["import", "create", &url, "--rcs", "hg", "--id", "it", "--wait"];
    assert_eq!(codeimport(&cluster, &create)[0]["outcome"], "success");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
    server.commit("two");
    hg(&server.dir, &["bookmark", "mark"]);
    let second = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!((&second["outcome"], &second["new_revision_count"]), (&"success".into(), &1.into()), "{second}");

    let by_hand = path.join("by-hand.git");
    codeimport(
        &cluster,
        &["convert", "--rcs", "hg", &format!("http://127.0.0.1:{}/", server.port), by_hand.to_str().expect("text")],
    );
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));
}
