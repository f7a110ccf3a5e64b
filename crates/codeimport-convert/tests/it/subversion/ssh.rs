//! `svn+ssh://` through a real sshd on loopback: with a key and known hosts, and without either.

use super::conversion::Conversion;
use super::server::{SvnServer, free_port, run, until_it_listens};
use codeimport_convert::{ConvertError, PublishError, Ssh, Watch, open_source};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use codeimport_subprocess::{Command, Daemon};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// An sshd with a host key of its own, which lets one key in and runs svnserve, whatever it is asked for.
struct Sshd {
    dir: TempDir,
    port: u16,
    _daemon: Daemon,
}

impl Sshd {
    /// None where sshd is not installed: `make setup` does that, and svn+ssh is not tested without.
    fn serve(root: &Path) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            return None;
        }
        let dir = tempfile::tempdir().expect("temporary folder");
        for name in ["host", "key", "stranger"] {
            run(dir.path(), &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name]);
        }
        if codeimport_subprocess::current_user_is_root() {
            // Where it locks itself in, by its own packaging.
            std::fs::create_dir_all("/run/sshd").expect("root may");
        }
        let port = free_port();
        let config = dir.path().join("sshd.conf");
        std::fs::write(&config, configuration(dir.path(), root, port)).expect("the folder is ours");
        let daemon = Command::new(SSHD).args(["-D", "-e", "-f"]).arg(&config).start().expect("it is installed");
        until_it_listens(port, &daemon);
        Some(Self { dir, port, _daemon: daemon })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that knows this server by a public key.
    fn known_hosts(&self, public_key: &str) -> PathBuf {
        let key = std::fs::read_to_string(self.file(public_key)).expect("the key was made");
        let known = self.file(&format!("known-{public_key}"));
        std::fs::write(&known, format!("[127.0.0.1]:{} {key}", self.port)).expect("the folder is ours");
        known
    }

    fn pinned(&self, key: &str, known_hosts: PathBuf) -> Ssh {
        Ssh::pinned(self.file(key), known_hosts).expect("plain paths")
    }

    fn url(&self, name: &str) -> String {
        let user = run(self.dir.path(), &["id", "-un"]);
        format!("svn+ssh://{user}@127.0.0.1:{}/{name}", self.port)
    }
}

fn configuration(dir: &Path, root: &Path, port: u16) -> String {
    let (dir, root) = (dir.display(), root.display());
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/key.pub\nPidFile none\n\
         UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nForceCommand svnserve --tunnel --root {root}\n"
    )
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
    let Some(sshd) = Sshd::serve(&server.root()) else { return };
    plain.run_to_the_end(false);
    let mut conversion = Conversion::of(&server, "r");
    conversion.url = sshd.url("r");
    conversion.options.ssh = sshd.pinned("key", sshd.known_hosts("host.pub"));
    conversion.run_to_the_end(false);
    server.mucc("r", &["put", &server.file("two\n"), "trunk/f"]);
    conversion.run_to_the_end(true);
    plain.run_to_the_end(false);
    assert_eq!(conversion.refs(), plain.refs());

    let url = SourceUrl::parse(RcsType::Subversion, &conversion.url).expect("valid");
    let source = open_source(&url, conversion.options.clone()).expect("supported");
    assert!(source.probe(&Watch::none()).expect("answered").to_string().starts_with("r3 "));
}

#[test]
fn a_refused_key_and_a_host_that_is_not_the_known_one_have_outcomes_of_their_own() {
    let server = SvnServer::start();
    let mut conversion = history(&server);
    let Some(sshd) = Sshd::serve(&server.root()) else { return };
    conversion.url = sshd.url("r");
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
        (sshd.pinned("stranger", sshd.known_hosts("host.pub")), Outcome::Authentication, "does not let the SSH key in"),
        (sshd.pinned("key", nobody), Outcome::Forbidden, "key is not known"),
        (sshd.pinned("key", sshd.known_hosts("stranger.pub")), Outcome::Forbidden, "another host key"),
    ];
    for (ssh, outcome, words) in cases {
        let error = failure(ssh);
        assert!(error.outcome == outcome && error.message.contains(words), "{}: {}", error.outcome, error.chain());
    }
}
