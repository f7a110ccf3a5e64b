//! Other people's branches.

use super::copy::Copy;
use super::repository::{Branches, run};
use super::server::BzrServer;
use std::collections::BTreeMap;
use std::path::Path;

/// Unpacks an archive of the corpora, as the branch `branch`; none without corpora.
pub(super) fn unpack(name: &str) -> Option<Branches> {
    let corpora = std::env::var_os("CODEIMPORT_CORPORA")?;
    let archive = Path::new(&corpora).join("bzr").join(name);
    let branches = Branches::create();
    std::fs::create_dir(branches.path("branch")).expect("ours");
    run(&branches.path("branch"), &["tar", "-xf", archive.to_str().expect("text")]);
    Some(branches)
}

#[test]
fn every_revision_of_the_corpora_is_what_brz_exports_over_its_own_protocol() {
    let Some(branches) = unpack("gnuclad.bzr.tar.xz") else { return };
    let server = BzrServer::start(branches.dir.path());
    let copy = Copy::of(&server.url("branch"));
    assert!(copy.run().outcome.is_success());
    assert_eq!(copy.compare_all(), copy.map().len());
    let here = Copy::of(&branches.url("branch"));
    here.run();
    assert_eq!(here.refs(), copy.refs(), "from a folder the same commits come out");
}

/// What `brz log` says of each revision, by its id.
fn logged(branches: &Branches) -> BTreeMap<String, String> {
    let log = branches.brz("branch", &["log", "--long", "-n0", "--show-ids", "--timezone=utc", "--forward"]);
    let mut told = BTreeMap::new();
    for entry in log.split(&"-".repeat(60)).filter(|entry| !entry.trim().is_empty()) {
        let field =
            |name: &str| entry.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default().trim();
        let parents: Vec<_> =
            entry.lines().filter_map(|line| line.trim().strip_prefix("parent: ")).map(str::to_owned).collect();
        let message: Vec<_> =
            entry.lines().skip_while(|line| line.trim() != "message:").skip(1).map(str::trim).collect();
        let said = format!(
            "{}|{}|{}|{}|{}",
            field("author:"),
            field("committer:"),
            field("timestamp:"),
            parents.join(" "),
            message.join(" ").trim().replace("(no message)", "")
        );
        told.insert(field("revision-id:").to_owned(), said);
    }
    told
}

#[test]
fn authors_dates_parents_and_messages_of_the_corpora_are_those_of_brz_log() {
    let Some(branches) = unpack("gnuclad.bzr.tar.xz") else { return };
    let copy = Copy::of(&branches.url("branch"));
    copy.run();
    let map = copy.map();
    let revision_of: BTreeMap<_, _> =
        map.iter().map(|entry| (entry.commit.to_string(), entry.revision.clone())).collect();
    let logged = logged(&branches);
    assert_eq!(logged.len(), map.len());
    for entry in &map {
        let format = "--format=%an <%ae>%n%cn <%ce>%n%cd%n%P%n%B";
        let shown = copy.git(&[
            "log",
            "-1",
            "--date=format-local:%a %Y-%m-%d %H:%M:%S +0000",
            format,
            &entry.commit.to_string(),
        ]);
        let lines: Vec<_> = shown.lines().collect();
        let parents: Vec<_> = lines[3].split_whitespace().map(|parent| revision_of[parent].clone()).collect();
        let author = if lines[0] == lines[1] { "" } else { lines[0] };
        let message: Vec<_> = lines[4..].iter().map(|line| line.trim()).collect();
        let ours = format!("{author}|{}|{}|{}|{}", lines[1], lines[2], parents.join(" "), message.join(" ").trim());
        assert_eq!(ours, logged[&entry.revision], "{}", entry.revision);
    }
}
