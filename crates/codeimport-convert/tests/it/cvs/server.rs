//! A real `cvs pserver`, one for each connection, as inetd would start it.

use super::repository::{CvsRoot, run};
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

pub(super) struct CvsServer {
    port: u16,
    root: PathBuf,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl CvsServer {
    /// Serves a repository to `anonymous` without password.
    pub(super) fn start(root: &CvsRoot) -> Self {
        Self::start_for(root, "anonymous:")
    }

    /// Serves a repository to one account: its name, and its password as crypt(3) has it; `ada:` has none.
    pub(super) fn start_for(root: &CvsRoot, account: &str) -> Self {
        let path = root.path();
        let user = run(root.dir.path(), &["id", "-un"]);
        // CVS does not serve as root.
        let user = if user == "root" { "nobody" } else { &user };
        fs::write(path.join("CVSROOT/passwd"), format!("{account}:{user}\n")).expect("writable");
        fs::set_permissions(root.dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        run(root.dir.path(), &["chmod", "-R", "a+rwX", "root"]);
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = socket.local_addr().expect("bound").port();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, served) = (stop.clone(), path.clone());
        let listener = std::thread::spawn(move || {
            for connection in socket.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                serve(connection.expect("accepted"), &served);
            }
        });
        Self { port, root: path, stop, listener: Some(listener) }
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a module.
    pub(super) fn url(&self, module: &str) -> String {
        format!("pserver://127.0.0.1:{}{}//{module}", self.port, self.root.display())
    }

    /// The repository as CVS itself calls it; `user` with its `@`.
    pub(super) fn cvs_root(&self, user: &str) -> String {
        format!(":pserver:{user}127.0.0.1:{}{}", self.port, self.root.display())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "inetd hands its socket over, which codeimport-subprocess has no use for"
)]
fn serve(connection: TcpStream, root: &Path) {
    // All three, as inetd does: last words of CVS go to standard error.
    let [output, errors]: [OwnedFd; 2] = std::array::from_fn(|_| connection.try_clone().expect("a socket").into());
    let input: OwnedFd = connection.into();
    let mut child = std::process::Command::new("cvs")
        .args(["-f", &format!("--allow-root={}", root.display()), "pserver"])
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(errors))
        .spawn()
        .expect("cvs is installed");
    // Ends with its connection.
    std::thread::spawn(move || child.wait());
}

impl Drop for CvsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the listener up.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
    }
}
