//! Subversion that wants to know who asks: a password over HTTP, a key over SSH; and what is behind an address is found out.

use crate::sshd::Sshd;
use crate::support::worker_keys;
use crate::svn_import::{SvnServer, codeimport, run};
use codeimport_integration_tests::{Cluster, ClusterOptions, eventually, published_refs};
use codeimport_subprocess::{Command, Daemon};
use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

const MODULES: &str = "/usr/lib/apache2/modules";
const PASSWORD: &str = "correct horse";

/// The password as `openssl passwd -6` has it.
fn htpasswd() -> String {
    let hash = Command::new("openssl").args(["passwd", "-6", PASSWORD]).run().expect("openssl is installed");
    format!("ada:{}", hash.stdout_text())
}

/// Something that listens on loopback, for as long as it is kept.
struct Listening {
    _dir: TempDir,
    port: u16,
    _daemon: Daemon,
}

async fn listen(dir: TempDir, port: u16, command: Command) -> Listening {
    let daemon = command.start().expect("it is installed");
    eventually("the server listens", async || {
        assert!(daemon.is_running(), "it ended early:\n{}", daemon.log_tail());
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
    })
    .await;
    Listening { _dir: dir, port, _daemon: daemon }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("loopback has free ports").port()
}

/// Apache with mod_dav_svn: everybody may read below `/open`, Ada below `/closed`. None where it is not installed.
async fn apache(root: &Path) -> Option<Listening> {
    if !Path::new(MODULES).join("mod_dav_svn.so").exists() {
        return None;
    }
    let (dir, port) = (tempfile::tempdir().expect("a temporary folder"), free_port());
    for folder in [root, dir.path()] {
        // Started by root, Apache serves as somebody else.
        std::fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("the folder is ours");
    }
    let users = dir.path().join("users");
    std::fs::write(&users, htpasswd()).expect("the folder is ours");
    let names = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_svn"];
    let modules: String =
        names.iter().map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).collect();
    let (here, serve) = (dir.path().display(), format!("DAV svn\nSVNParentPath {}\n", root.display()));
    let text = format!(
        "ServerName 127.0.0.1\nListen 127.0.0.1:{port}\nServerRoot {here}\nPidFile {here}/pid\nErrorLog {here}/log\n\
         Mutex file:{here}\nUser nobody\nGroup nogroup\n{modules}<Location /open>\n{serve}Require all granted\n</Location>\n\
         <Location /closed>\n{serve}AuthType Basic\nAuthName closed\nAuthUserFile {users}\nRequire valid-user\n</Location>\n",
        users = users.display()
    );
    let config = dir.path().join("apache.conf");
    std::fs::write(&config, text).expect("the folder is ours");
    let command = Command::new("/usr/sbin/apache2").args(["-D", "FOREGROUND", "-f"]).arg(&config);
    Some(listen(dir, port, command).await)
}

/// What a conversion by hand of the same repository makes.
fn by_hand(cluster: &Cluster, svn: &SvnServer) -> String {
    let dir = svn.dir.path().join("by-hand.git");
    codeimport(cluster, &["convert", &svn.url("r"), dir.to_str().expect("text")]);
    published_refs(&dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_behind_an_address_is_asked_and_a_password_in_it_becomes_a_credential() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let Some(apache) = apache(svn.dir.path()).await else { return };
    let env = vec![("CODEIMPORT_REGISTRY_CREDENTIAL_KEYS", "5".repeat(64))];
    let cluster = Cluster::with(ClusterOptions { env, ..ClusterOptions::default() }).await;
    let at = |path: &str, user: &str| format!("http://{user}127.0.0.1:{}/{path}/r", apache.port);

    let open = run(&cluster, &["import", "create", &at("open", ""), "--id", "open", "--wait"]);
    assert!(open.success() && open.stdout_text().contains("success"), "{}{}", open.stdout_text(), open.stderr);
    let shown = codeimport(&cluster, &["import", "show", "open"]).remove(0);
    assert_eq!(shown["rcs_type"], "svn", "{shown}");

    let nobody = run(&cluster, &["import", "create", &at("closed", ""), "--id", "nobody"]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("svn: HTTP 401") && nobody.stderr.contains("--rcs"), "{}", nobody.stderr);

    let ada = format!("ada:{}@", PASSWORD.replace(' ', "%20"));
    let create = ["import", "create", &at("closed", &ada), "--id", "closed", "--wait"];
    let closed = codeimport(&cluster, &create).remove(0);
    assert_eq!(closed["outcome"], "success", "{closed}");
    let shown = codeimport(&cluster, &["import", "show", "closed"]).remove(0);
    assert_eq!((&shown["rcs_type"], &shown["source_url"]), (&"svn".into(), &at("closed", "").into()), "{shown}");
    assert_eq!(cluster.target_refs("closed"), by_hand(&cluster, &svn));
    assert_eq!(cluster.target_refs("open"), cluster.target_refs("closed"));
    svn.commit("r", &["mkdir", "trunk/new"]);
    assert_eq!(codeimport(&cluster, &["import", "now", "closed", "--wait"])[0]["outcome"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_key_reads_over_ssh_and_the_next_run_is_an_increment() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let served = format!("svnserve --tunnel --root {}", svn.dir.path().display());
    let Some(sshd) = Sshd::running(&served) else { return };
    let cluster = Cluster::with(ClusterOptions { env: worker_keys(&sshd), ..ClusterOptions::default() }).await;
    let url = format!("svn+ssh://{}/r", sshd.account());
    let first = codeimport(&cluster, &["import", "create", &url, "--id", "it", "--wait"]).remove(0);
    assert_eq!(first["outcome"], "success", "{first}");
    svn.commit("r", &["mkdir", "trunk/new", "put", svn.dir.path().join("text").to_str().expect("text"), "trunk/new/f"]);
    let second = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!((&second["outcome"], &second["new_revision_count"]), (&"success".into(), &1.into()), "{second}");
    assert_eq!(cluster.target_refs("it"), by_hand(&cluster, &svn));
}
