//! A real sshd on loopback, with a host key of its own, which lets one key in. The stories use it, too.

use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

pub(crate) struct Sshd {
    dir: TempDir,
    port: u16,
    _daemon: Daemon,
}

impl Sshd {
    /// Runs one command, whatever it is asked for. None where sshd is not installed: `make setup` does that, and what needs it is
    /// not tested without.
    pub(crate) fn running(command: &str) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            return None;
        }
        let dir = tempfile::tempdir().expect("temporary folder");
        for name in ["host", "key", "stranger"] {
            let make = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", name]).cwd(dir.path());
            assert!(make.run().expect("ssh-keygen is installed").success());
        }
        if codeimport_subprocess::current_user_is_root() {
            // Where it locks itself in, by its own packaging.
            std::fs::create_dir_all("/run/sshd").expect("root may");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = listener.expect("a free port").port();
        let config = dir.path().join("sshd.conf");
        std::fs::write(&config, configuration(dir.path(), port, command)).expect("the folder is ours");
        let daemon = Command::new(SSHD).args(["-D", "-e", "-f"]).arg(&config).start().expect("it is installed");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(daemon.is_running(), "{}", daemon.log_tail());
            std::thread::yield_now();
        }
        Some(Self { dir, port, _daemon: daemon })
    }

    /// A file beside its keys: `key` and `stranger`, one of which it lets in.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that knows this server by a public key; by `host.pub` rightly.
    pub(crate) fn known_hosts(&self, public_key: &str) -> PathBuf {
        let key = std::fs::read_to_string(self.file(public_key)).expect("the key was made");
        let known = self.file(&format!("known-{public_key}"));
        std::fs::write(&known, format!("[127.0.0.1]:{} {key}", self.port)).expect("the folder is ours");
        known
    }

    /// Where it listens, for the user who runs this: `USER@127.0.0.1:PORT`.
    pub(crate) fn account(&self) -> String {
        let user = Command::new("id").arg("-un").run().expect("id is there").stdout_text();
        format!("{}@127.0.0.1:{}", user.trim(), self.port)
    }
}

fn configuration(dir: &Path, port: u16, command: &str) -> String {
    let dir = dir.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/key.pub\nPidFile none\n\
         UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nForceCommand {command}\n"
    )
}
