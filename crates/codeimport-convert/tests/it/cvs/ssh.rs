//! `:ext:` through a real sshd on loopback: the same commits as from files, increments, verification, and what can go wrong.

use super::copy::Copy;
use super::failures::imported;
use super::repository::CvsRoot;
use crate::sshd::Sshd;
use codeimport_convert::{Scope, Ssh, Watch};
use codeimport_core::{Outcome, cvs_url};

fn copy<'a>(root: &'a CvsRoot, sshd: &Sshd, repository: &str, module: &str) -> Copy<'a> {
    let cvs_root = format!(":ext:{}{repository}", sshd.account());
    let mut copy = Copy::at(root, "m", &cvs_url(&cvs_root, module).expect("a root and a module"));
    copy.options.ssh = pinned(sshd, "key", "host.pub");
    copy
}

fn pinned(sshd: &Sshd, key: &str, host: &str) -> Ssh {
    Ssh::pinned(sshd.file(key), sshd.known_hosts(host)).expect("plain paths")
}

#[test]
fn history_comes_over_ssh_as_it_does_from_files() {
    let root = imported();
    let Some(sshd) = Sshd::running("cvs server") else { return };
    let by_files = Copy::of(&root, "m");
    let by_ssh = copy(&root, &sshd, &root.path().display().to_string(), "m");
    assert_eq!((by_files.run(), by_ssh.run()), (Ok(true), Ok(true)));
    root.cvs(root.dir.path(), &["checkout", "m"]);
    let work = root.dir.path().join("m");
    std::fs::write(work.join("f"), "another text\n").expect("ours");
    root.cvs(&work, &["commit", "-m", "more"]);
    assert_eq!((by_files.run(), by_ssh.run()), (Ok(true), Ok(true)));
    assert_eq!((by_files.refs(), by_files.map()), (by_ssh.refs(), by_ssh.map()));
    assert_eq!(by_ssh.run_outcome(), Outcome::NoChange);
    assert!(by_ssh.compare_dates(Scope::All) > 0, "verified by `cvs` over the same way");
    assert_eq!(by_ssh.source().preview(&Watch::none()).expect("readable").branches, ["HEAD", "vendor"]);
}

#[test]
fn what_goes_wrong_over_ssh_has_outcomes_of_its_own() {
    let root = imported();
    let (Some(sshd), Some(without)) = (Sshd::running("cvs server"), Sshd::running("/nowhere/cvs server")) else {
        return;
    };
    let repository = root.path().display().to_string();
    let with = |ssh: Ssh| {
        let mut copy = copy(&root, &sshd, &repository, "m");
        copy.options.ssh = ssh;
        copy
    };
    let cases = [
        (with(Ssh::Off), "Forbidden", "needs SSH"),
        (with(pinned(&sshd, "stranger", "host.pub")), "Authentication", "does not let the SSH key in"),
        (with(pinned(&sshd, "key", "stranger.pub")), "Forbidden", "another host key"),
        (with(pinned(&without, "key", "host.pub")), "Forbidden", "key is not known"),
        (copy(&root, &without, &repository, "m"), "Invalid", "no program cvs"),
        (copy(&root, &sshd, "/nowhere", "m"), "Invalid", "has no repository /nowhere"),
        (copy(&root, &sshd, &repository, "nothing"), "Invalid", "has no nothing"),
    ];
    for (copy, outcome, words) in cases {
        let error = copy.run().expect_err(words);
        assert!(error.starts_with(outcome) && error.contains(words), "{words}: {error}");
        assert_eq!(copy.refs(), "", "{words}");
    }
}

#[test]
fn a_server_that_says_nothing_by_ssh_is_given_up() {
    let root = imported();
    let Some(silent) = Sshd::running("cat >/dev/null") else { return };
    let Some(greeting) = Sshd::running("echo Welcome") else { return };
    let mut copy_of_silence = copy(&root, &silent, "/r", "m");
    copy_of_silence.options.idle_timeout = std::time::Duration::from_secs(2);
    let error = copy_of_silence.run().expect_err("nobody answers");
    assert!(error.starts_with("Unavailable") && error.contains("said nothing for 2 seconds"), "{error}");
    let error = copy(&root, &greeting, "/r", "m").run().expect_err("it is no CVS");
    assert!(error.starts_with("RemoteBroken") && error.contains("Welcome"), "{error}");
}
