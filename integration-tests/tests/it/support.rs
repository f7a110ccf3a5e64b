//! What several stories check in the same way.

use crate::sshd::Sshd;
use codeimport_integration_tests::{Cluster, GitDaemon, GitRepo, Held, git, program, published_refs};
use codeimport_proto::registry::{Revision, Signature};
use codeimport_subprocess::{Command, Output};
use std::path::{Path, PathBuf};

/// An import whose first run stands still at a known place.
pub(crate) struct HeldRun {
    pub(crate) repo: GitRepo,
    pub(crate) held: Held,
    /// Serves the source for as long as the story lasts.
    _daemon: GitDaemon,
}

impl HeldRun {
    /// Defines the import `it` and waits until the first worker has got to the failpoint.
    pub(crate) async fn at(failpoint: &str, cluster: &mut Cluster) -> Self {
        let repo = GitRepo::with_history();
        let daemon = GitDaemon::serve(&repo).await;
        let armed = cluster.workers[0].arm(failpoint);
        cluster.create("it", &daemon.url()).await;
        Self { held: armed.reached().await, repo, _daemon: daemon }
    }
}

/// Runs `codeimport --json …`, which trusts this authority alone, or none that the server has.
pub(crate) fn trusting(certificate: Option<&Path>, args: &[&str]) -> Output {
    let command = Command::new(program("codeimport")).arg("--json").args(args);
    let command = certificate.into_iter().fold(command, |command, path| command.env("SSL_CERT_FILE", path));
    command.run().expect("the program can be run")
}

/// What lets a worker read over SSH what this server has.
pub(crate) fn worker_keys(sshd: &Sshd) -> Vec<(&'static str, String)> {
    let text = |path: PathBuf| path.to_str().expect("a temporary folder's name is text").to_owned();
    let known_hosts = sshd.known_hosts("host.pub");
    vec![
        ("CODEIMPORT_WORKER_SSH_KEY", text(sshd.file("key"))),
        ("CODEIMPORT_WORKER_SSH_KNOWN_HOSTS", text(known_hosts)),
    ]
}

/// Claims that target and registry both show exactly what the source has.
pub(crate) async fn assert_in_step(cluster: &mut Cluster, import_id: &str, repo: &GitRepo) {
    let target = cluster.target(import_id);
    let source_refs = published_refs(&repo.bare());
    assert_eq!(published_refs(&target), source_refs, "refs of the target");
    git(&target, &["fsck", "--strict", "--no-dangling"]);
    let (refs, default_branch) = cluster.refs(import_id).await;
    let listed: Vec<_> = refs.iter().map(|r| format!("{} {}", r.object_id, r.name)).collect();
    assert_eq!(listed.join("\n"), source_refs, "refs as the registry tells them");
    assert_eq!(default_branch, git(&repo.bare(), &["symbolic-ref", "HEAD"]), "default branch");
    for reference in refs.iter().filter(|r| !r.commit_id.is_empty()) {
        let told = cluster.revisions(import_id, &reference.name).await;
        assert_eq!(
            sorted(told.iter().map(told_line)),
            sorted(log_lines(&repo.bare(), &reference.name)),
            "{}",
            reference.name
        );
    }
}

/// One commit as one line: id, parents, author, committer, dates with zone, whole message.
fn log_lines(repository: &Path, reference: &str) -> Vec<String> {
    let format = "--format=%H|%P|%an|%ae|%ad|%cn|%ce|%cd|%B%x00";
    let log = git(repository, &["log", "--date=raw", format, reference]);
    log.split('\0').map(|entry| entry.trim_start_matches('\n').to_owned()).filter(|entry| !entry.is_empty()).collect()
}

fn told_line(revision: &Revision) -> String {
    let who = |signature: &Option<Signature>| {
        let signature = signature.clone().expect("a commit has author and committer");
        let (sign, offset) =
            (if signature.utc_offset_minutes < 0 { '-' } else { '+' }, signature.utc_offset_minutes.abs());
        let seconds = signature.time.expect("a signature has a time").seconds;
        format!("{}|{}|{seconds} {sign}{:02}{:02}", signature.name, signature.email, offset / 60, offset % 60)
    };
    let (author, committer) = (who(&revision.author), who(&revision.committer));
    // git log ends %B with a line end of its own choosing; the registry keeps the one that is stored.
    let message = revision.message.trim_end_matches('\n');
    format!("{}|{}|{author}|{committer}|{message}", revision.commit_id, revision.parent_ids.join(" "))
}

fn sorted(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<_> = lines.into_iter().map(|line| line.trim_end_matches('\n').to_owned()).collect();
    lines.sort();
    lines
}

/// Everything below a folder with sizes and times: equal before and after means that nothing was written.
pub(crate) fn footprint(dir: &Path) -> Vec<String> {
    let mut seen = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder exists") {
            let entry = entry.expect("the folder can be read");
            let data = entry.metadata().expect("the entry exists");
            if data.is_dir() {
                folders.push(entry.path());
            }
            let written = data.modified().expect("the file system keeps times");
            seen.push(format!("{} {} {written:?}", entry.path().display(), data.len()));
        }
    }
    seen.sort();
    seen
}
