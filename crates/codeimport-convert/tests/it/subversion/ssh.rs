//! `svn+ssh://` through a real sshd on loopback: with a key and known hosts, and without either.

use super::conversion::Conversion;
use super::server::SvnServer;
use crate::sshd::Sshd;
use codeimport_convert::{ConvertError, PublishError, Ssh, Watch, open_source};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use std::path::{Path, PathBuf};

/// An sshd that runs svnserve; none where it is not installed.
fn serve(root: &Path) -> Option<Sshd> {
    Sshd::running(&format!("svnserve --tunnel --root {}", root.display()))
}

fn url(sshd: &Sshd, name: &str) -> String {
    format!("svn+ssh://{}/{name}", sshd.account())
}

fn pinned(sshd: &Sshd, key: &str, known_hosts: PathBuf) -> Ssh {
    Ssh::pinned(sshd.file(key), known_hosts).expect("plain paths")
}

fn history(server: &SvnServer) -> Conversion {
    server.create("r");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "put", &server.file("one\n"), "trunk/f"]);
    server.mucc("r", &["cp", "1", "trunk", "branches/b"]);
    Conversion::of(server, "r")
}

#[test]
fn history_comes_over_ssh_as_it_does_without() {
    let server = SvnServer::start();
    let mut plain = history(&server);
    let Some(sshd) = serve(&server.root()) else { return };
    plain.run_to_the_end(false);
    let mut conversion = Conversion::of(&server, "r");
    conversion.url = url(&sshd, "r");
    conversion.options.ssh = pinned(&sshd, "key", sshd.known_hosts("host.pub"));
    conversion.run_to_the_end(false);
    server.mucc("r", &["put", &server.file("two\n"), "trunk/f"]);
    conversion.run_to_the_end(true);
    plain.run_to_the_end(false);
    assert_eq!(conversion.refs(), plain.refs());

    let url = SourceUrl::parse(RcsType::Subversion, &conversion.url).expect("valid");
    let source = open_source(&url, conversion.options.clone());
    assert!(source.probe(&Watch::none()).expect("answered").to_string().starts_with("r3 "));
}

#[test]
fn a_refused_key_and_a_host_that_is_not_the_known_one_have_outcomes_of_their_own() {
    let server = SvnServer::start();
    let mut conversion = history(&server);
    let Some(sshd) = serve(&server.root()) else { return };
    conversion.url = url(&sshd, "r");
    let mut failure = |ssh: Ssh| -> ConvertError {
        conversion.options.ssh = ssh;
        match conversion.try_run(false).expect_err("it fails") {
            PublishError::Failed(error) => error,
            other => panic!("{other}"),
        }
    };
    let nobody = sshd.file("nobody");
    std::fs::write(&nobody, "").expect("the folder is ours");
    let cases = [
        (Ssh::Off, Outcome::Forbidden, "needs SSH"),
        (
            pinned(&sshd, "stranger", sshd.known_hosts("host.pub")),
            Outcome::Authentication,
            "does not let the SSH key in",
        ),
        (pinned(&sshd, "key", nobody), Outcome::Forbidden, "key is not known"),
        (pinned(&sshd, "key", sshd.known_hosts("stranger.pub")), Outcome::Forbidden, "another host key"),
    ];
    for (ssh, outcome, words) in cases {
        let error = failure(ssh);
        assert!(error.outcome == outcome && error.message.contains(words), "{}: {}", error.outcome, error.chain());
    }
}
