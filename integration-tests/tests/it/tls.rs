//! Subversion and Git over HTTPS, with a certificate of an authority of one's own: read by whoever trusts it, and by nobody else.

use crate::support::trusting;
use crate::svn_import::SvnServer;
use codeimport_integration_tests::{Authority, GitRepo, eventually, published_refs};
use codeimport_subprocess::{Command, Daemon};
use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Apache with mod_ssl: Subversion's repositories of a folder below `/svn`, Git's below `/git`.
struct Apache {
    port: u16,
    dir: TempDir,
    _daemon: Daemon,
}

impl Apache {
    /// None where it is not installed.
    async fn start(root: &Path, authority: &Authority) -> Option<Self> {
        if !Path::new(MODULES).join("mod_dav_svn.so").exists() {
            return None;
        }
        let (dir, port) = (tempfile::tempdir().expect("a temporary folder"), free_port());
        for folder in [root, dir.path()] {
            // Started by root, Apache serves as somebody else.
            std::fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("the folder is ours");
        }
        let config = dir.path().join("apache.conf");
        std::fs::write(&config, configuration(root, dir.path(), port, authority)).expect("the folder is ours");
        let command = Command::new("/usr/sbin/apache2").args(["-D", "FOREGROUND", "-f"]).arg(&config);
        let daemon = command.start().expect("it is installed");
        eventually("Apache listens", async || {
            assert!(daemon.is_running(), "it ended early:\n{}", daemon.log_tail());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        Some(Self { port, dir, _daemon: daemon })
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    /// A path in its folder, which goes with it.
    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().expect("a temporary folder's name is text").to_owned()
    }
}

fn configuration(root: &Path, dir: &Path, port: u16, authority: &Authority) -> String {
    let names = ["mpm_event", "authz_core", "alias", "env", "cgid", "ssl", "dav", "dav_svn"];
    let modules: String =
        names.iter().map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).collect();
    let programs = Command::new("git").arg("--exec-path").run().expect("git is installed").stdout_text();
    let (root, dir, pem, programs) = (root.display(), dir.display(), authority.server_pem(), programs.trim());
    format!(
        "ServerName localhost\nListen 127.0.0.1:{port}\nServerRoot {dir}\nPidFile {dir}/pid\nErrorLog {dir}/log\n\
         Mutex file:{dir}\nUser nobody\nGroup nogroup\n{modules}ScriptSock {dir}/cgi\n\
         SSLEngine on\nSSLSessionCache none\nSSLCertificateFile {pem}\nSSLCertificateKeyFile {pem}\n\
         SetEnv GIT_PROJECT_ROOT {root}\nSetEnv GIT_HTTP_EXPORT_ALL 1\n\
         SetEnv GIT_CONFIG_COUNT 1\nSetEnv GIT_CONFIG_KEY_0 safe.directory\nSetEnv GIT_CONFIG_VALUE_0 *\n\
         ScriptAlias /git/ {programs}/git-http-backend/\n<Location /git>\nRequire all granted\n</Location>\n\
         <Location /svn>\nDAV svn\nSVNParentPath {root}\nRequire all granted\n</Location>\n",
        pem = pem.display()
    )
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("loopback has free ports").port()
}

/// Whoever trusts the authority converts; who does not is told of the certificate, and nothing is written.
fn convert(authority: &Authority, url: &str, copy: &str) {
    let convert = ["convert", url, copy];
    let stranger = trusting(None, &convert);
    assert_eq!(stranger.code, Some(4), "{}", stranger.stderr);
    assert!(stranger.stderr.contains("certificate"), "{}", stranger.stderr);
    assert!(!Path::new(copy).exists());
    let output = trusting(Some(&authority.certificate()), &convert);
    assert!(output.success(), "{}{}", output.stdout_text(), output.stderr);
}

#[tokio::test]
async fn subversion_over_https_is_read_by_whoever_trusts_its_authority_and_by_nobody_else() {
    let (svn, authority) = (SvnServer::start().await, Authority::create());
    svn.with_history("r");
    let Some(apache) = Apache::start(svn.dir.path(), &authority).await else { return };
    let (url, copy) = (apache.url("svn/r"), apache.path("copy.git"));
    convert(&authority, &url, &copy);

    let plain = apache.path("plain.git");
    assert!(trusting(None, &["convert", &svn.url("r"), &plain]).success());
    assert_eq!(published_refs(Path::new(&copy)), published_refs(Path::new(&plain)));
    // Subversion's own programs trust whom we trust.
    let verified = trusting(Some(&authority.certificate()), &["verify", &url, &copy, "--all"]);
    assert!(verified.success(), "{}{}", verified.stdout_text(), verified.stderr);
}

#[tokio::test]
async fn git_over_https_is_read_by_whoever_trusts_its_authority_and_by_nobody_else() {
    let (source, authority) = (GitRepo::with_history(), Authority::create());
    let Some(apache) = Apache::start(source.base(), &authority).await else { return };
    let copy = apache.path("copy.git");
    convert(&authority, &apache.url("git/source.git"), &copy);
    assert_eq!(published_refs(Path::new(&copy)), published_refs(&source.bare()));
}
