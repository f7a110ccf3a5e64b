//! Repositories behind a real Apache with mod_dav_svn, and behind what hosts put in front of it.

use super::server::{free_port, until_it_listens};
use codeimport_subprocess::{Command, Daemon};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// A running Apache. Each of its paths treats the same repositories in another way.
pub(crate) struct Apache {
    port: u16,
    _dir: TempDir,
    _daemon: Daemon,
}

impl Apache {
    /// Serves the repositories below a folder. None where Apache or its module is not installed: `make setup` does that, and
    /// HTTP is not tested without.
    pub(crate) fn serve(root: &Path) -> Option<Self> {
        if !Path::new(MODULES).join("mod_dav_svn.so").exists() {
            return None;
        }
        let dir = tempfile::tempdir().expect("temporary folder");
        // Started by root, Apache serves as somebody else.
        for folder in [root.parent().expect("not the root of all"), dir.path()] {
            std::fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("the folder is ours");
        }
        let port = free_port();
        let config = dir.path().join("apache.conf");
        std::fs::write(&config, configuration(root, dir.path(), port)).expect("the folder is ours");
        let daemon = Command::new("/usr/sbin/apache2").args(["-D", "FOREGROUND", "-f"]).arg(&config).start();
        let daemon = daemon.expect("Apache is installed");
        until_it_listens(port, &daemon);
        Some(Self { port, _dir: dir, _daemon: daemon })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Address of a repository below one of the paths: `svn` serves it, `spared` to all but Subversion's programs, `reserved` to
    /// them and, but for reports, to others; `tired` and `hurt` answer all questions but reports. `files` is
    /// all that lies in the folder, as it is.
    pub(crate) fn url(&self, path: &str, name: &str) -> String {
        format!("http://127.0.0.1:{}/{path}/{name}", self.port)
    }
}

fn configuration(root: &Path, dir: &Path, port: u16) -> String {
    let modules =
        ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "alias", "headers", "dav", "dav_svn"];
    let modules: String =
        modules.iter().map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).collect();
    let (root, dir) = (root.display(), dir.display());
    let serve = format!("DAV svn\nSVNParentPath {root}\n");
    format!(
        "ServerName 127.0.0.1\nListen 127.0.0.1:{port}\nServerRoot {dir}\nPidFile {dir}/apache.pid\n\
         ErrorLog {dir}/apache.log\nMutex file:{dir}\nUser nobody\nGroup nogroup\n{modules}\
         <Location /svn>\n{serve}Require all granted\n</Location>\n\
         <Location /spared>\n{serve}Require expr \"%{{HTTP_USER_AGENT}} !~ /^SVN/\"\n</Location>\n\
         <Location /reserved>\n{serve}Require expr \"%{{REQUEST_METHOD}} != 'REPORT' || %{{HTTP_USER_AGENT}} =~ /^SVN/\"\n</Location>\n\
         <Location /tired>\n{serve}<If \"%{{REQUEST_METHOD}} == 'REPORT'\">\nRedirectMatch 429 .*\n</If>\n</Location>\n\
         <Location /hurt>\n{serve}<If \"%{{REQUEST_METHOD}} == 'REPORT'\">\nRedirectMatch 500 .*\n</If>\n</Location>\n\
         <Location /private>\n{serve}AuthType Basic\nAuthName private\nRequire valid-user\n</Location>\n\
         <Location /closed>\n{serve}Require all denied\n</Location>\n\
         Alias /files {root}\n\
         Redirect 429 /busy\n<Location /busy>\nHeader always set Retry-After 7\n</Location>\n\
         Redirect 500 /broken\nRedirect 503 /away\n"
    )
}
