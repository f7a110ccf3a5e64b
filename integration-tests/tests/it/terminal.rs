//! What a person at a terminal sees of a conversion: progress, Ctrl-C, and what a failure leaves.

use crate::convert::long_dump;
use crate::svn_import::SvnServer;
use codeimport_integration_tests::{eventually, git, program};
use codeimport_subprocess::{Command, Signal};
use rustix::process::{Pid, kill_process_group};
use std::net::TcpListener;

#[tokio::test]
async fn a_terminal_shows_stage_share_counts_and_bytes() {
    let svn = SvnServer::start().await;
    // Longer than progress is silent at first, even where it goes fast.
    svn.load("r", long_dump(2_000));
    let line = format!("{} convert {} copy.git", program("codeimport").display(), svn.url("r"));
    // A terminal of its own, as `script` makes it.
    let seen = Command::new("script").args(["-qec", &line, "/dev/null"]).cwd(svn.dir.path()).run();
    let seen = seen.expect("script is part of every system").stdout_text();
    let drawn = seen.split('\r').find(|line| line.contains("revisions") && line.contains("B  "));
    let drawn = drawn.unwrap_or_else(|| panic!("no progress in {seen:?}"));
    assert!(drawn.starts_with("convert") && drawn.contains(" %") && drawn.contains("/2,000 revisions"), "{drawn:?}");
    assert!(seen.contains("copy.git: success"), "{seen:?}");
}

#[tokio::test]
async fn ctrl_c_stops_the_command_and_all_that_it_has_started() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let silent = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("http://{}/r", silent.local_addr().expect("bound"));
    // The shell hears Ctrl-C as well, as it does at a terminal, and then tells how the command ended.
    let line =
        format!("trap : INT; {} convert {url} copy.git --rcs svn; echo $? > code", program("codeimport").display());
    let shell = Command::new("sh").args(["-c", &line]).cwd(folder.path()).start().expect("there is a shell");
    let _kept = silent.accept().expect("the command asks the server");
    let group = i32::try_from(shell.pid()).ok().and_then(Pid::from_raw).expect("a pid is a positive number");
    kill_process_group(group, Signal::INT).expect("the group lives");
    let code = eventually("the command ends", async || {
        std::fs::read_to_string(folder.path().join("code")).ok().filter(|code| code.ends_with('\n'))
    })
    .await;
    assert_eq!(code.trim(), "130");
    eventually("nothing is left of its group", async || (!shell.is_running()).then_some(())).await;
}

#[tokio::test]
async fn a_first_conversion_that_fails_leaves_nothing_behind_and_a_later_one_what_was_there() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let path = svn.dir.path().join("copy.git");
    let convert = |url: String| Command::new(program("codeimport")).args(["convert", &url]).arg(&path).run();
    assert_eq!(convert(svn.url("missing")).expect("it runs").code, Some(5));
    assert!(!path.exists(), "an empty repository would look like a copy");
    assert_eq!(convert(svn.url("r")).expect("it runs").code, Some(0));
    let refs = git(&path, &["for-each-ref"]);
    assert_eq!(convert(svn.url("missing")).expect("it runs").code, Some(5));
    assert_eq!(git(&path, &["for-each-ref"]), refs);
}
