//! Serves repositories on loopback: svnserve, and Apache with mod_dav_svn where it is installed.

use crate::serving::{Server, free_port};
use codeimport_subprocess::Command;
use std::fs;
use std::path::Path;

/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Serves the repositories below a folder over `svn://`.
pub(crate) fn svnserve(root: &Path) -> anyhow::Result<Server> {
    let port = free_port()?;
    let listen = ["--listen-host", "127.0.0.1", "--listen-port", &port.to_string()].map(str::to_owned);
    let command = Command::new("svnserve").args(["--daemon", "--foreground", "--root"]).arg(root).args(listen);
    Server::start(command, port, format!("svn://127.0.0.1:{port}"))
}

/// Serves them over `http://`; none if Apache or its module is not installed.
pub(crate) fn apache(root: &Path, dir: &Path) -> anyhow::Result<Option<Server>> {
    if !Path::new(MODULES).join("mod_dav_svn.so").exists() {
        return Ok(None);
    }
    let port = free_port()?;
    let config = dir.join("apache.conf");
    fs::write(&config, apache_config(root, dir, port))?;
    let command = Command::new("/usr/sbin/apache2").args(["-D", "FOREGROUND", "-f"]).arg(&config);
    Server::start(command, port, format!("http://127.0.0.1:{port}/svn")).map(Some)
}

/// As mod_dav_svn's own documentation has it, with many requests per connection and bulk updates, as hosts do.
fn apache_config(root: &Path, dir: &Path, port: u16) -> String {
    let modules = ["mpm_event", "authz_core", "dav", "dav_svn"];
    let modules: String =
        modules.iter().map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).collect();
    let (root, dir) = (root.display(), dir.display());
    format!(
        "ServerName 127.0.0.1\nListen 127.0.0.1:{port}\nServerRoot {dir}\nPidFile {dir}/apache.pid\n\
         ErrorLog {dir}/apache.log\nMutex file:{dir}\nUser nobody\nGroup nogroup\n{modules}\
         KeepAlive On\nMaxKeepAliveRequests 10000\nKeepAliveTimeout 15\n\
         <Location /svn>\n  DAV svn\n  SVNParentPath {root}\n  SVNAllowBulkUpdates Prefer\n  Require all granted\n</Location>\n"
    )
}
